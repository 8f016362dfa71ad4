"""The linear Gaussian state space model against dense Gaussian algebra."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Incomplete, LinearGaussianStateSpace, n_free_parameters, pack, replace, unpack
from emkit.values import layout
from tests.models.state_space.dense_chain import complete, joint, posterior, random_model, with_gaps

SEEDS = st.integers(0, 10**6)
quick = settings(max_examples=25, deadline=None)
NAMES = [name for name, declared in layout(random_model(np.random.default_rng(0), 1, 1)) if declared is not None]


def draw(seed: int) -> tuple[np.random.Generator, LinearGaussianStateSpace, Any]:
    """Return a random model and a few short sequences of it with gaps, as plain arrays."""
    rng = np.random.default_rng(seed)
    model = random_model(rng, int(rng.integers(1, 4)), int(rng.integers(1, 4)))
    drawn = model.sample(3, rng, length=rng.integers(1, 6, 3))
    return rng, model, [drawn[0], *(with_gaps(rng, x) for x in drawn[1:]), drawn[0] + 1]


@quick
@given(SEEDS)
def test_the_log_marginal_is_that_of_one_joint_normal(seed: int) -> None:
    """With missing cells and rows, each sequence has the density of its seen cells in one joint normal."""
    _, model, data = draw(seed)
    expected = [posterior(model, x)[1] for x in data]
    assert_allclose(model.log_marginal([Incomplete(x) for x in data]), expected, rtol=1e-9, atol=1e-9)


@quick
@given(SEEDS)
def test_smoothed_and_filtered_states_are_conditionals_of_one_joint_normal(seed: int) -> None:
    """Means and covariances of states are those given all that is seen, or all that was seen so far."""
    _, model, data = draw(seed)
    s = len(model.initial_mean)
    for smooth, past, x in zip(
        model.posterior(map_incomplete(data)), model.filter(map_incomplete(data)), data, strict=True
    ):
        states = posterior(model, x)[0]
        for t in range(len(x)):
            now = slice(t * s, (t + 1) * s)
            assert_allclose(smooth.means[t], states.mean[now], rtol=1e-9, atol=1e-9)
            assert_allclose(smooth.covariances[t], states.covariance[now, now], rtol=1e-9, atol=1e-9)
            so_far = posterior(model, x[: t + 1])[0]
            assert_allclose(past.means[t], so_far.mean[now], rtol=1e-9, atol=1e-9)
            assert_allclose(past.covariances[t], so_far.covariance[now, now], rtol=1e-9, atol=1e-9)


def map_incomplete(data: Any) -> list[Incomplete]:
    return [Incomplete(x) for x in data]


@quick
@given(SEEDS)
def test_q_is_the_expectation_of_one_joint_density(seed: int) -> None:
    """Q of any model given the statistics of another is its expected joint log density under the other's posterior."""
    rng, model, data = draw(seed)
    s, d = len(model.initial_mean), len(model.observation)
    other = random_model(rng, s, d)
    statistics = model.e_step(model.prepare(map_incomplete(data))).statistics
    expected = 0.0
    for x in data:
        index = complete(x, s)
        expected += joint(other, len(x)).of(index).expected_log_density(posterior(model, x)[0].of(index))
    assert_allclose(other.expected_log_joint(statistics), expected, rtol=1e-9, atol=1e-9)


@quick
@given(SEEDS)
def test_imputed_cells_are_their_expectations_in_one_joint_normal(seed: int) -> None:
    """Cells that are missing are filled with their means given all that is seen; the others stay."""
    _, model, data = draw(seed)
    for x, filled in zip(data, model.impute(map_incomplete(data)), strict=True):
        expected = posterior(model, x)[0].mean[-x.size :].reshape(x.shape)
        assert_allclose(filled, expected, rtol=1e-9, atol=1e-9)
        assert np.array_equal(filled[~np.isnan(x)], x[~np.isnan(x)])


@quick
@given(SEEDS)
def test_a_forecast_is_the_conditional_of_what_follows(seed: int) -> None:
    """Means and covariances of the next rows are theirs in one joint normal, given the rows before."""
    _, model, data = draw(seed)
    width = data[0].shape[1]
    for x, path in zip(data, model.forecast(map_incomplete(data), 3), strict=True):
        longer = np.concatenate([x, np.full((3, width), np.nan)])
        last = posterior(model, longer)[0].of(np.arange(-3 * width, 0))
        assert_allclose(path.means.ravel(), last.mean, rtol=1e-9, atol=1e-9)
        for t in range(3):
            block = slice(t * width, (t + 1) * width)
            assert_allclose(path.covariances[t], last.covariance[block, block], rtol=1e-9, atol=1e-9)


def rank_of_the_distribution(model: LinearGaussianStateSpace) -> int:
    """Return the rank of the map from free coordinates to mean and covariance of all observations."""
    at, length = pack(model), 2 * len(model.initial_mean) + 2
    first = length * len(model.initial_mean)

    def distribution(free: Any) -> Any:
        mean, covariance = joint(unpack(free, like=model), length)
        return np.concatenate([mean[first:], covariance[first:, first:].ravel()])

    step = 1e-4
    columns = [(distribution(at + move) - distribution(at - move)) / (2 * step) for move in step * np.eye(len(at))]
    return int(np.linalg.matrix_rank(np.array(columns), rtol=1e-6)) if columns else 0


HELD = [names for r in (0, 1, 2, 3, 5) for names in combinations(NAMES, r)]


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (2, 2), (3, 2)], ids=str)
def test_free_parameters_are_the_dimensions_of_the_family(shape: tuple[int, int]) -> None:
    """Whatever is held, parameters count the rank of the map from coordinates to the distribution of what is seen."""
    model = random_model(np.random.default_rng(3), *shape)
    for held in HELD:
        one = replace(model, fixed=held)
        assert n_free_parameters(one) == rank_of_the_distribution(one), held


def test_a_held_transition_that_forgets_counts_too() -> None:
    """Where the transition is singular, some covariance of states cannot be told from that of the observations."""
    model = replace(random_model(np.random.default_rng(3), 2, 2), transition=[[0.5, 0.0], [0.3, 0.0]])
    for held in [("transition",), ("transition", "observation"), ("transition", "observation", "initial_mean")]:
        one = replace(model, fixed=held)
        assert n_free_parameters(one) == rank_of_the_distribution(one), held
