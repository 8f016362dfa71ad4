"""Ridges: covariance floors stated as priors, and the weak one that a start adds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import (
    Array,
    DiagonalGaussian,
    DiagonalRidge,
    FullGaussian,
    GaussianMixture,
    Ridge,
    SphericalGaussian,
    TiedGaussian,
    Weighted,
)
from emkit.models.mixture_statistics import MixtureStatistics
from emkit.priors.ridge import typical_variances
from tests.gaussians import KINDS, random_mixture, random_rows
from tests.priors.log_posterior import LogDensity, expected_complete_log_likelihood, ridge, slopes

SEEDS = st.integers(0, 2**32 - 1)
D, K = 2, 3


def random_ridge(kind: Any, rng: np.random.Generator) -> tuple[Any, Array, LogDensity]:
    """Return a ridge of emkit, its target matrix, and its log density written out."""
    strength = rng.uniform(0.1, 5)
    if kind in (FullGaussian, TiedGaussian):
        root = rng.normal(size=(D, D))
        target = root @ root.T + 0.2 * np.eye(D)
        return Ridge(target, strength), target, ridge(target, strength, tied=kind is TiedGaussian)
    variances = rng.uniform(0.2, 4, size=D)
    return DiagonalRidge(variances, strength), np.diag(variances), ridge(np.diag(variances), strength, tied=False)


@given(SEEDS, st.sampled_from(KINDS))
def test_m_step_is_stationary(seed: int, kind: Any) -> None:
    """The gradient of Q + log prior, written with SciPy and NumPy, is zero at the M-step's result."""
    rng = np.random.default_rng(seed)
    prior, _, log_prior = random_ridge(kind, rng)
    start = random_mixture(kind, rng, K, D, prior=prior)
    x = random_rows(rng, 30)
    posterior = rng.dirichlet(np.ones(K), len(x))
    statistics = MixtureStatistics(posterior.sum(axis=0), start.emissions.statistics(x, posterior))
    mode = start.m_step(statistics)

    def objective(model: GaussianMixture) -> float:
        return expected_complete_log_likelihood(model, x, posterior) + log_prior(model)

    assert_allclose(slopes(objective, mode), 0.0, atol=1e-5)
    assert objective(mode) > objective(start)


@given(SEEDS, st.sampled_from(KINDS))
def test_log_prior_differs_as_stated(seed: int, kind: Any) -> None:
    """Between two mixtures log_prior differs as -ν/2 (log|Σ| + tr(Σ₀ Σ⁻¹)), counted once for a tied covariance."""
    rng = np.random.default_rng(seed)
    prior, _, log_prior = random_ridge(kind, rng)
    one, other = (random_mixture(kind, rng, K, D, prior=prior) for _ in range(2))
    assert_allclose(one.log_prior() - other.log_prior(), log_prior(one) - log_prior(other), rtol=1e-10, atol=1e-9)


@given(SEEDS, st.sampled_from(KINDS))
def test_mode_in_closed_form(seed: int, kind: Any) -> None:
    """The M-step is (S_k + ν Σ₀) / (n_k + ν), of the kind at hand, and leaves the means alone."""
    rng = np.random.default_rng(seed)
    prior, target, _ = random_ridge(kind, rng)
    emissions = random_mixture(kind, rng, K, D, prior=prior).emissions
    x = random_rows(rng, 30)
    posterior = rng.dirichlet(np.ones(K), len(x))
    mode, n, nu = emissions.m_step(emissions.statistics(x, posterior)), posterior.sum(axis=0), prior.strength
    averages = posterior.T @ x / n[:, None]
    scatter = np.array([(posterior[:, k] * (x - averages[k]).T) @ (x - averages[k]) for k in range(K)])
    full = (scatter + nu * target) / (n + nu)[:, None, None]
    expected: dict[Any, Any] = {
        FullGaussian: lambda: full,
        TiedGaussian: lambda: np.tile((scatter.sum(axis=0) + nu * target) / (n.sum() + nu), (K, 1, 1)),
        DiagonalGaussian: lambda: full * np.eye(D),
        SphericalGaussian: lambda: np.trace(full, axis1=1, axis2=2)[:, None, None] / D * np.eye(D),
    }
    assert_allclose(mode.means, averages, rtol=1e-11, atol=1e-12)
    assert_allclose(mode.covariance_matrices(), expected[kind](), rtol=1e-10, atol=1e-12)


@given(SEEDS, st.sampled_from(KINDS))
def test_empty_component_stays_finite(seed: int, kind: Any) -> None:
    """A component without observations keeps its mean and has the ridge's covariance, or the tied one."""
    rng = np.random.default_rng(seed)
    prior, target, _ = random_ridge(kind, rng)
    emissions = random_mixture(kind, rng, K, D, prior=prior).emissions
    x = random_rows(rng, 30)
    posterior = rng.dirichlet(np.ones(K), len(x)) * [1.0, 0.0, 1.0]
    mode = emissions.m_step(emissions.statistics(x, posterior))
    assert np.array_equal(mode.means[1], emissions.means[1])
    assert np.isfinite(mode.covariance_matrices()).all()
    expected = {FullGaussian: target, DiagonalGaussian: target, SphericalGaussian: np.trace(target) / D * np.eye(D)}
    if kind is not TiedGaussian:
        assert_allclose(mode.covariance_matrices()[1], expected[kind], rtol=1e-14)


@given(SEEDS, st.sampled_from(KINDS), st.integers(-40, 40), st.integers(-40, 40))
def test_rescaled_columns_change_nothing(seed: int, kind: Any, first: int, second: int) -> None:
    """Columns rescaled by powers of two leave start, iterations and responsibilities of a fit as they were."""
    x = random_rows(np.random.default_rng(seed), 60)
    scale = np.array([2.0**first, 2.0 ** (first if kind is SphericalGaussian else second)])  # round stays round
    one, other = (
        emkit.fit(GaussianMixture.start(rows, K, rng=seed, emissions=kind), rows, max_iter=20, tol=1e-6)
        for rows in (x, x * scale)
    )
    assert_allclose(other.model.means, one.model.means * scale, rtol=1e-8, atol=1e-10 * scale.max())
    assert_allclose(other.model.posterior(x * scale), one.model.posterior(x), atol=1e-8)
    assert (other.outcome, other.n_iter) == (one.outcome, one.n_iter)


@given(SEEDS, st.sampled_from(KINDS), st.integers(0, 20))
def test_shifted_columns_change_nothing(seed: int, kind: Any, power: int) -> None:
    """Columns shifted by a power of two leave iterations and responsibilities of a fit as they were, to rounding."""
    x = np.round(random_rows(np.random.default_rng(seed), 60) * 64) / 64  # so that the shift itself is exact
    shift = np.array([2.0**power, -(2.0**power)])
    one, other = (
        emkit.fit(GaussianMixture.start(rows, K, rng=seed, emissions=kind), rows, max_iter=20, tol=1e-6)
        for rows in (x, x + shift)
    )
    assert_allclose(other.model.means - shift, one.model.means, rtol=1e-6, atol=1e-6)
    assert_allclose(other.model.posterior(x + shift), one.model.posterior(x), atol=1e-6)
    assert (other.outcome, other.n_iter) == (one.outcome, one.n_iter)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "n_components"), [("faithful", 2), ("iris", 3)])
def test_weak_ridge_leaves_healthy_fits_alone(kind: Any, name: str, n_components: int) -> None:
    """On real data the ridge of a start moves log-likelihood and parameters by less than a millionth."""
    x = getattr(emkit.datasets, name)().data[:, :2]
    start = GaussianMixture.start(x, n_components, rng=1, emissions=kind)
    plain = GaussianMixture.start(x, n_components, rng=1, emissions=kind, prior=None)
    ridged, free = (emkit.fit(model, x, max_iter=200) for model in (start, plain))
    assert_allclose(ridged.log_likelihood, free.log_likelihood, rtol=1e-6)
    assert_allclose(ridged.model.means, free.model.means, rtol=1e-6)
    assert_allclose(ridged.model.weights, free.model.weights, rtol=1e-5)
    assert_allclose(ridged.model.covariances, free.model.covariances, rtol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_component_on_one_point_is_reported(kind: Any) -> None:
    """With the weak ridge a component on one repeated row stays finite and is reported, never a healthy fit."""
    rng = np.random.default_rng(3)
    x = np.concatenate([rng.normal(size=(50, 2)), np.full((12, 2), 40.0)])
    labels = np.repeat([0, 1], [50, 12])
    fit = emkit.fit(GaussianMixture.from_responsibilities(x, labels, emissions=kind), x)
    assert np.isfinite(fit.model.covariances).all()
    assert fit.trace.monotone
    if kind is not TiedGaussian:  # a tied covariance is held up by the other component
        assert fit.outcome is emkit.Outcome.DEGENERATE
        assert "component 1" in fit.message


@given(SEEDS, st.integers(1, 6))
def test_typical_variances_weigh_as_repetition(seed: int, n_components: int) -> None:
    """The ridge's scale of weighted rows is that of rows repeated as often."""
    rng = np.random.default_rng(seed)
    x, count = rng.normal(size=(40, 2)), rng.integers(1, 4, size=40)
    repeated = typical_variances(np.repeat(x, count, axis=0), np.ones(count.sum()), n_components)
    assert_allclose(typical_variances(x, count.astype(float), n_components), repeated, rtol=1e-12)


def test_start_states_its_ridge() -> None:
    """A start carries a ridge of strength 1e-6 towards the diagonal of the typical variances."""
    x = emkit.datasets.iris().data[:, :2]
    for kind, name in [(FullGaussian, "covariance"), (DiagonalGaussian, "variances")]:
        prior: Any = GaussianMixture.start(Weighted(x, np.ones(len(x))), 3, rng=0, emissions=kind).emissions.prior
        target = getattr(prior, name)
        expected = typical_variances(x, np.ones(len(x)), 3)
        assert_allclose(np.diag(target) if name == "covariance" else target, expected, rtol=1e-14)
        assert prior.strength == 1e-6


@pytest.mark.parametrize("strength", [1e-3, 0.3, 1.0, 5.0])
def test_a_ridge_that_is_a_small_part_of_the_data_is_no_complaint(strength: float) -> None:
    """A healthy component of 150 rows under a ridge of a few rows near the data's own scale is healthy."""
    x = emkit.datasets.iris().data[:, :2]
    full = emkit.fit(GaussianMixture.start(x, 1, rng=0, prior=emkit.Ridge(np.cov(x.T), strength)), x)
    ridge = emkit.DiagonalRidge(x.var(axis=0), strength)
    diagonal = emkit.fit(GaussianMixture.start(x, 1, rng=0, emissions=emkit.DiagonalGaussian, prior=ridge), x)
    assert full.converged
    assert diagonal.converged


@pytest.mark.parametrize("emissions", KINDS)
def test_a_narrow_component_of_many_rows_is_healthy(emissions: Any) -> None:
    """A component a thousand times narrower than another is no collapse: its rows decide its width."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (1000, 2)), rng.normal(8, 1e-3, (1000, 2))])
    fit = emkit.fit(GaussianMixture.start(x, 2, rng=0, emissions=emissions), x)
    assert fit.converged
    if emissions is not emkit.TiedGaussian:
        narrow = fit.model.covariances[np.argmax(fit.model.means[:, 0])]
        np.testing.assert_allclose(np.diag(narrow), 1e-6, rtol=0.2)


@pytest.mark.parametrize("weighted", [False, True])
def test_typical_variances_of_many_rows(weighted: bool) -> None:
    """A sample of many rows tells the widths that the quantiles of all of them give, to a quarter, and always the same.

    Rare values that a sample misses are found where the column shows nothing else.
    """
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=60_000), 1e9 + 1e-3 * rng.exponential(size=60_000), np.zeros(60_000)])
    x[777, 2] = 8.0
    weight = rng.integers(1, 4, size=60_000).astype(float) if weighted else np.ones(60_000)
    found = typical_variances(x, weight, 2)
    assert np.array_equal(found, typical_variances(x, weight, 2))
    intervals = np.diff(np.quantile(np.repeat(x, weight.astype(int), axis=0), np.linspace(0, 1, 9), axis=0), axis=0)
    assert_allclose(found[:2], np.median(intervals, axis=0)[:2] ** 2, rtol=0.25)
    assert found[2] == 1.0
    assert np.array_equal(
        found, typical_variances(np.repeat(x, weight.astype(int), axis=0), np.ones(int(weight.sum())), 2)
    )
