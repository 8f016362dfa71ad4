"""Smoothing in scaled probabilities, in pieces and compiled, against every path, 60 digits and the log-space passes."""

from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Array
from emkit.models.markov.forward_backward import backward, forward
from emkit.models.markov.pieces import BACKWARD, FORWARD, Direction, Pieces, UnforgottenError
from emkit.models.markov.scaled import smooth_scaled
from emkit.models.markov.smoothing import SURPRISE, smooth
from emkit.sequences import Indices, Sequences
from tests.models.markov.paths import CHAINS, enumerate_paths, random_chain

SEEDS = st.integers(0, 2**32 - 1)
BAND = np.array([[0.6, 0.4, 0.0], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])


def block(*lengths: int) -> Sequences:
    return Sequences(np.arange(sum(lengths)), np.array(lengths))


def in_log_space(
    initial: Array, transition: Array, log_density: Array, sequences: Sequences, weight: Array
) -> tuple[Array, Array, Array]:
    """Return what `smooth` does, from the passes that go one step at a time and lose nothing."""
    steps = sequences.steps
    past = forward(initial, transition, steps.by_step(log_density), steps)
    posterior, transitions = backward(past, transition, steps, weight)
    return steps.back(past.log_evidence), steps.back(posterior), transitions


def lost(initial: Array, transition: Array, log_density: Array, *lengths: int) -> npt.NDArray[np.bool_]:
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return smooth_scaled(initial, transition, density, np.array(lengths), np.ones(len(lengths)), SURPRISE)[3]


@given(SEEDS, st.sampled_from(CHAINS), st.integers(1, 3), st.sampled_from([1.0, 1e3, 1e5]))
def test_every_path(seed: int, kind: str, n_states: int, scale: float) -> None:
    """Evidence, posterior and transitions are sums over all paths, also where underflow takes part of them."""
    rng = np.random.default_rng(seed)
    initial, transition = random_chain(kind, rng, n_states)
    sequences, weight = block(*rng.integers(1, 6, size=4)), rng.uniform(0.1, 3.0, size=4)
    log_density = -scale * rng.random((sequences.lengths.sum(), n_states))
    log_evidence, posterior, transitions = smooth(initial, transition, log_density, sequences, weight)
    expected = np.zeros_like(transition)
    for w, *rows in zip(weight, *map(sequences.split, (log_density, log_evidence, posterior)), strict=True):
        density, evidence, smoothed = rows
        truth = enumerate_paths(initial, transition, density)
        assert_allclose(evidence.sum(), truth.log_marginal, rtol=1e-12, atol=1e-12)
        assert_allclose(smoothed, truth.posterior, atol=1e-15 * scale * 10 + 1e-13)
        expected += w * truth.transitions
    assert_allclose(transitions, expected, atol=1e-13 * scale + 1e-12)


@settings(deadline=None, max_examples=40)
@given(
    SEEDS,
    st.sampled_from(["dense", "sparse", "band", "turning", "slow", "upper"]),
    st.sampled_from([0.0, 0.01, 1.0, 20.0, 200.0]),
    st.sampled_from([(1500,), (400, 3, 700), (2000, 1)]),
)
def test_long_sequences_in_pieces(seed: int, kind: str, scale: float, lengths: tuple[int, ...]) -> None:
    """Cut in pieces, whether the chain forgets at once, late or never, all is as from one step after the other.

    Terms of the log marginal may differ: underflow takes a path that is lost in the end, whatever it was between.
    """
    rng = np.random.default_rng(seed)
    special = {"band": BAND, "turning": np.roll(np.eye(3), 1, axis=1), "slow": 0.999 * np.eye(3) + 0.001 / 3}
    initial, transition = random_chain(kind if kind not in special else "dense", rng, 3)
    transition = special.get(kind, transition)
    sequences, weight = block(*lengths), rng.uniform(0.1, 3.0, len(lengths))
    log_density = scale * rng.normal(size=(sum(lengths), 3))
    assert len(Pieces.of(sequences.lengths, 3).lengths) > len(lengths)
    found = smooth(initial, transition, log_density, sequences, weight)
    expected = in_log_space(initial, transition, log_density, sequences, weight)
    log_marginal, truth = (np.add.reduceat(one[0], sequences.starts) for one in (found, expected))
    assert_allclose(log_marginal, truth, rtol=1e-13, atol=1e-10)
    assert_allclose(found[1], expected[1], atol=1e-11)
    assert_allclose(found[2], expected[2], rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("direction", [FORWARD, BACKWARD])
@pytest.mark.parametrize("lengths", [(1000,), (20_000,), (5000, 3, 9000)])
def test_pieces_that_never_meet_are_given_up_early(lengths: tuple[int, ...], direction: Direction) -> None:
    """Where a chain does not forget, an eighth of the steps of the longest sequence are taken in vain at most."""
    pieces = Pieces.of(np.array(lengths), 3)
    rng, taken = np.random.default_rng(0), []

    def move(_: Indices, now: Indices) -> Array:
        taken.append(now)
        return rng.random((len(now), 3))

    with pytest.raises(UnforgottenError):
        pieces.join(rng.random((sum(lengths), 3)), move, direction)
    assert len(taken) <= max(lengths) / 8


def test_sixty_digits() -> None:
    """Transitions of 1e-300 and observations hundreds of nats apart: as the textbook's recursion with 60 digits."""
    rng = np.random.default_rng(5)
    initial = np.array([1.0, 1e-300, 1e-150])
    initial /= initial.sum()
    transition = np.array([[1.0, 1e-300, 1e-20], [1e-200, 1.0, 1e-5], [0.0, 1e-300, 1.0]])
    transition /= transition.sum(axis=1, keepdims=True)
    state = np.repeat([0, 2, 1, 0, 2], 40)
    log_density = np.where(np.arange(3) == state[:, None], 0.0, -40.0) + rng.normal(size=(200, 3))
    log_density[100, :] -= np.array([900.0, 800.0, 5000.0])
    with mpmath.workdps(60):
        exact = [mpmath.matrix(one.tolist()) for one in (transition, log_density)]
        moves, observed = exact[0], exact[1].apply(mpmath.exp)
        ahead = [[mpmath.mpf(initial[k]) * observed[0, k] for k in range(3)]]
        for t in range(1, 200):
            before = ahead[-1]
            ahead.append([sum(before[i] * moves[i, k] for i in range(3)) * observed[t, k] for k in range(3)])
        back = [[mpmath.mpf(1)] * 3]
        for t in range(199, 0, -1):
            after = back[0]
            back.insert(0, [sum(moves[i, k] * observed[t, k] * after[k] for k in range(3)) for i in range(3)])
        total = sum(ahead[-1])
        log_marginal = float(mpmath.log(total))
        posterior = [
            [float(f * b / total) for f, b in zip(*rows, strict=True)] for rows in zip(ahead, back, strict=True)
        ]
        first_leaves = float(
            sum(ahead[t][0] * moves[0, 2] * observed[t + 1, 2] * back[t + 1][2] / total for t in range(199))
        )
    found = smooth(initial, transition, log_density, block(200), np.ones(1))
    assert_allclose(found[0].sum(), log_marginal, rtol=1e-14)
    assert_allclose(found[1], posterior, atol=1e-12)
    assert_allclose(found[2][0, 2], first_leaves, rtol=1e-11)


def test_underflow_is_noticed_exactly_where_it_matters() -> None:
    """Two observations that each rule out what the other needs lose the sequence; its neighbour loses nothing."""
    contradiction = np.array([[0.0, -1000.0], [-2000.0, 0.0]])
    plain = np.array([[0.0, -1000.0], [0.0, -2000.0]])
    initial = np.array([0.5, 0.5])
    assert lost(initial, np.eye(2), np.vstack([contradiction, plain]), 2, 2).tolist() == [True, False]
    sticky = np.array([[1.0, 1e-150], [1e-150, 1.0]])
    assert lost(initial, sticky, contradiction, 2).tolist() == [False]
    found = smooth(initial, np.eye(2), np.vstack([contradiction, plain]), block(2, 2), np.array([1.0, 3.0]))
    assert_allclose(found[0], [np.log(0.5), -1000.0, np.log(0.5), 0.0])
    assert_allclose(found[1], [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]], atol=1e-300)
    assert_allclose(found[2], [[3.0, 0.0], [0.0, 1.0]], atol=1e-300)


@pytest.mark.parametrize("length", [3, 300])
def test_an_impossible_observation_is_said_and_passed_over(length: int) -> None:
    """Where no state can be, the evidence is -inf, and the posterior is that of the other observations."""
    rng = np.random.default_rng(1)
    initial, transition = random_chain("dense", rng, 2)
    log_density = rng.normal(size=(length + 4, 2))
    log_density[1] = -np.inf
    log_evidence, posterior, transitions = smooth(initial, transition, log_density, block(length, 4), np.ones(2))
    assert np.array_equal(np.flatnonzero(log_evidence == -np.inf), [1])
    log_density[1] = 0.0
    told = smooth(initial, transition, log_density, block(length, 4), np.ones(2))
    assert_allclose(posterior, told[1], atol=1e-13)
    assert_allclose(transitions, told[2], atol=1e-12 * length)


def test_a_chain_that_never_comes_back_stays_on_the_fast_path() -> None:
    """Left to right over a thousand steps, zeros by structure and states long past lose nothing that matters."""
    rng = np.random.default_rng(3)
    transition = np.array([[0.99, 0.01, 0.0], [0.0, 0.99, 0.01], [0.0, 0.0, 1.0]])
    initial = np.array([1.0, 0.0, 0.0])
    log_density = 3 * rng.normal(size=(1000, 3))
    assert not lost(initial, transition, log_density, 1000).any()
    found = smooth(initial, transition, log_density, block(1000), np.ones(1))
    expected = in_log_space(initial, transition, log_density, block(1000), np.ones(1))
    for one, other in zip(found, expected, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-12)


def test_weights_as_large_as_may_be() -> None:
    """Weights near the largest sum that is allowed do not overflow on their way, nor those of zero count."""
    rng = np.random.default_rng(2)
    initial, transition = random_chain("sticky", rng, 2)
    log_density = 30 * rng.normal(size=(12, 2))
    counted = smooth(initial, transition, log_density, block(4, 4, 4), np.array([1.0, 2.0, 0.0]))[2]
    heavy = smooth(initial, transition, log_density, block(4, 4, 4), np.array([1e299, 2e299, 0.0]))[2]
    assert_allclose(heavy / 1e299, counted, rtol=1e-13)
    assert_allclose(counted, smooth(initial, transition, log_density[:8], block(4, 4), np.array([1.0, 2.0]))[2])


def test_columns_first_is_the_same() -> None:
    """Log densities may lie column by column."""
    rng = np.random.default_rng(4)
    initial, transition = random_chain("dense", rng, 3)
    log_density = rng.normal(size=(50, 3))
    found: Any = smooth(initial, transition, np.asfortranarray(log_density), block(30, 20), np.ones(2))
    for one, other in zip(found, smooth(initial, transition, log_density, block(30, 20), np.ones(2)), strict=True):
        assert np.array_equal(one, other)
