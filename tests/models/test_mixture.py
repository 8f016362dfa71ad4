"""The finite mixture: Bayes' rule, its powers, and what weights, rows, chunks and labels may not change."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, poisson

import emkit
from emkit import Array, Dirichlet, FullGaussian, GaussianMixture, Mixture, Statistics, Weighted
from tests.gaussians import KINDS, emissions_of, healthy_start, random_mixture, random_rows

SEEDS = st.integers(0, 2**32 - 1)


def log_joint(model: GaussianMixture, x: Array) -> Array:
    """Return log w_k + log N(x_n; μ_k, Σ_k), (N, K), by SciPy."""
    components = zip(model.weights, model.means, model.covariances, strict=True)
    return np.stack([np.log(w) + multivariate_normal.logpdf(x, m, c) for w, m, c in components], axis=1)


@given(SEEDS, st.sampled_from(KINDS))
def test_bayes_rule(seed: int, kind: Any) -> None:
    """Log marginals, posteriors and most probable components are those of the joint density."""
    rng = np.random.default_rng(seed)
    model, x = random_mixture(kind, rng), random_rows(rng)
    joint = log_joint(model, x)
    marginal = np.log(np.exp(joint - joint.max(axis=1, keepdims=True)).sum(axis=1)) + joint.max(axis=1)
    assert_allclose(model.log_marginal(x), marginal, rtol=1e-10, atol=1e-10)
    assert_allclose(model.posterior(x), np.exp(joint - marginal[:, None]), rtol=1e-8, atol=1e-12)
    assert np.array_equal(model.predict(x), joint.argmax(axis=1))


@given(SEEDS, st.sampled_from(KINDS))
def test_expected_log_joint_is_the_weighted_sum(seed: int, kind: Any) -> None:
    """Q(other given the statistics of one) is the posterior-weighted sum of the other's log joint densities."""
    rng = np.random.default_rng(seed)
    one, other = random_mixture(kind, rng), random_mixture(kind, rng)
    x, weight = random_rows(rng), rng.uniform(0, 2, size=40)
    learnt = one.e_step(one.prepare(Weighted(x, weight)))
    share = np.exp(log_joint(one, x) - one.log_marginal(x)[:, None]) * weight[:, None]
    assert_allclose(other.expected_log_joint(learnt.statistics), (share * log_joint(other, x)).sum(), rtol=1e-9)
    assert_allclose(learnt.statistics.count, share.sum(axis=0), rtol=1e-9)
    assert_allclose(learnt.log_likelihood, weight @ one.log_marginal(x), rtol=1e-12)
    assert_allclose(learnt.units, weight.sum(), rtol=1e-14)


@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 45))
def test_chunks_change_nothing(seed: int, kind: Any, chunk_size: int) -> None:
    """A fit in chunks takes every step of a fit on the whole, to rounding."""
    rng = np.random.default_rng(seed)
    x = random_rows(rng)
    start = healthy_start(kind, rng, x)
    whole = emkit.fit(start, x, tol=0.0, max_iter=4)
    chunked = emkit.fit(start, x, tol=0.0, max_iter=4, chunk_size=chunk_size)
    assert_allclose(np.asarray(chunked.trace), np.asarray(whole.trace), rtol=1e-9)
    assert_allclose(chunked.model.means, whole.model.means, rtol=1e-7, atol=1e-7)
    assert_allclose(chunked.model.covariances, whole.model.covariances, rtol=1e-6, atol=1e-7)


@given(SEEDS, st.sampled_from(KINDS))
def test_permuted_rows_change_nothing(seed: int, kind: Any) -> None:
    """The order of the rows changes the objectives of a fit by rounding alone, and permutes its posteriors."""
    rng = np.random.default_rng(seed)
    x = random_rows(rng)
    start, order = healthy_start(kind, rng, x), rng.permutation(len(x))
    one, other = (emkit.fit(start, rows, tol=0.0, max_iter=4) for rows in (x, x[order]))
    assert_allclose(np.asarray(other.trace), np.asarray(one.trace), rtol=1e-9)
    assert_allclose(other.model.posterior(x[order]), one.model.posterior(x)[order], atol=1e-6)


@given(SEEDS, st.sampled_from(KINDS), st.permutations(range(3)), st.booleans())
def test_permuted_components_change_nothing(seed: int, kind: Any, order: list[int], with_prior: bool) -> None:
    """Renumbered components give renumbered fits with the same objectives; an exchangeable prior changes nothing."""
    rng = np.random.default_rng(seed)
    prior = Dirichlet(np.full(3, 2.5)) if with_prior else None
    x = random_rows(rng)
    start = healthy_start(kind, rng, x, prior=None, weights_prior=prior)
    emissions = emissions_of(kind, start.means[order], start.covariances[order])
    renumbered = GaussianMixture(start.weights[order], emissions, prior)
    one, other = (emkit.fit(model, x, tol=0.0, max_iter=4) for model in (start, renumbered))
    assert_allclose(np.asarray(other.trace), np.asarray(one.trace), rtol=1e-9)
    assert_allclose(other.model.weights, one.model.weights[order], rtol=1e-6, atol=1e-9)
    assert_allclose(other.model.means, one.model.means[order], rtol=1e-6, atol=1e-6)


@given(SEEDS, st.sampled_from(KINDS), st.booleans())
def test_weight_n_is_n_copies(seed: int, kind: Any, with_prior: bool) -> None:
    """A fit with whole weights, zeros included, is the fit of the rows repeated as often."""
    rng = np.random.default_rng(seed)
    prior = Dirichlet(np.full(3, 1.5)) if with_prior else None
    x = random_rows(rng)
    start = healthy_start(kind, rng, x, weights_prior=prior)
    count = rng.integers(0, 4, size=len(x))
    weighted = emkit.fit(start, Weighted(x, count), tol=0.0, max_iter=4)
    repeated = emkit.fit(start, np.repeat(x, count, axis=0), tol=0.0, max_iter=4)
    assert_allclose(np.asarray(weighted.trace), np.asarray(repeated.trace), rtol=1e-9)
    assert_allclose(weighted.model.means, repeated.model.means, rtol=1e-6, atol=1e-6)
    assert_allclose(weighted.model.covariances, repeated.model.covariances, rtol=1e-6, atol=1e-6)
    assert_allclose(weighted.bic, repeated.bic, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_structural_zeros_stay(kind: Any) -> None:
    """A weight of exactly zero stays zero through a fit, and its component leaves the others' fit as without it."""
    rng = np.random.default_rng(8)
    x = random_rows(rng, 100)
    pair = random_mixture(kind, rng, 2)
    means = np.concatenate([pair.means, [[50.0, 50.0]]])
    covariances = np.concatenate([pair.covariances, pair.covariances[:1]])
    three = GaussianMixture(np.append(pair.weights, 0.0), emissions_of(kind, means, covariances))
    with_zero, without = (emkit.fit(model, x, tol=0.0, max_iter=5) for model in (three, pair))
    assert with_zero.model.weights[2] == 0.0
    assert np.array_equal(with_zero.model.means[2], [50.0, 50.0])
    assert_allclose(np.asarray(with_zero.trace), np.asarray(without.trace), rtol=1e-11)
    assert "component 2" in with_zero.message


@pytest.mark.parametrize("kind", KINDS)
def test_sample_reproduces_the_moments(kind: Any) -> None:
    """Draws have the mixture's mean and covariance, Σ w_k (Σ_k + μ_k μ_kᵀ) - μ μᵀ, within six standard errors."""
    rng = np.random.default_rng(4)
    model, n = random_mixture(kind, rng), 40_000
    x = model.sample(n, rng)
    mean = model.weights @ model.means
    second = sum(
        w * (c + np.outer(m, m)) for w, m, c in zip(model.weights, model.means, model.covariances, strict=True)
    )
    covariance = second - np.outer(mean, mean)
    products = np.einsum("ni,nj->nij", x - mean, x - mean)
    assert (np.abs(x.mean(axis=0) - mean) < 6 * np.sqrt(np.diag(covariance) / n)).all()
    assert (np.abs(products.mean(axis=0) - covariance) < 6 * products.std(axis=0) / np.sqrt(n)).all()


@emkit.value
class Counts(Statistics):
    weight: Array
    total: Array


@emkit.value
class PoissonEmissions(emkit.Emissions[Counts]):
    """A stranger's emissions with the three methods and nothing else."""

    rates: Array = emkit.positive("K")

    def log_density(self, x: Array) -> Array:
        return np.asarray(poisson.logpmf(x[:, None], self.rates))

    def statistics(self, x: Array, posterior: Array) -> Counts:
        return Counts(posterior.sum(axis=0), x @ posterior)

    def m_step(self, statistics: Counts) -> "PoissonEmissions":
        return PoissonEmissions(emkit.average(statistics.total, statistics.weight, otherwise=self.rates))


def test_any_emissions_will_do() -> None:
    """A mixture takes emissions that have the three methods and no powers; one component gives the closed form."""
    x = np.random.default_rng(0).poisson(3.0, size=50).astype(float)
    one = emkit.fit(Mixture(np.ones(1), PoissonEmissions(np.ones(1))), x)
    assert_allclose(one.model.emissions.rates, [x.mean()], rtol=1e-14)
    assert_allclose(one.log_likelihood, poisson.logpmf(x, x.mean()).sum(), rtol=1e-12)
    two = emkit.fit(Mixture(np.array([0.5, 0.5]), PoissonEmissions(np.array([1.0, 5.0]))), x, tol=1e-12)
    assert two.trace.monotone
    assert two.log_likelihood >= one.log_likelihood - 1e-9


def test_missing_powers_are_named() -> None:
    """What the emissions cannot do is refused by the name of the method to write."""
    model = Mixture(np.ones(1), PoissonEmissions(np.ones(1)))
    with pytest.raises(TypeError, match="PoissonEmissions has no `sample`"):
        model.sample(3, np.random.default_rng(0))
    with pytest.raises(TypeError, match="PoissonEmissions has no `expected_log_density`"):
        model.expected_log_joint(model.e_step(model.prepare(np.ones(2))).statistics)


def test_components_must_agree() -> None:
    """Three weights over two components are refused, not broadcast."""
    with pytest.raises(emkit.ParameterError, match="axis 'K'"):
        GaussianMixture(np.full(3, 1 / 3), FullGaussian.at(np.zeros((2, 2)), np.ones(2)))
