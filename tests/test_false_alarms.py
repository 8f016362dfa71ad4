"""The fall threshold from both sides: healthy fits raise no alarm, and every real fall is caught at its iteration."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

import emkit
from emkit import Array, GaussianMixture, Outcome
from emkit.trace import fall_threshold
from tests.toys import Scripted

EMISSIONS = [emkit.FullGaussian, emkit.TiedGaussian, emkit.DiagonalGaussian, emkit.SphericalGaussian]
FITS_EACH = 250


def hard_data(rng: np.random.Generator) -> Any:
    """Draw a small data set with some of: offset, scale, near-collinear columns, far clusters, weights."""
    n, d, k = int(rng.integers(12, 40)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    separation = rng.choice([0.0, 1.0, 4.0, 1e3, 1e7])
    x = rng.normal(size=(n, d)) + separation * rng.normal(size=(k, d))[rng.integers(k, size=n)]
    if d > 1 and rng.random() < 0.4:
        x[:, 1] = x[:, 0] + 10.0 ** rng.integers(-6, -1) * rng.normal(size=n)
    if rng.random() < 0.3:
        x *= 10.0 ** rng.uniform(-8, 8, size=d)
    if rng.random() < 0.3:
        x += rng.choice([1e3, 1e8]) * x.std(axis=0)
    if rng.random() < 0.2:
        x *= 10.0 ** rng.choice([-120, 120])
    return emkit.Weighted(x, rng.choice([0.0, 0.5, 1.0, 3.0], size=n)) if rng.random() < 0.3 else x


def fit_hard_data(emissions: Any, seed: int) -> emkit.Fit[GaussianMixture] | None:
    """Fit until floating point has no more to give, by ML or MAP; None where the start is refused."""
    rng = np.random.default_rng(seed)
    data = hard_data(rng)
    round_or_diagonal = emissions in (emkit.DiagonalGaussian, emkit.SphericalGaussian)
    conjugate = emkit.NormalInverseGamma if round_or_diagonal else emkit.NormalInverseWishart
    try:
        prior = ("ridge", None, conjugate.fraley_raftery(data, 2))[seed % 3]
        start = GaussianMixture.start(data, int(rng.integers(1, 4)), rng=rng, emissions=emissions, prior=prior)
    except ValueError:
        return None
    return emkit.fit(start, data, tol=0.0, max_iter=int(rng.choice([10, 60])))


@pytest.mark.parametrize("emissions", EMISSIONS)
def test_a_thousand_healthy_fits_raise_no_alarm(emissions: Any) -> None:
    """Exact EM on hard data, run to where floating point ends, is never convicted of a fall nor shows one."""
    with threadpool_limits(1):  # threads are slower than none on data this small
        fits = {seed: fit_hard_data(emissions, seed) for seed in range(FITS_EACH)}
    made = {seed: fit for seed, fit in fits.items() if fit is not None}
    assert len(made) > 0.9 * FITS_EACH
    assert [seed for seed, fit in made.items() if fit.outcome is Outcome.DECREASED] == []
    assert [seed for seed, fit in made.items() if not fit.trace.monotone] == []


@pytest.mark.parametrize("emissions", [emkit.FullGaussian, emkit.TiedGaussian])
def test_a_prior_on_nearly_dependent_columns_raises_no_alarm(emissions: Any) -> None:
    """MAP fits ascend to rounding where the prior's own trace would lose digits in a nearly singular covariance."""
    for seed in range(25):
        rng = np.random.default_rng(seed)
        first = rng.normal(size=(60, 1))
        x = np.hstack([first, first + 1e-5 * rng.normal(size=(60, 1))])
        prior = emkit.NormalInverseWishart.fraley_raftery(x, 2)
        fit = emkit.fit(GaussianMixture.start(x, 2, rng=0, emissions=emissions, prior=prior), x, tol=0, max_iter=60)
        assert fit.outcome is not Outcome.DECREASED, seed
        assert fit.trace.monotone, seed


X = np.zeros(40)


def scripted_threshold(before: float, after: float) -> float:
    """Return 8 eps Σ (|log p| + 1) over both passes, for `X` with these log marginals."""
    return 8 * 2.0**-52 * len(X) * (abs(before) + abs(after) + 2)


def falling_model(level: float, iteration: int, fall: float) -> Scripted:
    """Rise for `iteration` - 1 iterations, then fall by this many nats in total."""
    rising = tuple(level + 1e-3 * i for i in range(iteration))
    return Scripted((*rising, rising[-1] - fall / len(X), *rising))


@given(st.floats(-1e4, 1e4), st.integers(1, 12), st.floats(10.5, 1e9), st.none() | st.integers(1, 50))
def test_every_real_fall_is_caught_at_its_iteration(
    level: float, iteration: int, multiple: float, chunk_size: int | None
) -> None:
    """A fall of more than ten thresholds ends the fit there, whatever came before, in chunks or whole."""
    top = level + 1e-3 * (iteration - 1)
    fall = multiple * scripted_threshold(top, top)
    fit = emkit.fit(falling_model(level, iteration, fall), X, tol=0.0, chunk_size=chunk_size)
    assert fit.outcome is Outcome.DECREASED
    assert f"at iteration {iteration}," in fit.message
    assert fit.n_iter == fit.model.iteration == iteration - 1  # the better model
    assert fit.trace[-1] == max(fit.trace) == pytest.approx(top * len(X))
    assert f"the better model, from iteration {iteration - 1}, is returned" in fit.message
    assert not fit.converged


@given(st.floats(-1e4, 1e4), st.integers(1, 12), st.floats(0.1, 0.4))
def test_falls_that_rounding_explains_are_no_falls(level: float, iteration: int, multiple: float) -> None:
    """A fall below half the threshold is neither an outcome nor a violation."""
    top = level + 1e-3 * (iteration - 1)
    fall = multiple * scripted_threshold(top, top)
    fit = emkit.fit(falling_model(level, iteration, fall), X, tol=0.0, max_iter=iteration)
    assert fit.outcome is Outcome.MAX_ITER
    assert fit.trace[-1] < fit.trace[-2]
    assert fit.trace.monotone


def test_the_threshold_is_the_documented_one() -> None:
    """The threshold of two records is 8 eps times the sizes of all terms of both E-steps."""
    first, second, *_ = emkit.fit(Scripted((-3.0, -2.0, -1.0)), X, max_iter=2).trace.records
    assert fall_threshold(first, second) == pytest.approx(scripted_threshold(-3.0, -2.0), rel=1e-14)


@given(st.integers(1, 8), st.floats(0.1, 100))
def test_a_fall_is_confirmed_by_log_marginal(iteration: int, fall: float) -> None:
    """An E-step whose log likelihood falls while `log_marginal` rises does not convict the model."""
    falling = falling_model(-5.0, iteration, fall).levels
    truth = tuple(-5.0 + 0.01 * i for i in range(len(falling)))
    acquitted = emkit.fit(Scripted(falling, truth), X, tol=0.0, max_iter=iteration)
    assert acquitted.outcome is Outcome.MAX_ITER
    assert "log_marginal's did not: they disagree" in acquitted.message
    assert emkit.fit(Scripted(falling, falling), X, tol=0.0, max_iter=iteration).outcome is Outcome.DECREASED


def test_a_constant_added_to_variances_is_caught() -> None:
    """The classic bug, a floor added after the M-step instead of stated as a prior, ends as `decreased`."""

    @emkit.value
    class Floored(emkit.Mixture[emkit.SphericalGaussian]):
        def m_step(self, statistics: Any) -> Any:
            new = super().m_step(statistics)
            return emkit.replace(new, emissions=emkit.replace(new.emissions, variances=new.emissions.variances + 0.1))

    rng = np.random.default_rng(0)
    x: Array = rng.normal(size=(60, 1)) * 0.2 + rng.choice([0.0, 3.0], size=(60, 1))
    fit = emkit.fit(Floored([0.5, 0.5], emkit.SphericalGaussian([[0.0], [3.0]], [0.04, 0.04])), x)
    assert fit.outcome is Outcome.DECREASED
    assert "a constant added to a variance" in fit.message
    assert fit.log_likelihood == pytest.approx(fit.model.log_marginal(x).sum())
