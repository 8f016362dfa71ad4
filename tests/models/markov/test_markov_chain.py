"""The Markov chain by itself: its stationary distribution, and draws from it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import mp
from numpy.testing import assert_allclose

from emkit import ParameterError
from emkit.models.markov.markov_chain import draw_paths, stationary
from emkit.sequences import Sequences

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 5), st.sampled_from([1.0, 0.1]))
def test_the_chain_keeps_it(seed: int, n_states: int, concentration: float) -> None:
    """One more step leaves the stationary distribution as it is."""
    rng = np.random.default_rng(seed)
    transition = np.maximum(rng.dirichlet(np.full(n_states, concentration), n_states), 1e-20)
    settled = stationary(transition)
    assert_allclose(settled.sum(), 1.0, rtol=1e-14)
    assert_allclose(settled @ transition, settled, rtol=1e-10)


def test_small_probabilities_keep_their_digits() -> None:
    """Where a state is left a hundred million times as often as entered, all digits of its rare visits are right."""
    transition = np.array([[1 - 3e-9, 1e-9, 2e-9], [0.3, 0.5, 0.2], [0.7, 1e-9, 0.3 - 1e-9]])
    with mp.workdps(50):
        system, ones = mp.matrix(3, 3), mp.matrix([0, 0, 1])
        for j in range(3):
            for i in range(2):
                away = sum((mp.mpf(transition[i, k]) for k in range(3) if k != i), mp.mpf(0))
                system[i, j] = -away if i == j else mp.mpf(transition[j, i])
            system[2, j] = 1
        exact = [float(p) for p in mp.lu_solve(system, ones)]
    assert_allclose(stationary(transition), exact, rtol=1e-14)


def test_transient_states_have_none_of_it() -> None:
    """States that are left for good have probability zero; sets of states that are never left must be one."""
    transition = np.array([[0.5, 0.25, 0.25], [0.0, 0.2, 0.8], [0.0, 0.6, 0.4]])
    assert_allclose(stationary(transition), [0.0, 3 / 7, 4 / 7], rtol=1e-14)
    with pytest.raises(ParameterError, match="states 1 and 2 are never left for one another"):
        stationary(np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))


def test_states_that_take_turns() -> None:
    """A chain of period two has a stationary distribution too."""
    assert_allclose(stationary(np.array([[0.0, 1.0], [1.0, 0.0]])), [0.5, 0.5])


@given(SEEDS)
def test_impossible_moves_are_never_drawn(seed: int) -> None:
    """Paths begin where they can and move where they can."""
    rng = np.random.default_rng(seed)
    transition = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0]])
    lengths = rng.integers(1, 8, 5)
    sequences = Sequences(np.arange(lengths.sum()), lengths)
    drawn = draw_paths(np.array([0.0, 1.0, 0.0]), transition, sequences.steps, rng)
    for path in sequences.split(sequences.steps.back(drawn)):
        assert path[0] == 1
        assert (transition[path[:-1], path[1:]] > 0).all()
