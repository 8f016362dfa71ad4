"""Censored normal regression against quadrature, direct maximisation and survreg; offsets and scales."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import log_ndtr
from scipy.stats import norm

import emkit
from emkit import Array, Censored, CensoredNormal, Weighted
from emkit.model import MissingPowerError
from tests.censored import censor
from tests.references import load

SEEDS = st.integers(0, 2**32 - 1)
INF = np.inf


def draw(seed: int, width: int, n: int = 40) -> tuple[CensoredNormal, Weighted[Censored]]:
    rng = np.random.default_rng(seed)
    model = CensoredNormal(rng.normal(), rng.normal(size=width), rng.uniform(0.5, 2.0))
    covariates = rng.normal(size=(n, width))
    values = model.intercept + covariates @ model.coefficients + model.standard_deviation * rng.normal(size=n)
    data = censor(values, rng, covariates if width else None)
    return model, Weighted(data, rng.uniform(0.1, 2.0, n))


def log_likelihood(parameters: Array, data: Weighted[Censored]) -> float:
    """Return the log likelihood at intercept, coefficients and log standard deviation, by SciPy's distribution."""
    x, scale = data.data, np.exp(parameters[-1])
    fitted = parameters[0] + x.covariates @ parameters[1:-1]
    low, high = (x.lower - fitted) / scale, (x.upper - fitted) / scale
    right = low + high > 0  # take differences in the smaller tail
    a, b = log_ndtr(np.where(right, -low, high)), log_ndtr(np.where(right, -high, low))
    with np.errstate(divide="ignore"):
        terms = np.where(x.exact, norm.logpdf(low) - np.log(scale), a + np.log1p(-np.exp(b - a)))
    return float(data.weight @ terms)


@given(SEEDS, st.integers(0, 2))
def test_quadrature(seed: int, width: int) -> None:
    """Log marginals are integrals of the density over the limits, posteriors its moments there."""
    model, data = draw(seed, width, n=8)
    x = data.data
    means = model.intercept + x.covariates @ model.coefficients
    found = model.posterior(x)
    for n, mean in enumerate(means):
        density = partial(normal_density, mean=mean, deviation=model.standard_deviation)
        if x.exact[n]:
            assert_allclose(model.log_marginal(x)[n], np.log(density(x.lower[n])), rtol=1e-12)
            assert found.mean[n] == x.lower[n]
            assert found.variance[n] == 0
            continue
        far = 12 * model.standard_deviation
        a, b = max(x.lower[n], min(mean, x.upper[n]) - far), min(x.upper[n], max(mean, x.lower[n]) + far)
        mass = quad(density, a, b, epsabs=0, epsrel=1e-10)[0]
        first = quad(lambda y, f=density: y * f(y), a, b, epsabs=1e-14 * mass, epsrel=1e-10)[0] / mass
        spread = quad(lambda y, f=density, m=first: (y - m) ** 2 * f(y), a, b, epsabs=0, epsrel=1e-10)[0] / mass
        assert_allclose(model.log_marginal(x)[n], np.log(mass), rtol=1e-8, atol=1e-8)
        assert_allclose(found.mean[n], first, rtol=1e-7, atol=1e-7)
        assert_allclose(found.variance[n], spread, rtol=1e-7)


@given(SEEDS, st.integers(0, 2))
def test_statistics_are_moments_of_the_posterior(seed: int, width: int) -> None:
    """The E-step sums weighted first and second moments of covariates and true values; Q is their expected density."""
    model, data = draw(seed, width)
    known, x = model.posterior(data), data.data
    rows = np.column_stack([x.covariates, known.mean])
    share = data.weight / data.weight.sum()
    mean = share @ rows
    second = np.einsum("n,ni,nj->ij", data.weight, rows - mean, rows - mean)
    second[-1, -1] += data.weight @ known.variance
    learnt = model.e_step(data)
    assert_allclose(learnt.statistics.moments.mean[0], mean, rtol=1e-10, atol=1e-10)
    assert_allclose(learnt.statistics.moments.scatter[0], second, rtol=1e-10, atol=1e-10)
    other, _ = draw(seed + 1, width)
    away = known.mean - other.intercept - x.covariates @ other.coefficients
    variance = other.standard_deviation**2
    expected = -0.5 * (np.log(2 * np.pi * variance) + (away**2 + known.variance) / variance)
    assert_allclose(other.expected_log_joint(learnt.statistics), data.weight @ expected, rtol=1e-9)


@given(SEEDS, st.integers(0, 2))
def test_direct_maximisation(seed: int, width: int) -> None:
    """EM ends where a general optimiser of the likelihood ends."""
    _, data = draw(seed, width)
    start = CensoredNormal.start(data)
    fit = emkit.fit(start, data, tol=1e-13, max_iter=20_000)
    parameters = np.concatenate([[start.intercept], start.coefficients, [np.log(start.standard_deviation)]])
    assert_allclose(log_likelihood(parameters, data), data.weight @ start.log_marginal(data), rtol=1e-10)

    def loss(p: Array) -> float:
        return -log_likelihood(p, data)

    best = minimize(loss, parameters, tol=1e-7)
    assert fit.converged
    assert_allclose(fit.log_likelihood, -best.fun, rtol=1e-8)
    assert_allclose(fit.model.intercept, best.x[0], atol=1e-3)
    assert_allclose(fit.model.coefficients, best.x[1:-1], atol=1e-3)
    assert_allclose(np.log(fit.model.standard_deviation), best.x[-1], atol=1e-3)


def normal_density(y: float, mean: float, deviation: float) -> float:
    return math.exp(-0.5 * ((y - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))


def motorettes() -> tuple[dict[str, Any], Censored]:
    case = load("censored_regression_motorettes")
    columns = {name: np.array(column) for name, column in case["data"].items()}
    covariate = 1000 / (columns["temp"] + 273.2)
    return case, Censored.right(np.log10(columns["time"]), columns["event_observed"], covariate[:, None])


def test_survreg_on_the_motorettes() -> None:
    """Estimates and log likelihood are those of R's survreg."""
    case, data = motorettes()
    reference, tolerance = case["reference"], case["tolerance"]
    fit = emkit.fit(CensoredNormal.start(data), data, tol=0.0, max_iter=1000)
    assert fit.trace.monotone
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])
    found = [fit.model.intercept, *fit.model.coefficients, fit.model.standard_deviation]
    assert_allclose(found, [reference[name] for name in ("b0", "b1", "sigma")], rtol=0, atol=tolerance["parameters"])
    assert emkit.n_free_parameters(fit.model) == 3


def test_exact_values_are_ordinary_regression() -> None:
    """Where nothing is censored, one M-step from anywhere is weighted least squares."""
    rng = np.random.default_rng(2)
    covariates, y, weight = rng.normal(size=(20, 2)), rng.normal(size=20), rng.uniform(0.5, 2, 20)
    design = np.column_stack([np.ones(20), covariates])
    root = np.sqrt(weight)
    solution, squares, *_ = np.linalg.lstsq(design * root[:, None], y * root)
    anywhere = CensoredNormal(5.0, [3.0, -3.0], 9.0)
    data = anywhere.prepare(Weighted(Censored(y, y, covariates), weight))
    for found in (anywhere.m_step(anywhere.e_step(data).statistics), CensoredNormal.start(data)):
        assert_allclose(np.append(found.intercept, found.coefficients), solution, rtol=1e-10)
        assert_allclose(found.standard_deviation, np.sqrt(squares[0] / weight.sum()), rtol=1e-10)
    assert_allclose(found.predict(covariates), design @ solution, rtol=1e-10)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1e-150), (0.0, 1e140), (1e8, 1.0), (-3e7, 2.0)])
def test_offset_and_scale(offset: float, scale: float) -> None:
    """Values shifted and scaled give the same fit, shifted and scaled."""
    rng = np.random.default_rng(3)
    plain = censor(np.round(rng.normal(size=40), 3), rng)
    plain = Censored(np.round(plain.lower, 3), np.round(plain.upper, 3))
    far = Censored(plain.lower * scale + offset, plain.upper * scale + offset)
    one, other = (emkit.fit(CensoredNormal.start(data), data, tol=0.0, max_iter=30) for data in (plain, far))
    assert one.trace.monotone
    assert other.trace.monotone
    assert_allclose((other.model.intercept - offset) / scale, one.model.intercept, atol=1e-6)
    assert_allclose(other.model.standard_deviation / scale, one.model.standard_deviation, rtol=1e-6)


def test_far_covariates() -> None:
    """Covariates far from zero cost digits of the intercept, never a false alarm."""
    rng = np.random.default_rng(4)
    years = rng.normal(0, 1, 40)
    y = 2 * years + rng.normal(size=40)
    fits = []
    for offset in (0.0, 1e6):
        data = Censored.right(np.minimum(y, 1.5), y < 1.5, years[:, None] + offset)
        fits.append(emkit.fit(CensoredNormal.start(data), data, tol=0.0, max_iter=60))
    assert fits[1].trace.monotone
    assert_allclose(fits[1].model.coefficients, fits[0].model.coefficients, rtol=1e-6)
    assert_allclose(fits[1].log_likelihood, fits[0].log_likelihood, rtol=1e-7)


def test_values_without_limits_change_nothing() -> None:
    """A value of which nothing is known has no influence on the maximum."""
    _, data = motorettes()
    unknown = Censored(
        np.append(data.lower, -INF), np.append(data.upper, INF), np.append(data.covariates, [[2.0]], axis=0)
    )
    with_it, without = (emkit.fit(CensoredNormal.start(one), one, tol=0.0, max_iter=1000) for one in (unknown, data))
    assert_allclose(with_it.log_likelihood, without.log_likelihood, rtol=1e-9)
    assert_allclose(with_it.model.coefficients, without.model.coefficients, rtol=1e-6)
    guess = with_it.model.posterior(unknown)
    assert_allclose(guess.mean[-1], with_it.model.predict([[2.0]])[0], rtol=1e-12)
    assert_allclose(guess.variance[-1], with_it.model.standard_deviation**2, rtol=1e-12)


def test_samples() -> None:
    """Draws at covariates are exact values that a fit takes back to the model; without them `sample` draws none."""
    model = CensoredNormal(1.0, [2.0, -1.0], 0.5)
    covariates = np.random.default_rng(0).normal(size=(4000, 2))
    drawn = model.sample_at(covariates, 1)
    found = CensoredNormal.start(drawn)
    assert_allclose(np.append(found.intercept, found.coefficients), [1.0, 2.0, -1.0], atol=0.05)
    assert_allclose(found.standard_deviation, 0.5, atol=0.04)
    with pytest.raises(MissingPowerError, match="sample_at"):
        model.sample(3, 1)
    assert len(CensoredNormal(0.0, [], 1.0).sample(3, 1)) == 3
