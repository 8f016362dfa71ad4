"""Gaussian mixtures of incomplete rows, against maximum likelihood as other programs and exact algebra found it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import FullGaussian, GaussianMixture, Incomplete
from tests.references import load


def test_faithful_with_deleted_cells() -> None:
    """Two components of Old Faithful with 87 cells deleted are those of MGMM, log likelihoods included."""
    case = load("gmm_missing_faithful")
    reference, tolerance = case["reference"], case["tolerance"]
    x = Incomplete(np.array(case["data"]["rows"], dtype=np.float64))
    begin = reference["start"]
    start = GaussianMixture(begin["weights"], FullGaussian(begin["means"], [begin["cov_all"]] * 2))
    assert_allclose(start.log_marginal(x).sum(), reference["loglik_at_start"], rtol=0, atol=tolerance["loglik"])
    fit = emkit.fit(start, x, tol=1e-13, max_iter=1000)
    assert fit.trace.monotone
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])
    for name in ("weights", "means", "covariances"):
        assert_allclose(getattr(fit.model, name), reference[name], rtol=0, atol=tolerance["parameters"])


def test_airquality() -> None:
    """One normal of New York's air, with 44 cells missing in two of four columns, is that of lavaan and norm."""
    case = load("mvn_missing_airquality")
    reference, tolerance = case["reference"], case["tolerance"]
    x = Incomplete(np.array(case["data"]["rows"], dtype=np.float64))
    fit = emkit.fit(GaussianMixture.start(x, 1, rng=0, prior=None), x, tol=1e-13, max_iter=1000)
    assert fit.converged
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(fit.model.means[0], reference["mean"], rtol=0, atol=tolerance["mean"])
    assert_allclose(fit.model.covariances[0], reference["cov"], rtol=tolerance["cov_relative"])


@pytest.mark.parametrize("begin", [0.3, -0.3, 0.0])
def test_two_maxima_and_a_saddle(begin: float) -> None:
    """Of Murray's twelve rows EM finds the maximum on the side of its start, and from correlation 0 the saddle."""
    case = load("murray_bivariate_missing")
    reference, tolerance = case["reference"], case["tolerance"]
    x = Incomplete(np.array([case["data"]["x1"], case["data"]["x2"]], dtype=np.float64).T)
    maxima = {np.sign(one["corr"]): one | {"loglik": reference["loglik_maxima"]} for one in reference["maxima"]}
    expected = reference["saddle"] if begin == 0 else maxima[np.sign(begin)]
    start = GaussianMixture([1.0], FullGaussian([[0.0, 0.0]], [[[1.0, begin], [begin, 1.0]]], fixed="means"))
    fit = emkit.fit(start, x, tol=0.0, max_iter=400)
    (first, covariance), (_, second) = fit.model.covariances[0]
    assert_allclose([first, second], [expected["var1"], expected["var2"]], rtol=0, atol=tolerance["variances"])
    assert_allclose(covariance / np.sqrt(first * second), expected["corr"], rtol=0, atol=tolerance["corr"])
    assert_allclose(fit.log_likelihood, expected["loglik"], rtol=0, atol=tolerance["loglik"])
