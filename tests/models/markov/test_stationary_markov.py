"""The stationary hidden Markov model: its M-step against other optimisers, and what it shares with the free start."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import softmax

import emkit
from emkit import Array, HiddenMarkov, Poisson, StationaryHiddenMarkov
from emkit.models.markov.chain_statistics import ChainStatistics
from emkit.models.markov.stationary_counts import most_likely

SEEDS = st.integers(0, 2**32 - 1)
EMISSIONS = Poisson(np.array([[1.0], [5.0], [20.0], [50.0]]))
THREE = Poisson(EMISSIONS.rates[:3])


def settled(transition: Array) -> Array:
    """Return the stationary distribution by solving for it."""
    system = np.vstack([transition.T - np.eye(len(transition)), np.ones(len(transition))])
    return np.asarray(np.linalg.lstsq(system, np.append(np.zeros(len(transition)), 1.0), rcond=None)[0])


def value(transition: Array, initial: Array, transitions: Array) -> float:
    return float(initial @ np.log(settled(transition)) + (transitions * np.log(transition)).sum())


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(2, 4))
def test_no_other_optimiser_finds_better_transitions(seed: int, n_states: int) -> None:
    """The M-step's transitions have the largest Q that a simplex search from several starts finds."""
    rng = np.random.default_rng(seed)
    initial, transitions = rng.uniform(0.1, 20, n_states), rng.uniform(0.5, 20, (n_states, n_states))
    model = StationaryHiddenMarkov(rng.dirichlet(np.full(n_states, 5.0), n_states), Poisson(EMISSIONS.rates[:n_states]))
    found = model.chain_given(ChainStatistics(initial, transitions, None))["transition"]
    assert_allclose(found.sum(axis=1), 1.0)

    def fall(logits: Array) -> float:
        return -value(softmax(logits.reshape(n_states, n_states), axis=1), initial, transitions)

    starts = [np.log(transitions).ravel(), np.log(model.transition).ravel()]
    best = min(minimize(fall, start, method="BFGS").fun for start in starts)
    assert value(found, initial, transitions) >= -best - 1e-6


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from([3, 6, 10]), st.sampled_from([0.01, 1.0, 30.0]))
def test_the_slope_is_zero_at_the_maximum(seed: int, n_states: int, share: float) -> None:
    """Moving probability between any two transitions of a row changes Q by nothing, to first order."""
    rng = np.random.default_rng(seed)
    initial, transitions = share * rng.uniform(0.5, 2, n_states), rng.uniform(0.5, 20, (n_states, n_states))
    present = rng.dirichlet(np.full(n_states, 5.0), n_states)
    found = most_likely(initial, transitions, present)
    assert value(found, initial, transitions) >= value(present, initial, transitions)
    steepest = float((transitions / found).max())
    for row, one, other in rng.integers(n_states, size=(10, 3)):
        little, size = np.zeros((n_states, n_states)), 1e-4 * found[row].min()
        little[row, one] += size
        little[row, other] -= size
        rise = value(found + little, initial, transitions) - value(found - little, initial, transitions)
        assert_allclose(rise / (2 * size), 0.0, atol=1e-6 * steepest)


def test_never_below_where_it_began() -> None:
    """First states that outweigh the moves, from the transitions of an earlier M-step: Q does not fall."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        initial, transitions = rng.uniform(1, 500, 5), 4 * rng.dirichlet(np.ones(5), 5)
        present = rng.dirichlet(np.ones(5), 5)
        for _ in range(3):
            following = most_likely(initial, transitions, present)
            level = value(present, initial, transitions)
            assert value(following, initial, transitions) >= level - 1e-12 * abs(level)
            present, transitions = following, transitions * rng.uniform(0.8, 1.2, (5, 5))


@pytest.mark.parametrize("seed", [27, 30, 58])
def test_of_two_summits_the_higher(seed: int) -> None:
    """A few sequences of states that last: a simplex search from the present transitions finds none better."""
    rng = np.random.default_rng(seed)
    initial, transitions = rng.uniform(0.1, 3, 3), np.diag(rng.uniform(50, 500, 3)) + 10 ** rng.uniform(-4, 0, (3, 3))
    present = rng.dirichlet(np.ones(3), 3)

    def fall(logits: Array) -> float:
        return -value(softmax(logits.reshape(3, 3), axis=1), initial, transitions)

    best = -minimize(fall, np.log(present).ravel(), method="BFGS").fun
    assert value(most_likely(initial, transitions, present), initial, transitions) >= best - 1e-6


def test_without_first_states_they_are_the_counted_ones() -> None:
    """Where first states weigh nothing, transitions are their expected counts divided by the rows' sums."""
    counts = np.array([[5.0, 1.0, 2.0], [3.0, 4.0, 1.0], [1.0, 1.0, 6.0]])
    model = StationaryHiddenMarkov(np.full((3, 3), 1 / 3), THREE)
    found = model.chain_given(ChainStatistics(np.zeros(3), counts, None))["transition"]
    assert_allclose(found, counts / counts.sum(axis=1, keepdims=True), rtol=1e-12)


def test_structural_zeros_stay() -> None:
    """Transitions that are zero stay zero, and a fit climbs all the way."""
    transition = np.array([[0.8, 0.2, 0.0], [0.0, 0.7, 0.3], [0.5, 0.0, 0.5]])
    model = StationaryHiddenMarkov(transition, THREE)
    data = model.sample(8, 1, length=15)
    fit = emkit.fit(model, data)
    assert fit.converged
    assert fit.trace.monotone
    assert np.array_equal(fit.model.transition > 0, transition > 0)
    assert_allclose(fit.model.initial, settled(fit.model.transition), atol=1e-12)
    assert emkit.n_free_parameters(model) == 3 + 3


def test_it_is_the_hidden_markov_model_of_its_initial_distribution() -> None:
    """Given its parameters it is an ordinary hidden Markov model."""
    model = StationaryHiddenMarkov(np.array([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]), THREE)
    same = HiddenMarkov(model.initial, model.transition, THREE)
    data = model.sample(4, 0, length=[1, 2, 5, 9])
    assert_allclose(model.log_marginal(data), same.log_marginal(data), rtol=1e-14)
    assert all(map(np.array_equal, model.decode(data), same.decode(data)))


def test_one_state_and_states_that_are_never_left() -> None:
    """One state has nothing to learn; a last state that is never left holds the chain from the beginning."""
    one = StationaryHiddenMarkov(np.ones((1, 1)), Poisson(np.array([[3.0]])))
    fit = emkit.fit(one, one.sample(3, 0))
    assert fit.converged
    assert fit.model.initial.tolist() == [1.0]
    absorbed = StationaryHiddenMarkov(np.array([[0.5, 0.5], [0.0, 1.0]]), Poisson(np.array([[1.0], [5.0]])))
    fit_two = emkit.fit(absorbed, absorbed.sample(5, 0))
    assert "state 0: is empty" in fit_two.message
    assert_allclose(fit_two.model.transition, absorbed.transition)


def test_transitions_that_were_hardly_ever_seen_do_not_stop_the_search() -> None:
    """With counts over a hundred orders of magnitude, transitions are found that are as good as the counted shares."""
    for seed in (2, 15):
        rng = np.random.default_rng(seed)
        counts = 10.0 ** rng.uniform(-130, 1.5, (5, 5))
        counts[np.arange(5), (np.arange(5) + 1) % 5] = rng.uniform(0.5, 15, 5)
        initial = 10.0 ** rng.uniform(-3, 0.5, 5)
        share = counts / counts.sum(axis=1, keepdims=True)
        model = StationaryHiddenMarkov(share, Poisson(np.arange(1.0, 6.0)[:, None]))
        found = model.chain_given(ChainStatistics(initial, counts, None))["transition"]
        assert value(found, initial, counts) >= value(share, initial, counts) - 1e-9
