"""How far what is known of true values moves between two models: quadrature, what EM gains, limits far away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import norm

from emkit import Array, Censored, CensoredExponential, CensoredNormal, Weighted
from tests.censored import censor
from tests.models.gain import gap

SEEDS = st.integers(0, 2**32 - 1)
INF = np.inf


def fitted(model: CensoredNormal, covariates: Array) -> Array:
    return model.intercept + covariates @ model.coefficients


def regressions(seed: int, width: int, n: int = 40) -> tuple[CensoredNormal, CensoredNormal, Weighted[Censored]]:
    """Draw two models and weighted data of every kind, some of it without any limit or weight."""
    rng = np.random.default_rng(seed)
    first, second = (CensoredNormal(rng.normal(), rng.normal(size=width), rng.uniform(0.3, 3.0)) for _ in range(2))
    covariates = rng.normal(size=(n, width))
    values = fitted(first, covariates) + first.standard_deviation * rng.normal(size=n)
    x = censor(values, rng, covariates)
    no_limit = np.arange(n) < 2
    x = Censored(np.where(no_limit, -INF, x.lower), np.where(no_limit, INF, x.upper), covariates)
    return first, second, Weighted(x, weights(n, rng))


def weights(n: int, rng: np.random.Generator) -> Array:
    return np.where(np.arange(n) % 5 == 3, 0.0, rng.uniform(0, 3, n))


def rates(seed: int, n: int = 40) -> tuple[CensoredExponential, CensoredExponential, Weighted[Censored]]:
    rng = np.random.default_rng(seed)
    first, second = (CensoredExponential(10 ** rng.uniform(-2, 2)) for _ in range(2))
    x = censor(rng.exponential(first.mean, n), rng, positive=True)
    return first, second, Weighted(x, weights(n, rng))


@given(SEEDS, st.integers(0, 2))
def test_normal_quadrature(seed: int, width: int) -> None:
    """Of values with limits it is the integral of p log(p / q) over these, of exact values zero."""
    first, second, data = regressions(seed, width, n=10)
    x = data.data
    found = first.posterior_divergence(second, x)
    assert found.shape == (10,)
    for n, (mean, other) in enumerate(zip(fitted(first, x.covariates), fitted(second, x.covariates), strict=True)):
        if x.exact[n]:
            assert found[n] == 0
            continue
        p, q = norm(mean, first.standard_deviation), norm(other, second.standard_deviation)
        far = 12 * first.standard_deviation
        a, b = max(x.lower[n], min(mean, x.upper[n]) - far), min(x.upper[n], max(mean, x.lower[n]) + far)
        mass = quad(p.pdf, a, b, epsabs=0, epsrel=1e-10)[0]
        log_ratio = quad(lambda y, p=p, q=q: p.pdf(y) * (p.logpdf(y) - q.logpdf(y)), a, b, epsrel=1e-10)[0] / mass
        low, high = (x.lower[n] - other) / second.standard_deviation, (x.upper[n] - other) / second.standard_deviation
        tails = (-low, -high) if low > -high else (high, low)  # a difference in the smaller tail
        larger, smaller = log_ndtr(tails)
        log_whole = larger + np.log1p(-np.exp(smaller - larger))
        assert_allclose(found[n], log_ratio + log_whole - np.log(mass), rtol=1e-6, atol=1e-7)


@given(SEEDS)
def test_exponential_quadrature(seed: int) -> None:
    """Of times with limits it is the integral of p log(p / q) over these, of exact times zero."""
    first, second, data = rates(seed, n=10)
    x = data.data
    found = first.posterior_divergence(second, x)
    for n, (lower, upper) in enumerate(zip(np.maximum(x.lower, 0), x.upper, strict=True)):
        if lower == upper:
            assert found[n] == 0
            continue
        span = upper - lower  # forgetting: only the time since the lower limit counts
        masses = [float(-np.expm1(-model.rate * span)) / model.rate for model in (first, second)]

        def integrand(t: float, masses: list[float] = masses) -> float:
            log_p, log_q = (-m.rate * t - np.log(mass) for m, mass in zip((first, second), masses, strict=True))
            return float(np.exp(log_p) * (log_p - log_q))

        expected = quad(integrand, 0, min(span, 45 / first.rate), epsabs=1e-12, epsrel=1e-11, limit=200)[0]
        assert_allclose(found[n], expected, rtol=1e-8, atol=1e-9)


@given(SEEDS, st.integers(0, 2))
def test_what_normal_models_gain(seed: int, width: int) -> None:
    """From any model to any other, log likelihood gains what Q gains, and the weighted divergences."""
    assert gap(*regressions(seed, width)) <= 1


@given(SEEDS)
def test_what_exponential_models_gain(seed: int) -> None:
    """From any rate to any other, log likelihood gains what Q gains, and the weighted divergences."""
    assert gap(*rates(seed)) <= 1


@pytest.mark.parametrize("away", [10.0, 1e3, 1e5])
@pytest.mark.parametrize("limits", [(1.0, INF), (-INF, -1.0), (1.0, 1.5), (-1.0 - 1e-8, -1.0), (1.0, 1e3)])
def test_limits_many_deviations_away(away: float, limits: tuple[float, float]) -> None:
    """Where a model finds data all but impossible, gains keep adding up."""
    data = Weighted(Censored(*(away * np.array([limits]).T)), [2.0])
    models = CensoredNormal(0.0, [], 1.0), CensoredNormal(0.3, [], 1.1), CensoredNormal(-2.0, [], 30.0)
    for first in models:
        for second in models:
            assert gap(first, second, data) <= 1


@given(SEEDS, st.floats(-140.0, 140.0), st.floats(-140.0, 140.0))
def test_never_negative(seed: int, log_scale: float, log_far: float) -> None:
    """At any scale of models and data divergences are zero or more, and zero to the model itself."""
    first, _, values = regressions(seed, 0)
    rate, _, times = rates(seed)
    scaled, other_rate = CensoredNormal(first.intercept, [], 10.0**log_scale), CensoredExponential(10.0**log_scale)
    for one, other, data in ((first, scaled, values.data), (rate, other_rate, times.data)):
        far = Censored(data.lower * 10.0**log_far, data.upper * 10.0**log_far)
        assert (one.posterior_divergence(other, far) >= 0).all()
        assert (other.posterior_divergence(one, far) >= 0).all()
        assert (one.posterior_divergence(one, far) == 0).all()


def test_values_without_limits() -> None:
    """A value without limits is as its model says: the divergence of two whole normal distributions."""
    nothing = Censored([-INF], [INF], [[2.0]])
    first, second = CensoredNormal(1.0, [0.5], 3.0), CensoredNormal(0.0, [2.0], 0.5)
    expected: Array = np.array([np.log(0.5 / 3.0) + (9.0 + 4.0) / 0.5 - 0.5])
    assert_allclose(first.posterior_divergence(second, nothing), expected, rtol=1e-13)
