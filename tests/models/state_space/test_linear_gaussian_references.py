"""The local level model of the Nile against pykalman's EM and statsmodels' likelihoods."""

from itertools import islice

import numpy as np
from numpy.testing import assert_allclose

import emkit
from emkit import LinearGaussianStateSpace
from tests.references import load

CASE = load("nile_local_level")
REFERENCE, TOLERANCE = CASE["reference"], CASE["tolerance"]
FLOW = [np.array(CASE["data"]["y"], dtype=float)[:, None]]
HELD = {"initial_mean", "initial_covariance", "transition", "observation"}


def level(noise: float, variance: float, mean: float, start: float) -> LinearGaussianStateSpace:
    """Return a local level model in which only the two variances are free."""
    return LinearGaussianStateSpace([mean], [[start]], [[1.0]], [[variance]], [[1.0]], [[noise]], fixed=HELD)


def known_start(noise: float, variance: float) -> LinearGaussianStateSpace:
    return level(noise, variance, REFERENCE["known_init"]["a1"], REFERENCE["known_init"]["P1"])


def test_every_iterate_of_pykalman() -> None:
    """From the same start, EM has the log-likelihoods and the two variances of pykalman's."""
    begin = REFERENCE["pykalman_em"]["init"]
    first, *rest = REFERENCE["pykalman_em"]["trace_(iter,loglik,obs_var,state_var)"]
    expected = {0: [first, begin["obs_var"], begin["state_var"]]} | {row[0]: row[1:] for row in rest if row[0] <= 100}
    run = emkit.steps(level(begin["obs_var"], begin["state_var"], begin["a1"], begin["P1"]), FLOW)
    for step in islice(run, 101):
        if step.iteration in expected:
            model = step.model
            found = [step.objective, model.observation_covariance[0, 0], model.transition_covariance[0, 0]]
            assert_allclose(found, expected[step.iteration], rtol=0, atol=TOLERANCE["em_trace"])


def test_the_optimum_with_a_known_start() -> None:
    """At statsmodels' optimum the log-likelihood is statsmodels', and EM stays there."""
    reference = REFERENCE["known_init"]
    model = known_start(reference["sigma2_eps"], reference["sigma2_eta"])
    assert_allclose(model.log_marginal(FLOW).sum(), reference["loglik"], rtol=0, atol=TOLERANCE["loglik"])
    fit = emkit.fit(model, FLOW, tol=0.0, max_iter=30)
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=TOLERANCE["loglik"])
    found = [fit.model.observation_covariance[0, 0], fit.model.transition_covariance[0, 0]]
    assert_allclose(found, [reference["sigma2_eps"], reference["sigma2_eta"]], rtol=TOLERANCE["variances_relative"])
    assert_allclose(fit.bic, -2 * reference["loglik"] + 2 * np.log(100), rtol=1e-6)  # 100 years, two variances
    assert fit.trace.monotone


def test_a_diffuse_start() -> None:
    """As the start spreads out, the likelihood but for the start's own volume is the exact diffuse one."""
    reference = REFERENCE["exact_diffuse"]
    for width in (1e10, 1e12):
        model = level(reference["sigma2_eps"], reference["sigma2_eta"], 0.0, width)
        found = model.log_marginal(FLOW)[0] + 0.5 * np.log(width)
        assert_allclose(found, reference["loglik"], rtol=0, atol=TOLERANCE["loglik"])
