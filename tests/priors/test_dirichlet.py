"""The Dirichlet prior on weights against SciPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import dirichlet

import emkit
from emkit import Dirichlet, DirichletRows, FullGaussian, GaussianMixture
from emkit.models.mixture_statistics import MixtureStatistics
from emkit.priors.dirichlet import mode_of_shares
from tests.gaussians import KINDS, random_mixture, random_rows
from tests.priors.log_posterior import expected_complete_log_likelihood, on_weights, slopes

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from(KINDS))
def test_m_step_is_stationary(seed: int, kind: Any) -> None:
    """The gradient of Q + the Dirichlet log density, written with SciPy, is zero at the M-step's result."""
    rng = np.random.default_rng(seed)
    concentration = 1 + rng.uniform(0.1, 8, size=3)
    start = random_mixture(kind, rng, weights_prior=Dirichlet(concentration))
    x = random_rows(rng, 30)
    posterior = rng.dirichlet(np.ones(3), len(x))
    mode = start.m_step(MixtureStatistics(posterior.sum(axis=0), start.emissions.statistics(x, posterior)))
    prior = on_weights(concentration)

    def objective(model: GaussianMixture) -> float:
        return expected_complete_log_likelihood(model, x, posterior) + prior(model)

    assert_allclose(slopes(objective, mode), 0.0, atol=1e-5)
    expected = (posterior.sum(axis=0) + concentration - 1) / (len(x) + concentration.sum() - 3)
    assert_allclose(mode.weights, expected, rtol=1e-13)


@given(SEEDS)
def test_log_density_differs_as_in_scipy(seed: int) -> None:
    """Between two mixtures log_prior differs as SciPy's Dirichlet log densities do."""
    rng = np.random.default_rng(seed)
    concentration = 1 + rng.exponential(3.0, size=3)
    prior, density = Dirichlet(concentration), on_weights(concentration)
    one, other = (random_mixture(FullGaussian, rng, weights_prior=prior) for _ in range(2))
    assert_allclose(one.log_prior() - other.log_prior(), density(one) - density(other), rtol=1e-10, atol=1e-10)


def test_concentration_of_one_is_maximum_likelihood() -> None:
    """A flat Dirichlet leaves a fit bit for bit as it is without a prior."""
    x = emkit.datasets.faithful().data
    flat = Dirichlet(np.ones(2))
    fits = [emkit.fit(GaussianMixture.start(x, 2, rng=0, weights_prior=prior), x) for prior in (None, flat)]
    assert np.array_equal(np.asarray(fits[0].trace), np.asarray(fits[1].trace))


def test_zero_weights_have_density_zero_or_one() -> None:
    """At a zero weight the log density is -inf where its concentration is above 1, and finite where it is 1."""
    weights = np.array([0.0, 0.4, 0.6])
    assert Dirichlet(np.array([2.0, 1.0, 1.0])).log_density(weights) == -np.inf
    assert Dirichlet(np.array([1.0, 2.0, 1.0])).log_density(weights) == pytest.approx(np.log(0.4), rel=1e-14)


@pytest.mark.parametrize("bad", [0.5, 0.0, -1.0, np.nan, np.inf])
def test_concentrations_below_one_are_refused(bad: float) -> None:
    """A concentration without a posterior mode inside the simplex is refused by its place."""
    with pytest.raises(emkit.ParameterError, match=r"concentration\[1\]"):
        Dirichlet(np.array([2.0, bad]))


def test_another_number_of_components_is_refused() -> None:
    """A prior over three weights does not fit a mixture of two."""
    emissions = FullGaussian.at(np.zeros((2, 1)), [1.0])
    with pytest.raises(emkit.ParameterError, match="axis 'K'"):
        GaussianMixture(np.array([0.5, 0.5]), emissions, Dirichlet(np.ones(3)))


def test_a_structural_zero_is_refused_where_the_prior_forbids_it() -> None:
    """A weight that is zero by structure has no place under a prior that would move it; one of 1 lets it be."""
    emissions = emkit.SphericalGaussian([[0.0], [5.0]], [1.0, 1.0])
    with pytest.raises(emkit.ParameterError, match=r"weights\[1\] is 0, impossible under the Dirichlet prior"):
        emkit.Mixture([1.0, 0.0], emissions, emkit.Dirichlet([2.0, 2.0]))
    assert emkit.Mixture([1.0, 0.0], emissions, emkit.Dirichlet([2.0, 1.0])).log_prior() == 0.0


@given(SEEDS)
def test_rows_are_dirichlet_each(seed: int) -> None:
    """The log density of matrices is the sum of SciPy's over rows, up to a constant, highest at the mode of counts."""
    rng = np.random.default_rng(seed)
    prior = DirichletRows(1 + rng.uniform(0, 5, (3, 3)))
    counts = rng.uniform(0, 9, (2, 3, 3))
    one, other = rng.dirichlet(np.full(3, 3.0), (2, 2, 3)) * 0.97 + 0.01
    mode = mode_of_shares(counts, prior, otherwise=one)

    def by_scipy(matrices: emkit.Array, also: Any = 0.0) -> float:
        rows = [(j, k) for j in range(2) for k in range(3)]
        raised = prior.concentration + np.broadcast_to(also, (2, 3, 3))
        return sum(float(dirichlet.logpdf(matrices[j, k] / matrices[j, k].sum(), raised[j, k])) for j, k in rows)

    found = prior.log_density(one) - prior.log_density(other)
    assert_allclose(found, by_scipy(one) - by_scipy(other), rtol=1e-9, atol=1e-9)
    assert all(by_scipy(mode, counts) > by_scipy(0.99 * mode + 0.01 * rival, counts) for rival in (one, other))


def test_rows_without_counts_stay() -> None:
    """A row that learnt nothing and has no prior keeps what it was; the diagonal prior favours the diagonal."""
    counts, before = np.array([[0.0, 0.0], [1.0, 3.0]]), np.array([[0.3, 0.7], [0.5, 0.5]])
    assert_allclose(mode_of_shares(counts, None, otherwise=before), [[0.3, 0.7], [0.25, 0.75]])
    prior = DirichletRows.diagonal(2, same=4.0, other=2.0)
    assert_allclose(mode_of_shares(counts, prior, otherwise=before), [[0.75, 0.25], [2 / 8, 6 / 8]])
    with pytest.raises(emkit.ParameterError, match=r"concentration\[0, 1\] is 0\.5, expected at least 1"):
        DirichletRows.diagonal(2, same=4.0, other=0.5)
