"""Filter, smoother and Viterbi against the enumeration of every path, in log space."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit.models.markov.forward_backward import backward, forward
from emkit.models.markov.viterbi import viterbi
from emkit.sequences import Sequences
from tests.models.markov.paths import CHAINS, enumerate_paths, log_path, random_chain

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.sampled_from(CHAINS), st.integers(1, 3), st.sampled_from([1.0, 1e3, 1e5]))
def test_every_path(seed: int, kind: str, n_states: int, scale: float) -> None:
    """Evidence, posterior and transitions are sums over all paths, and the best path is the best of them."""
    rng = np.random.default_rng(seed)
    initial, transition = random_chain(kind, rng, n_states)
    lengths, weight = rng.integers(1, 6, size=4), rng.uniform(0.1, 3.0, size=4)
    sequences = Sequences(np.arange(lengths.sum()), lengths)
    log_density = -scale * rng.random((lengths.sum(), n_states))
    steps = sequences.steps
    past = forward(initial, transition, log_density[steps.order], steps)
    posterior, transitions = backward(past, transition, steps, weight)
    paths = sequences.split(steps.back(viterbi(initial, transition, log_density[steps.order], steps)))
    expected = np.zeros_like(transition)
    by_row = (log_density, steps.back(posterior), steps.back(past.log_evidence))
    pieces = zip(paths, weight, *(sequences.split(one) for one in by_row), strict=True)
    for path, w, density, smoothed, evidence in pieces:
        truth = enumerate_paths(initial, transition, density)
        assert_allclose(evidence.sum(), truth.log_marginal, rtol=1e-12, atol=1e-12)
        assert_allclose(smoothed, truth.posterior, atol=1e-15 * scale * 10 + 1e-13)
        assert_allclose(log_path(tuple(path), initial, transition, density), truth.log_best, rtol=1e-13, atol=1e-12)
        expected += w * truth.transitions
    assert_allclose(transitions, expected, atol=1e-13 * scale + 1e-12)


def test_a_state_that_seemed_impossible_is_not_lost() -> None:
    """Two observations, 1000 nats for one state and 2000 for another, in a chain that never moves: the latter wins."""
    log_density = np.array([[0.0, -1000.0], [-2000.0, 0.0]])
    steps = Sequences(np.arange(2), np.array([2])).steps
    past = forward(np.array([0.5, 0.5]), np.eye(2), log_density, steps)
    posterior, transitions = backward(past, np.eye(2), steps, np.ones(1))
    assert_allclose(past.log_evidence.sum(), np.log(0.5) - 1000.0, rtol=1e-15)
    assert_allclose(posterior, [[0.0, 1.0], [0.0, 1.0]], atol=1e-300)
    assert_allclose(transitions, [[0.0, 0.0], [0.0, 1.0]], atol=1e-300)


def test_far_observations_do_not_underflow() -> None:
    """Log densities of -1e5 at each of 300 steps add up, and leave the posterior that their differences make."""
    rng = np.random.default_rng(0)
    near = rng.normal(size=(300, 3))
    initial, transition = random_chain("dense", rng, 3)
    steps = Sequences(np.arange(300), np.array([300])).steps
    here, far = (forward(initial, transition, near - away, steps) for away in (0.0, 1e5))
    assert_allclose(far.log_evidence.sum(), here.log_evidence.sum() - 300 * 1e5, rtol=1e-15)
    smoothed = [backward(past, transition, steps, np.ones(1))[0] for past in (here, far)]
    assert_allclose(smoothed[1], smoothed[0], atol=1e-10)


@pytest.mark.parametrize("where", [0, 1, 2])
def test_an_impossible_observation_is_said_and_passed_over(where: int) -> None:
    """Where no state can be, the evidence is -inf, and the posterior is that of the other observations."""
    rng = np.random.default_rng(1)
    initial, transition = random_chain("dense", rng, 2)
    log_density = rng.normal(size=(3, 2))
    log_density[where] = -np.inf
    steps = Sequences(np.arange(3), np.array([3])).steps
    past = forward(initial, transition, log_density, steps)
    assert np.array_equal(np.flatnonzero(past.log_evidence == -np.inf), [where])
    posterior, transitions = backward(past, transition, steps, np.ones(1))
    log_density[where] = 0.0
    truth = enumerate_paths(initial, transition, log_density)
    assert_allclose(posterior, truth.posterior, atol=1e-14)
    assert_allclose(transitions, truth.transitions, atol=1e-14)
    log_density[where] = -np.inf
    best: Any = viterbi(initial, transition, log_density, steps)
    log_density[where] = 0.0
    assert_allclose(log_path(tuple(best), initial, transition, log_density), truth.log_best, rtol=1e-14)


def test_reachable_states_alone_decide_what_is_impossible() -> None:
    """An observation that only an unreachable state explains is impossible, however dense it is there."""
    steps = Sequences(np.arange(2), np.array([2])).steps
    log_density = np.array([[0.0, 0.0], [-np.inf, 5.0]])
    past = forward(np.array([1.0, 0.0]), np.eye(2), log_density, steps)
    assert past.log_evidence[1] == -np.inf
    assert_allclose(past.filtered[1], [1.0, 0.0])


def test_weights_as_large_as_may_be() -> None:
    """Weights near the largest sum that is allowed do not overflow on their way."""
    rng = np.random.default_rng(2)
    initial, transition = random_chain("sticky", rng, 2)
    log_density = 30 * rng.normal(size=(8, 2))
    steps = Sequences(np.arange(8), np.array([4, 4])).steps
    past = forward(initial, transition, log_density, steps)
    counted = backward(past, transition, steps, np.array([1.0, 2.0]))[1]
    heavy = backward(past, transition, steps, np.array([1e299, 2e299]))[1]
    assert_allclose(heavy / 1e299, counted, rtol=1e-13)
