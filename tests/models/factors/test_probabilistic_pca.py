"""Probabilistic PCA against its closed form, iris, and a direct maximisation where cells are missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

import emkit
from emkit import Array, Incomplete, Outcome, ProbabilisticPCA
from tests.models.factors import dense_factors as dense
from tests.references import load


def closed_form(rows: Array, factors: int) -> tuple[Array, float]:
    """Return the covariance and the noise of the maximum. Reference: Tipping and Bishop (1999), equations 7 and 8."""
    values, vectors = np.linalg.eigh(np.cov(rows.T, ddof=0))
    noise = float(values[:-factors].mean())
    kept = vectors[:, -factors:]
    return kept * (values[-factors:] - noise) @ kept.T + noise * np.eye(len(values)), noise


@pytest.mark.parametrize("factors", [1, 2])
def test_iris(factors: int) -> None:
    """EM on iris finds the published noise, log-likelihood and covariance."""
    case = load("ppca_iris")
    reference, tolerance = case["reference"][f"ppca_q{factors}"], case["tolerance"]
    rows = emkit.datasets.iris().data
    fit = emkit.fit(ProbabilisticPCA.start(rows, factors), rows, tol=1e-15)
    assert fit.trace.monotone
    assert_allclose(fit.model.noise, reference["sigma2_ml"], rtol=0, atol=tolerance["sigma2"])
    assert_allclose(fit.log_likelihood, reference["loglik_ml"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(fit.model.covariance, reference["model_cov_ml"], rtol=0, atol=tolerance["model_cov"])
    assert_allclose(fit.model.mean, reference["mean"], rtol=1e-12)
    assert_allclose(fit.model.covariance, closed_form(rows, factors)[0], rtol=0, atol=1e-5)


@settings(max_examples=5)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_the_closed_form(seed: int, factors: int) -> None:
    """From a start in other units, EM reaches the closed form."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    deviations = np.where(np.arange(5) < factors, 3.0 - 0.5 * np.arange(5), 1.0)
    rows = rng.normal(size=(60, 5)) * deviations @ axes + 7
    covariance, noise = closed_form(rows, factors)
    fit = emkit.fit(ProbabilisticPCA.start(rows, factors), rows, tol=1e-12, max_iter=2000)
    assert_allclose(fit.model.noise, noise, rtol=1e-3)
    assert_allclose(fit.model.covariance, covariance, atol=1e-3 * np.abs(covariance).max())


def test_missing_cells_maximise_the_density_of_those_seen() -> None:
    """With a third of the cells missing, EM ends where a direct maximisation of the dense likelihood does."""
    rng = np.random.default_rng(11)
    rows = dense.random_rows(ProbabilisticPCA([1.0, 0.0, -1.0], [[1.5], [1.0], [-0.5]], 0.4), rng, 50)

    def loss(free: Array) -> float:
        model = ProbabilisticPCA(free[:3], free[3:6, None], float(np.exp(free[6])))
        return -sum(dense.log_density(model, row) for row in rows)

    data = Incomplete(rows)
    fit = emkit.fit(ProbabilisticPCA.start(data, 1), data, tol=1e-13, max_iter=5000)
    best = minimize(loss, [0.5, 0.5, -0.5, 1.0, 1.0, 0.0, 0.0], method="BFGS", options={"gtol": 1e-5})
    assert_allclose(fit.log_likelihood, -best.fun, rtol=0, atol=1e-6)
    assert_allclose(fit.model.mean, best.x[:3], atol=1e-3)
    assert_allclose(fit.model.noise, np.exp(best.x[6]), rtol=1e-3)


def test_data_on_a_line_are_named() -> None:
    """Rows that lie exactly on a line leave no noise: the fit is degenerate, and says so."""
    rows = np.outer(np.arange(9.0), [1.0, 2.0, 3.0])
    fit = emkit.fit(ProbabilisticPCA.start(rows, 1), rows)
    assert fit.outcome is Outcome.DEGENERATE
    assert "noise[0] is zero to rounding" in fit.message
