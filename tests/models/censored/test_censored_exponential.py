"""Censored exponential times against quadrature, closed forms, direct maximisation and survreg; edges and errors."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import expon

import emkit
from emkit import Censored, CensoredExponential, GammaPrior, Weighted
from tests.censored import censor
from tests.references import load

SEEDS = st.integers(0, 2**32 - 1)
INF = np.inf


def draw(seed: int, n: int = 30) -> tuple[CensoredExponential, Weighted[Censored]]:
    rng = np.random.default_rng(seed)
    rate = 10 ** rng.uniform(-3, 3)
    data = censor(rng.exponential(1 / rate, n), rng, positive=True)
    return CensoredExponential(rate), Weighted(data, rng.uniform(0.1, 2.0, n))


def log_likelihood(rate: float, data: Weighted[Censored]) -> float:
    x, distribution = data.data, expon(scale=1 / rate)
    lower = np.maximum(x.lower, 0)
    with np.errstate(divide="ignore"):
        terms = np.where(x.exact, distribution.logpdf(lower), np.log(distribution.sf(lower) - distribution.sf(x.upper)))
    return float(data.weight @ terms)


@given(SEEDS)
def test_quadrature(seed: int) -> None:
    """Log marginals are integrals of the density over the limits, posteriors its moments there."""
    model, data = draw(seed, 8)
    found = model.posterior(data)
    for n, (lower, upper) in enumerate(zip(np.maximum(data.data.lower, 0), data.data.upper, strict=True)):
        if lower == upper:
            assert_allclose(model.log_marginal(data)[n], expon(scale=model.mean).logpdf(lower), rtol=1e-12, atol=1e-12)
            assert (found.mean[n], found.variance[n]) == (lower, 0)
            continue
        end = min((upper - lower) * model.rate, 45.0)  # in units of the mean, from the lower limit on
        mass, first, second = (quad(lambda t, k=k: t**k * np.exp(-t), 0, end, epsrel=1e-11)[0] for k in range(3))
        assert_allclose(model.log_marginal(data)[n], np.log(mass) - lower * model.rate, rtol=1e-8, atol=1e-8)
        assert_allclose(found.mean[n], lower + first / mass / model.rate, rtol=1e-9)
        assert_allclose(found.variance[n], (second / mass - (first / mass) ** 2) / model.rate**2, rtol=1e-6)


@given(SEEDS, st.booleans())
def test_direct_maximisation(seed: int, with_prior: bool) -> None:
    """EM ends where a search over the rate ends, with a prior or without."""
    model, data = draw(seed)
    prior = GammaPrior(3.0, 2.0 * model.mean) if with_prior else None

    def objective(log_rate: float) -> float:
        rate = np.exp(log_rate)
        return log_likelihood(rate, data) + (0 if prior is None else 2 * log_rate - prior.rate * rate)

    fit = emkit.fit(CensoredExponential.start(data, prior=prior), data, tol=1e-14, max_iter=5000)
    place = np.log(model.rate)
    best = minimize_scalar(lambda p: -objective(p), (place - 1, place + 1), options={"xtol": 1e-10})
    assert fit.converged
    assert_allclose(fit.objective, -best.fun, rtol=1e-9, atol=1e-9)
    assert_allclose(fit.model.rate, np.exp(best.x), rtol=1e-5)


@given(SEEDS)
def test_right_censored_times_have_a_closed_form(seed: int) -> None:
    """The rate is events over total time at risk; a gamma prior adds shape - 1 events and its rate of exposure."""
    rng = np.random.default_rng(seed)
    time, observed, weight = rng.exponential(3.0, 20), rng.random(20) < 0.6, rng.uniform(0.2, 2, 20)
    observed[0] = True
    data = Weighted(Censored.right(time, observed), weight)
    for prior, events, exposure in ((None, 0.0, 0.0), (GammaPrior(2.5, 4.0), 1.5, 4.0)):
        expected = (weight @ observed + events) / (weight @ time + exposure)
        fit = emkit.fit(CensoredExponential(1.0, prior), data, tol=1e-15, max_iter=2000)
        assert_allclose(fit.model.rate, expected, rtol=1e-5)
        assert_allclose(CensoredExponential.start(data, prior=prior).rate, expected, rtol=1e-12)


def test_survreg_on_remission_times() -> None:
    """Rate, mean and log likelihood are those of R's survreg, from a start far away."""
    case = load("censored_survival_gehan")
    reference, tolerance = case["reference"]["exponential"], case["tolerance"]
    data = Censored.right(case["data"]["time"], case["data"]["event_observed"])
    fit = emkit.fit(CensoredExponential(3.0), data, tol=0.0, max_iter=1000)
    assert fit.trace.monotone
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(fit.model.rate, reference["rate"], rtol=0, atol=tolerance["parameters"])
    assert_allclose(fit.model.mean, reference["mean"], rtol=0, atol=tolerance["parameters"])


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_units_do_not_matter(scale: float) -> None:
    """Times in other units give the rate in those units, at any scale."""
    _, data = draw(5)
    other = Weighted(Censored(data.data.lower * scale, data.data.upper * scale), data.weight)
    fits = [emkit.fit(CensoredExponential.start(one), one, tol=0.0, max_iter=5) for one in (data, other)]
    assert_allclose(fits[1].model.rate * scale, fits[0].model.rate, rtol=1e-9)
    assert fits[1].trace.monotone


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Censored([1.0, 2.0], [INF, INF]), "goes to zero: all times are right-censored"),
        (Censored([-INF, 0.0], [1.0, 2.0]), "goes to infinity: no time is known to exceed 0"),
    ],
)
def test_rates_without_a_maximum(data: Censored, message: str) -> None:
    """A rate that goes to zero or infinity is refused at the start, reported by a fit, and held by a prior."""
    with pytest.raises(ValueError, match=message):
        CensoredExponential.start(data)
    fit = emkit.fit(CensoredExponential(1.0), data, max_iter=50)
    assert fit.outcome == "degenerate"
    assert message in fit.message
    prior = GammaPrior(2.0, 1.0)
    assert emkit.fit(CensoredExponential.start(data, prior=prior), data, max_iter=5000).converged
    assert emkit.fit(CensoredExponential(1.0, fixed="rate"), data, max_iter=50).model.rate == 1.0


def test_nothing_but_zeros() -> None:
    """Exact times of zero have an infinite rate, which is named."""
    fit = emkit.fit(CensoredExponential(1.0), Censored([0.0, 0.0], [0.0, 0.0]))
    assert fit.outcome == "non_finite"
    assert "CensoredExponential.rate is inf" in fit.message


def test_totals_beyond_floating_point_are_named() -> None:
    """Times whose total is infinite have a rate of zero, which is refused by name."""
    data = Censored([1e308, 1e308], [1e308, 1e308])
    with pytest.raises(emkit.ParameterError, match=r"CensoredExponential\.rate is 0"):
        CensoredExponential.start(data)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (Censored([1.0, -2.0], [1.0, 3.0]), ValueError, "row 1 lies between -2 and 3"),
        (Censored([1.0, -2.0], [1.0, -2.0]), ValueError, "row 1 lies between -2 and -2"),
        (Censored([-INF], [0.0]), ValueError, "row 0 lies between -inf and 0"),
        (Censored([1.0], [1.0], [[1.0]]), ValueError, "expected 0 covariates, found 1"),
        (np.ones(3), TypeError, "expected emkit.Censored, found ndarray"),
    ],
)
def test_what_is_refused(data: Any, error: type[Exception], message: str) -> None:
    """Data that are no times are refused by row."""
    with pytest.raises(error, match=message):
        CensoredExponential(1.0).log_marginal(data)
