"""Normal-inverse-Wishart and normal-inverse-gamma priors: the M-step is the joint mode of an independent posterior."""

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
    FullGaussian,
    GaussianMixture,
    NormalInverseGamma,
    NormalInverseWishart,
    SphericalGaussian,
    TiedGaussian,
)
from emkit.models.mixture_statistics import MixtureStatistics
from tests.gaussians import KINDS, random_mixture, random_rows
from tests.priors.log_posterior import (
    LogDensity,
    expected_complete_log_likelihood,
    normal_inverse_gamma,
    normal_inverse_wishart,
    slopes,
)

SEEDS = st.integers(0, 2**32 - 1)
D, K = 2, 3


def random_prior(kind: Any, rng: np.random.Generator) -> tuple[Any, LogDensity]:
    """Return a prior of emkit for this kind of covariances, and its log density by SciPy."""
    mean, shrinkage, degrees = rng.normal(size=D), rng.uniform(0.05, 3), D + rng.uniform(0.1, 5)
    if kind in (FullGaussian, TiedGaussian):
        root = rng.normal(size=(D, D))
        wishart = NormalInverseWishart(mean, shrinkage, degrees, root @ root.T + 0.2 * np.eye(D))
        return wishart, normal_inverse_wishart(wishart, tied=kind is TiedGaussian)
    gamma = NormalInverseGamma(mean, shrinkage, degrees, rng.uniform(0.2, 4, size=D))
    return gamma, normal_inverse_gamma(gamma, spherical=kind is SphericalGaussian)


def shared_out(model: GaussianMixture, rng: np.random.Generator) -> tuple[Array, Array, MixtureStatistics[Any]]:
    """Return rows, an arbitrary posterior with weights in it, and the statistics of both."""
    x = random_rows(rng, 30)
    posterior = rng.dirichlet(np.ones(K), len(x)) * rng.uniform(0.2, 2, size=len(x))[:, None]
    return x, posterior, MixtureStatistics(posterior.sum(axis=0), model.emissions.statistics(x, posterior))


@given(SEEDS, st.sampled_from(KINDS))
def test_m_step_is_stationary(seed: int, kind: Any) -> None:
    """The gradient of Q + log prior, written with SciPy, is zero at the M-step's result."""
    rng = np.random.default_rng(seed)
    prior, log_prior = random_prior(kind, rng)
    start = random_mixture(kind, rng, K, D, prior=prior)
    x, posterior, statistics = shared_out(start, rng)
    mode = start.m_step(statistics)

    def objective(model: GaussianMixture) -> float:
        return expected_complete_log_likelihood(model, x, posterior) + log_prior(model)

    assert_allclose(slopes(objective, mode), 0.0, atol=1e-5)
    assert objective(mode) > objective(start)


@given(SEEDS, st.sampled_from(KINDS))
def test_log_prior_differs_as_in_scipy(seed: int, kind: Any) -> None:
    """Between two mixtures, log_prior differs as the SciPy log densities do: only a constant is left out."""
    rng = np.random.default_rng(seed)
    prior, log_prior = random_prior(kind, rng)
    one, other = (random_mixture(kind, rng, K, D, prior=prior) for _ in range(2))
    assert_allclose(one.log_prior() - other.log_prior(), log_prior(one) - log_prior(other), rtol=1e-10, atol=1e-9)


@given(SEEDS, st.sampled_from(KINDS))
def test_modes_in_closed_form(seed: int, kind: Any) -> None:
    """Means shrink with κ, and each covariance has the denominator of its joint mode, to rounding."""
    rng = np.random.default_rng(seed)
    prior, _ = random_prior(kind, rng)
    start = random_mixture(kind, rng, K, D, prior=prior)
    x, posterior, statistics = shared_out(start, rng)
    mode = start.m_step(statistics)
    n, kappa, nu = posterior.sum(axis=0), prior.shrinkage, prior.degrees
    averages = posterior.T @ x / n[:, None]
    assert_allclose(mode.means, (n[:, None] * averages + kappa * prior.mean) / (n + kappa)[:, None], rtol=1e-11)
    raised = []  # S_k + κ n_k / (κ + n_k) (x̄_k - m)(x̄_k - m)ᵀ
    for k in range(K):
        spread, shift = x - averages[k], averages[k] - prior.mean
        raised.append((posterior[:, k] * spread.T) @ spread + kappa * n[k] / (kappa + n[k]) * np.outer(shift, shift))
    diagonals = np.array([np.diag(matrix) for matrix in raised])
    expected: dict[Any, Any] = {
        FullGaussian: lambda: [(prior.scale + raised[k]) / (nu + n[k] + D + 2) for k in range(K)],
        TiedGaussian: lambda: [(prior.scale + sum(raised)) / (nu + n.sum() + D + 1 + K)] * K,
        DiagonalGaussian: lambda: [np.diag((prior.scale + diagonals[k]) / (nu + n[k] + 3)) for k in range(K)],
        SphericalGaussian: lambda: [
            np.eye(D) * (prior.scale.mean() + diagonals[k].sum()) / (nu + (n[k] + 1) * D + 2) for k in range(K)
        ],
    }
    assert_allclose(mode.covariances, expected[kind](), rtol=1e-10, atol=1e-12)


@given(SEEDS, st.sampled_from(KINDS))
def test_empty_component_goes_to_the_prior_mode(seed: int, kind: Any) -> None:
    """A component without any observation goes to the mode of its prior, where no slope is left."""
    rng = np.random.default_rng(seed)
    prior, log_prior = random_prior(kind, rng)
    start = random_mixture(kind, rng, K, D, prior=prior)
    nothing = start.emissions.statistics(np.zeros((1, D)), np.zeros((1, K)))
    mode = emkit.replace(start, emissions=start.emissions.m_step(nothing))
    assert_allclose(mode.means, np.tile(prior.mean, (K, 1)), rtol=1e-12)
    assert_allclose(slopes(log_prior, mode), 0.0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_fits_ascend(kind: Any) -> None:
    """EM with a conjugate prior raises log likelihood + log prior at every iteration, and converges."""
    rng = np.random.default_rng(11)
    prior, log_prior = random_prior(kind, rng)
    x = random_rows(rng, 120)
    fit = emkit.fit(GaussianMixture.start(x, K, rng=1, emissions=kind, prior=prior), x)
    assert fit.converged
    assert fit.trace.monotone
    gained = fit.model.log_prior() - GaussianMixture.start(x, K, rng=1, emissions=kind, prior=prior).log_prior()
    start = GaussianMixture.start(x, K, rng=1, emissions=kind, prior=prior)
    assert_allclose(gained, log_prior(fit.model) - log_prior(start), rtol=1e-9)
    assert_allclose(fit.objective, fit.log_likelihood + fit.model.log_prior(), rtol=1e-12)


@pytest.mark.parametrize(
    ("emissions", "prior"),
    [
        (FullGaussian, NormalInverseWishart(np.zeros(3), 1.0, 5.0, np.eye(3))),
        (DiagonalGaussian, NormalInverseGamma(np.zeros(3), 1.0, 5.0, np.ones(3))),
    ],
)
def test_prior_of_another_width_is_refused(emissions: Any, prior: Any) -> None:
    """A prior over three columns does not fit components of two, and the message says which axis."""
    with pytest.raises(emkit.ParameterError, match="axis 'D'"):
        emissions.at(np.zeros((2, 2)), np.ones(2), prior=prior)
