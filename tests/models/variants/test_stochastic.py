"""Stochastic EM: draws belong to seed, iteration and unit; they have the posterior's frequencies."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import chisquare, kstest

import emkit
from emkit import Array, Dirichlet, GaussianMixture, Incomplete, Mixture, Outcome, Poisson, SphericalGaussian, Weighted
from emkit.models.variants import Stochastic
from emkit.models.variants.numbered import uniforms

PAIR = Mixture([0.3, 0.7], SphericalGaussian([[0.0], [2.0]], [1.0, 1.0]))


def two_clouds(n: int = 400) -> Array:
    """Return rows (n, 2) of two clusters that hardly overlap."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2)) + np.where(rng.random(n) < 0.3, 0.0, 4.0)[:, None]


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**40), st.integers(0, 50), st.integers(0, 50))
def test_a_number_belongs_to_its_unit(seed: int, iteration: int, start: int, length: int) -> None:
    """Whatever part of the units is asked for, in any order, each has the number that it has among all."""
    every = uniforms(seed, iteration, np.arange(100))
    part = np.arange(start, start + length)
    assert np.array_equal(uniforms(seed, iteration, part), every[part])
    assert np.array_equal(uniforms(seed, iteration, part[::-1]), every[part[::-1]])
    assert ((every >= 0) & (every < 1)).all()


def test_numbers_are_uniform() -> None:
    """Over units, over iterations and over seeds alike; and all of them are different."""
    many = {
        "units": uniforms(1, 2, np.arange(5000)),
        "iterations": np.array([uniforms(1, t, np.array([7]))[0] for t in range(2000)]),
        "seeds": np.array([uniforms(seed, 0, np.array([7]))[0] for seed in range(2000)]),
    }
    for numbers in many.values():
        assert kstest(numbers, "uniform").pvalue > 1e-3
        assert len(np.unique(numbers)) == len(numbers)


def test_draws_have_the_frequencies_of_the_posterior() -> None:
    """Counts of drawn components, over copies of a row and over iterations, fit the posterior by a chi-square test."""
    x = np.full((3000, 1), 0.8)
    for posterior, drawn in (
        (PAIR.posterior(x[:1])[0], Stochastic(PAIR, seed=5).draw(x)),
        (
            PAIR.posterior(x[:1])[0],
            np.array([Stochastic(PAIR, seed=5, iteration=t).draw(x[:3])[2] for t in range(1000)]),
        ),
    ):
        counts = np.bincount(drawn, minlength=2)
        assert chisquare(counts, posterior * len(drawn)).pvalue > 1e-3


def test_the_e_step_counts_what_is_drawn() -> None:
    """Counts are the weights of the units drawn, and the log likelihood is that of the mixture."""
    x = two_clouds()[:, :1]
    weight = np.random.default_rng(1).uniform(0.0, 3.0, len(x))
    model = Stochastic(PAIR, seed=2, iteration=9)
    learnt = model.e_step(model.prepare(Weighted(x, weight)))
    assert_allclose(learnt.statistics.count, np.bincount(model.draw(x), weight), rtol=1e-12)
    assert_allclose(learnt.log_likelihood, weight @ PAIR.log_marginal(x), rtol=1e-12)


@pytest.mark.parametrize("kind", ["rows", "weighted", "incomplete", "single"])
def test_a_run_that_stops_goes_on_as_if_it_had_not(kind: str) -> None:
    """Six steps and six more are twelve, to the bit; another seed leads elsewhere."""
    x = two_clouds()
    data: dict[str, Any] = {
        "rows": x,
        "weighted": Weighted(x, np.linspace(0.1, 2.0, len(x))),
        "incomplete": Incomplete(np.where(np.arange(len(x))[:, None] % 9 == [0, 1], np.nan, x)),
        "single": x.astype(np.float32),
    }
    given = data[kind]
    start = Stochastic(GaussianMixture.start_at_points(x, 2, rng=0), seed=1)
    whole = emkit.fit(start, given, max_iter=12, chunk_size=64)
    half = emkit.fit(start, given, max_iter=6, chunk_size=64)
    rest = emkit.fit(half.model, given, max_iter=6, chunk_size=64)
    assert rest.model == whole.model
    assert rest.model.iteration == 12
    assert np.asarray(whole.trace)[6:].tolist() == np.asarray(rest.trace).tolist()
    other = emkit.fit(emkit.replace(start, seed=2), given, max_iter=12, chunk_size=64)
    assert other.model.mixture != whole.model.mixture


def test_late_steps_are_about_the_maximum() -> None:
    """On clusters that hardly overlap, means over late steps are close to the estimate of EM, and no step is judged."""
    x = two_clouds()
    start = GaussianMixture.start(x, 2, rng=0)
    best = emkit.fit(start, x, tol=1e-12).model
    late = [step.model.mixture for step in islice(emkit.steps(Stochastic(start, seed=0), x), 50, 450)]
    assert_allclose(np.mean([model.weights for model in late], axis=0), best.weights, atol=2e-3)
    assert_allclose(np.mean([model.means for model in late], axis=0), best.means, atol=1e-2)
    fit = emkit.fit(Stochastic(start, seed=0), x, max_iter=100)
    assert fit.outcome is Outcome.MAX_ITER
    assert (fit.trace.increments < 0).any()


def test_a_component_that_draws_nothing_is_gone_and_reported() -> None:
    """Its weight falls to nothing and its emissions stay; a prior of the weights keeps it."""
    x = two_clouds()[:, :1]
    emissions = SphericalGaussian([[2.0], [500.0]], [1.0, 1.0])
    fit = emkit.fit(Stochastic(Mixture([0.5, 0.5], emissions), seed=0), x, max_iter=3)
    assert fit.outcome is Outcome.DEGENERATE
    assert "component 1: is empty" in fit.message
    assert fit.model.mixture.emissions.means[1] == 500
    assert fit.model.mixture.weights[1] < 1e-300
    prior = Dirichlet([2.0, 2.0])
    kept = emkit.fit(Stochastic(Mixture([0.5, 0.5], emissions, prior), seed=0), x, max_iter=3).model
    assert_allclose(kept.mixture.weights[1], 1 / 402)


@emkit.value
class Listed:
    """Counts that come as a list of rows."""

    inner: Poisson

    def log_density(self, x: list[Array]) -> Array:
        return self.inner.log_density(np.array(x))

    def statistics(self, x: list[Array], posterior: Array) -> Any:
        return self.inner.statistics(np.array(x), posterior)

    def m_step(self, statistics: Any) -> "Listed":
        return Listed(self.inner.m_step(statistics))


def test_units_may_be_a_list() -> None:
    """Emissions that take no arrays, and check nothing, get slices of what they are given."""
    x = np.random.default_rng(0).poisson(4.0, size=(50, 1)).astype(float)
    counts = Poisson([[1.0], [5.0]])
    one, other = (
        emkit.fit(Stochastic(Mixture([0.5, 0.5], emissions), seed=1), data, max_iter=5, chunk_size=8)
        for emissions, data in ((Listed(counts), list(x)), (counts, x))
    )
    assert np.array_equal(np.asarray(one.trace), np.asarray(other.trace))


def test_numbers_out_of_range_are_named() -> None:
    """A seed that is no whole number, below zero or too large is refused, and so is an iteration."""
    for options, error, message in (
        ({"seed": 1.5}, TypeError, r"Stochastic.seed: expected a whole number, found 1.5"),
        ({"seed": True}, TypeError, r"Stochastic.seed: expected a whole number"),
        ({"seed": -1}, ValueError, r"Stochastic.seed: expected at least 0, found -1"),
        ({"seed": 2**64}, ValueError, r"Stochastic.seed: expected at most 2\^64 - 1"),
        ({"seed": 0, "iteration": -2}, ValueError, r"Stochastic.iteration: expected at least 0, found -2"),
    ):
        with pytest.raises(error, match=message):
            Stochastic(PAIR, **options)
