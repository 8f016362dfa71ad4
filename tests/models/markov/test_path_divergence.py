"""How far posteriors of paths move: against every path, against log marginals and Q, and with latent emissions."""

from itertools import product
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import logsumexp
from scipy.stats import norm, poisson

from emkit import (
    Array,
    Bernoulli,
    DiagonalGaussian,
    HiddenMarkov,
    Incomplete,
    Mixture,
    Poisson,
    StationaryHiddenMarkov,
    Weighted,
)
from emkit.model import Accepts, HasPosteriorDivergence, has
from emkit.models.markov.forward_backward import forward
from emkit.models.markov.path_divergence import path_divergence
from emkit.sequences import Sequences
from tests.models.markov.paths import CHAINS, log_path, random_chain
from tests.zoo import EMISSIONS, rows

SEEDS = st.integers(0, 2**32 - 1)
CLASSES = [HiddenMarkov, StationaryHiddenMarkov]
TRANSITION = np.array([[0.9, 0.1], [0.2, 0.8]])
OTHER_TRANSITION = np.array([[0.6, 0.4], [0.35, 0.65]])


def log_posterior(initial: Array, transition: Array, log_density: Array) -> Array:
    """Return log p(path | x) of every path."""
    length, n_states = log_density.shape
    paths = product(range(n_states), repeat=length)
    log_joint = np.array([log_path(path, initial, transition, log_density) for path in paths])
    return np.asarray(log_joint - logsumexp(log_joint))


def over_paths(log_p: Array, log_q: Array) -> float:
    possible = np.exp(log_p) > 0
    return float(np.exp(log_p[possible]) @ (log_p[possible] - log_q[possible]))


def jittered(shares: Array, rng: np.random.Generator) -> Array:
    """Return other shares, zero where these are."""
    other = shares * rng.uniform(0.2, 2.0, shares.shape)
    return np.asarray(other / other.sum(axis=-1, keepdims=True))


def chain(kind: Any, transition: Array, emissions: Any) -> Any:
    """Return a model of either class; a free start is another than the stationary one."""
    if kind is StationaryHiddenMarkov:
        return StationaryHiddenMarkov(transition, emissions)
    return HiddenMarkov(np.full(len(transition), 1 / len(transition)), transition, emissions)


def gap(model: Any, other: Any, data: Any) -> float:
    """Return by how much the identity fails, nats, in units of what it may: 1e-10 of log likelihood and sequences."""
    prepared = model.prepare(data)
    statistics, weight = model.e_step(prepared).statistics, prepared.weight
    before, after, moved = (
        float(weight @ each)
        for each in (model.log_marginal(data), other.log_marginal(data), model.posterior_divergence(other, data))
    )
    raised = other.expected_log_joint(statistics) - model.expected_log_joint(statistics)
    return abs(after - before - raised - moved) / (1e-10 * (abs(before) + weight.sum()))


@given(SEEDS, st.sampled_from(CHAINS), st.integers(1, 3), st.sampled_from([1.0, 1e3, 1e5]))
def test_every_path(seed: int, kind: str, n_states: int, scale: float) -> None:
    """The divergence is that of the shares of all paths, also where underflow takes part of them."""
    rng = np.random.default_rng(seed)
    initial, transition = random_chain(kind, rng, n_states)
    other_initial, other_transition = jittered(initial, rng), jittered(transition, rng)
    lengths = rng.integers(1, 6, size=4)
    sequences = Sequences(np.arange(lengths.sum()), lengths)
    log_density, other_density = (-scale * rng.random((lengths.sum(), n_states)) for _ in range(2))
    steps = sequences.steps
    moved, posterior = path_divergence(
        forward(initial, transition, log_density[steps.order], steps),
        transition,
        forward(other_initial, other_transition, other_density[steps.order], steps),
        other_transition,
        steps,
    )
    assert (moved >= 0).all()
    assert_allclose(posterior.sum(axis=1), 1.0)
    each = zip(sequences.split(log_density), sequences.split(other_density), strict=True)
    expected = [
        over_paths(log_posterior(initial, transition, mine), log_posterior(other_initial, other_transition, theirs))
        for mine, theirs in each
    ]
    assert_allclose(sequences.sum(steps.back(moved)), expected, rtol=1e-12, atol=1e-14 * scale)


@given(SEEDS, st.sampled_from(["dense", "upper", "identity", "sparse"]), st.sampled_from(["dense", "upper", "sparse"]))
def test_infinite_where_a_path_is_ruled_out(seed: int, kind: str, other_kind: str) -> None:
    """Models with zeros of their own are infinitely far where one allows a path that the other does not, or as far as
    all paths say."""
    rng = np.random.default_rng(seed)
    means = [rng.normal(size=(3, 1)) for _ in range(2)]
    models = [
        HiddenMarkov(*random_chain(each, rng, 3), DiagonalGaussian(mean, np.ones((3, 1))))
        for each, mean in zip((kind, other_kind), means, strict=True)
    ]
    data = [rng.normal(size=(length, 1)) for length in (3, 1, 4, 2)]
    expected = [
        over_paths(*(log_posterior(m.initial, m.transition, norm.logpdf(x, m.emissions.means.T, 1.0)) for m in models))
        for x in data
    ]
    assert_allclose(models[0].posterior_divergence(models[1], data), expected, rtol=1e-11, atol=1e-13)


def test_a_state_that_never_is_does_not_count() -> None:
    """What the other says of a state in which the one never is, such as that it cannot be, moves nothing."""
    emissions = Bernoulli(np.array([[0.3], [0.6], [0.5]]))
    transition = np.array([[0.5, 0.5, 0.0], [0.3, 0.7, 0.0], [0.0, 0.0, 1.0]])
    model = HiddenMarkov(np.array([0.4, 0.6, 0.0]), transition, emissions)
    smaller = HiddenMarkov(np.array([0.4, 0.6]), transition[:2, :2], Bernoulli(emissions.probabilities[:2]))
    data = smaller.sample(5, 0, length=[1, 2, 9, 30, 4])
    assert_allclose(model.posterior_divergence(model, data), 0.0, atol=1e-14)
    for other, rest in (([0.2, 0.8, 0.0], [0.0, 1.0, 0.0]), ([0.2, 0.8, 0.0], [0.0, 0.0, 1.0])):
        moves = np.vstack([[[0.1, 0.9, 0.0], [0.6, 0.4, 0.0]], rest])
        moved = model.posterior_divergence(HiddenMarkov(other, moves, emissions), data)
        expected = smaller.posterior_divergence(HiddenMarkov(other[:2], moves[:2, :2], smaller.emissions), data)
        assert_allclose(moved, expected, rtol=1e-13)


@pytest.mark.parametrize("kind", CLASSES)
def test_sequences_of_length_one_are_a_mixture(kind: Any) -> None:
    """For sequences of one observation it is the divergence of a mixture whose weights are the first states'."""
    emissions = [DiagonalGaussian(np.array([[0.0], [2.0]]) + shift, np.ones((2, 1))) for shift in (0.0, 0.7)]
    models = [chain(kind, t, e) for t, e in zip((TRANSITION, OTHER_TRANSITION), emissions, strict=True)]
    x = np.random.default_rng(0).normal(size=(9, 1))
    one, other = (Mixture(model.initial, model.emissions) for model in models)
    moved = models[0].posterior_divergence(models[1], list(x[:, None]))
    assert_allclose(moved, one.posterior_divergence(other, x), rtol=1e-12)


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("name", EMISSIONS)
def test_gain_is_q_and_divergence(name: str, missing: bool, kind: Any) -> None:
    """Whatever states emit, the weighted log likelihood gains what Q gains, and the divergence, to rounding; also where
    some rows are missing, or single cells of emissions that take such."""
    emissions, rng = EMISSIONS[name], np.random.default_rng(1)
    x: Any = rows(emissions, 90)
    learnt = emissions.statistics(x, 0.1 + 0.8 * np.eye(2)[rng.integers(0, 2, 90)])
    if missing:
        by_cell = has(emissions, Accepts) and emissions.accepts(Incomplete)
        gone = rng.random(x.shape if by_cell else (90, 1)) < 0.3
        gone[10:13] = True
        x = Incomplete(np.where(gone, np.nan, x))
    data = Weighted(
        list(Sequences(x, np.resize([1, 7, 22], 9))), np.where(np.arange(9) % 4 == 1, 0.0, rng.uniform(0.2, 3.0, 9))
    )
    model = chain(kind, TRANSITION, emissions)
    other = chain(kind, OTHER_TRANSITION, emissions.m_step(learnt))
    assert gap(model, other, data) < 1
    assert gap(other, model, data) < 1
    assert (model.posterior_divergence(other, data) >= 0).all()


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("apart", [0.1, 3.0, 300.0])
def test_gain_is_q_and_divergence_over_thousands_of_steps(kind: Any, apart: float) -> None:
    """Over thousands of steps, with states that overlap and states hundreds of deviations apart, it is the same."""
    transitions = [np.array([[0.7, 0.3, 0.0], [0.0, 0.9, 0.1], [p, 0.0, 1.0 - p]]) for p in (1e-3, 0.2)]
    means = apart * np.array([[0.0], [1.0], [2.0]])
    model, other = (
        chain(kind, transition, DiagonalGaussian(means + shift, np.full((3, 1), variance)))
        for transition, shift, variance in zip(transitions, (0.0, 0.6 * apart), (1.0, 2.0), strict=True)
    )
    data = model.sample(3, 4, length=[5000, 1, 2500])
    assert gap(model, other, data) < 1
    assert gap(other, model, data) < 1


@pytest.mark.parametrize("kind", CLASSES)
def test_missing_steps_take_their_time(kind: Any) -> None:
    """Steps of which nothing is seen move no emissions, but the paths go through them."""
    model, other = (
        chain(kind, transition, Poisson(np.array([[low], [9.0]])))
        for transition, low in ((TRANSITION, 2.0), (OTHER_TRANSITION, 4.0))
    )
    x = np.array([[1.0], [np.nan], [np.nan], [12.0], [np.nan]])
    expected = over_paths(
        *(
            log_posterior(m.initial, m.transition, np.nan_to_num(poisson.logpmf(x, m.emissions.rates.T)))
            for m in (model, other)
        )
    )
    found = model.posterior_divergence(other, [Incomplete(x), np.ones((2, 1))])
    assert_allclose(found[0], expected, rtol=1e-12)
    assert gap(model, other, [Incomplete(x), np.ones((2, 1))]) < 1


@attrs.frozen(eq=False)
class Coins:
    """Emissions with a latent coin: a count in state k is Poisson, with one rate for heads and another for tails."""

    heads: Array  # (K,) probability
    rates: Array  # (K, 2) tails, heads

    @property
    def shares(self) -> Array:
        """Both sides' probability, (K, 2)."""
        return np.column_stack([1 - self.heads, self.heads])

    def log_joint(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(poisson.logpmf(x[:, :, None], self.rates) + np.log(self.shares))  # (N, K, 2)

    def log_density(self, x: Array) -> Array:
        return np.asarray(logsumexp(self.log_joint(x), axis=2))

    def statistics(self, x: Array, posterior: Array) -> Any:
        raise NotImplementedError

    def m_step(self, statistics: Any) -> Any:
        raise NotImplementedError

    def latent_divergence(self, other: "Coins", x: Array) -> Array:
        """Return KL of the side given the count and the state, (N, K), in the plainest way."""
        log_p, log_q = (one.log_joint(x) - one.log_density(x)[:, :, None] for one in (self, other))
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(np.exp(log_p) > 0, np.exp(log_p) * (log_p - log_q), 0.0).sum(axis=2))


COINS = Coins(np.array([0.3, 0.6, 0.5]), np.array([[1.0, 4.0], [7.0, 12.0], [3.0, 3.0]]))
OTHER_COINS = Coins(np.array([0.5, 0.2, 0.0]), np.array([[2.0, 3.0], [4.0, 9.0], [1.0, 2.0]]))  # no heads in state 2
HERE = HiddenMarkov([0.4, 0.6, 0.0], [[0.7, 0.3, 0.0], [0.2, 0.8, 0.0], [0.0, 0.0, 1.0]], COINS)  # never in state 2
THERE = HiddenMarkov([0.3, 0.4, 0.3], [[0.5, 0.4, 0.1], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5]], OTHER_COINS)


def with_sides(model: Any, x: Array) -> Array:
    """Return log p(path, sides | x) of every path and sides: a chain of twice as many states, by state and side."""
    n_states = len(model.initial)
    with np.errstate(divide="ignore"):
        no_toss = np.log(np.tile([1.0, 0.0], n_states))  # one side alone
    seen = ~np.isnan(x)  # (T, 1)
    log_density = np.where(seen, model.emissions.log_joint(x).reshape(-1, 2 * n_states), no_toss)  # (T, 2 K)
    transition = np.repeat(np.repeat(model.transition, 2, axis=0), 2, axis=1)  # (2 K, 2 K)
    return log_posterior(np.repeat(model.initial, 2), transition, log_density)


def test_what_is_latent_in_emissions_counts() -> None:
    """With a coin tossed in each state, the divergence is that of all paths with all sides; a state that never is
    does not count, though the other model rules out one of its sides."""
    data = [np.array([[2.0], [9.0], [5.0]]), np.array([[4.0]])]
    expected = [over_paths(with_sides(HERE, x), with_sides(THERE, x)) for x in data]
    assert_allclose(HERE.posterior_divergence(THERE, data), expected, rtol=1e-12)
    assert THERE.posterior_divergence(HERE, data).tolist() == [np.inf, np.inf]


def test_nothing_is_latent_in_the_emissions_of_a_missing_step() -> None:
    """Where a step is missing as a whole, no coin is tossed; the others count as they do."""
    x = np.array([[2.0], [np.nan], [9.0]])
    expected = over_paths(with_sides(HERE, x), with_sides(THERE, x))
    assert_allclose(HERE.posterior_divergence(THERE, [Incomplete(x)]), [expected], rtol=1e-12)


def test_weights_are_not_applied() -> None:
    """One number for each sequence, whatever its weight, also zero."""
    model, other = (HiddenMarkov([0.5, 0.5], t, Poisson([[2.0], [9.0]])) for t in (TRANSITION, OTHER_TRANSITION))
    data = model.sample(4, 0, length=[3, 1, 8, 2])
    plain = model.posterior_divergence(other, data)
    assert plain.shape == (4,)
    assert np.array_equal(model.posterior_divergence(other, Weighted(data, [0.0, 2.0, 0.5, 1e3])), plain)
    assert has(model, HasPosteriorDivergence)
