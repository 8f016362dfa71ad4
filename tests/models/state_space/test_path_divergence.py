"""How far whole paths of states and missing cells move: against one dense joint normal, log marginals and Q."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Array, Incomplete, LinearGaussianStateSpace, Weighted, replace
from tests.models.gain import gap, of_dense_normals
from tests.models.state_space import dense_chain as dense

SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 3))  # states and columns
MEANS = ("initial_mean", "transition", "observation")
COVARIANCES = ("initial_covariance", "transition_covariance", "observation_covariance")
HELD = [*combinations(MEANS + COVARIANCES, 1), MEANS, COVARIANCES, ("transition", "transition_covariance")]


def expected(model: Any, other: Any, x: Array) -> float:
    """Return the divergence of all that is latent in one sequence: states, and cells missing where a row is seen."""
    index = dense.complete(x, len(model.initial_mean))
    gone = np.append(np.ones(len(x) * len(model.initial_mean), dtype=bool), np.isnan(x.ravel()))
    latent = index[gone[index]]
    one, two = (dense.posterior(each, x)[0].of(latent) for each in (model, other))
    return of_dense_normals(*one, *two)


@settings(deadline=None)
@given(SEEDS, SHAPES, st.booleans())
def test_it_is_that_of_dense_normals(seed: int, shape: tuple[int, int], gaps: bool) -> None:
    """The divergence of each sequence is that of all states and missing cells together, given the cells seen."""
    rng = np.random.default_rng(seed)
    model, other = (dense.random_model(rng, *shape) for _ in range(2))
    data = model.sample(5, rng, length=[1, 2, 3, 5, 5])
    if gaps:
        data = [dense.with_gaps(rng, x) for x in data]
    moved = model.posterior_divergence(other, [Incomplete(x) for x in data])
    assert_allclose(moved, [expected(model, other, x) for x in data], rtol=1e-7, atol=1e-8)
    assert (moved >= 0).all()
    assert_allclose(model.posterior_divergence(model, [Incomplete(x) for x in data]), 0.0, atol=1e-12)


@settings(deadline=None)
@given(SEEDS, SHAPES, st.booleans())
def test_gain_is_q_and_divergence(seed: int, shape: tuple[int, int], gaps: bool) -> None:
    """From any model to any other, log likelihood gains what Q gains and the divergence, with weights and gaps."""
    rng = np.random.default_rng(seed)
    model, other = (dense.random_model(rng, *shape) for _ in range(2))
    data: list[Any] = model.sample(6, rng, length=rng.integers(1, 12, size=6))
    if gaps:
        data = [Incomplete(dense.with_gaps(rng, x)) for x in data]
    for each in (data, Weighted(data, rng.choice([0.0, 0.5, 1.0, 3.0], size=6))):
        assert gap(model, other, each) < 1


@pytest.mark.parametrize("held", [(), *HELD], ids=str)
def test_a_step_gains_q_and_divergence(held: tuple[str, ...]) -> None:
    """From a model to what its M-step makes of it, whatever blocks are held, it is the same."""
    rng = np.random.default_rng(3)
    model = dense.random_model(rng, 2, 2, fixed=held)
    whole = model.sample(12, rng, length=rng.integers(1, 30, size=12))
    weighted = Weighted([Incomplete(dense.with_gaps(rng, x)) for x in whole], rng.choice([0.0, 0.5, 1.0, 3.0], size=12))
    other = model.m_step(model.e_step(model.prepare(weighted)).statistics)
    assert gap(model, other, weighted) < 1
    assert gap(other, model, weighted) < 1


def test_long_sequences_gain_q_and_divergence() -> None:
    """Over a thousand steps, with and without gaps, it is the same."""
    rng = np.random.default_rng(4)
    model, other = (dense.random_model(rng, 3, 2) for _ in range(2))
    x = model.sample(1, rng, length=1000)[0]
    assert gap(model, other, [x]) < 1
    assert gap(model, other, [Incomplete(dense.with_gaps(rng, x))]) < 1


@pytest.mark.parametrize("noise", [1e-12, 1e-30, 1e-200])
def test_a_state_without_noise_is_a_regression(noise: float) -> None:
    """Where next to nothing moves the states, the divergence is that of the coefficients of a straight line."""
    times, rng = np.arange(30.0), np.random.default_rng(4)
    y = 3 + 0.5 * times + rng.normal(size=30)
    slopes = np.column_stack([np.ones(30), times])  # of y on level and trend at the start
    trend = LinearGaussianStateSpace(
        [0.0, 0.0], 1e6 * np.eye(2), [[1.0, 1.0], [0.0, 1.0]], noise * np.eye(2), [[1.0, 0.0]], [[1.0]]
    )
    other = replace(
        trend, initial_mean=[2.0, 1.0], initial_covariance=np.diag([3.0, 0.5]), observation_covariance=[[2.0]]
    )
    parts = []
    for model in (trend, other):
        prior = np.linalg.inv(model.initial_covariance)
        covariance = np.linalg.inv(prior + slopes.T @ slopes / model.observation_covariance[0, 0])
        told = prior @ model.initial_mean + slopes.T @ y / model.observation_covariance[0, 0]
        parts += [covariance @ told, covariance]
    found = trend.posterior_divergence(other, [y[:, None]])
    assert_allclose(found, of_dense_normals(*parts), rtol=1e-6 if noise == 1e-12 else 1e-9)


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.sampled_from([1e-70, 1e-3, 1e70]), st.sampled_from([1e-70, 1e70]))
def test_units_do_not_matter(seed: int, of_states: float, of_columns: float) -> None:
    """Other units of states and of columns leave the divergence as it is."""
    rng = np.random.default_rng(seed)
    models = [dense.random_model(rng, 2, 2) for _ in range(2)]
    data = [dense.with_gaps(rng, x) for x in models[0].sample(2, rng, length=9)]
    moved = models[0].posterior_divergence(models[1], [Incomplete(x) for x in data])
    model, other = (
        LinearGaussianStateSpace(
            m.initial_mean * of_states,
            m.initial_covariance * of_states**2,
            m.transition,
            m.transition_covariance * of_states**2,
            m.observation * (of_columns / of_states),
            m.observation_covariance * of_columns**2,
        )
        for m in models
    )
    assert_allclose(model.posterior_divergence(other, [Incomplete(x * of_columns) for x in data]), moved, rtol=1e-9)


@pytest.mark.parametrize("far", [1e200, 1.7e308])
def test_beyond_floating_point_it_is_infinite(far: float) -> None:
    """Rows whose squares overflow are infinitely far, without a warning, and leave other sequences alone."""
    rng = np.random.default_rng(11)
    model, other = (dense.random_model(rng, 2, 2) for _ in range(2))
    good, bad = model.sample(1, 0, length=5)[0], np.full((5, 2), far)
    bad[2, 1] = good[2, 1] = np.nan
    moved = model.posterior_divergence(other, [Incomplete(bad), Incomplete(good)])
    assert moved[0] == np.inf
    assert_allclose(moved[1], model.posterior_divergence(other, [Incomplete(good)])[0], rtol=1e-12)


@pytest.mark.parametrize("times", [1e-250, 1e-30, 1e30, 1e250])
@pytest.mark.parametrize("name", COVARIANCES)
def test_noise_that_nearly_vanishes_or_drowns_all_is_no_failure(name: str, times: float) -> None:
    """Any covariance that a model takes, however small or large, gives divergences that are zero or more."""
    rng = np.random.default_rng(12)
    model, other = (dense.random_model(rng, 3, 2) for _ in range(2))
    edge = replace(model, **{name: times * getattr(model, name)})
    data = [Incomplete(dense.with_gaps(rng, x)) for x in model.sample(3, rng, length=6)]
    for one, two in ((edge, other), (other, edge), (edge, edge)):
        assert (one.posterior_divergence(two, data) >= 0).all()


def test_a_sequence_wholly_missing_moves_with_its_states_alone() -> None:
    """Where nothing is seen, paths move as the models draw them, and observations are not latent."""
    rng = np.random.default_rng(13)
    model, other = (dense.random_model(rng, 2, 1) for _ in range(2))
    states = 8  # of four steps
    one, two = (dense.joint(each, 4).of(np.arange(states)) for each in (model, other))
    found = model.posterior_divergence(other, [Incomplete(np.full((4, 1), np.nan))])
    assert_allclose(found, of_dense_normals(*one, *two), rtol=1e-9)
