"""The hidden Markov model: what lengths, weights, gaps, zeros and starts do to it, and what its powers say."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

import emkit
from emkit import (
    Array,
    Bernoulli,
    DiagonalGaussian,
    FullGaussian,
    HiddenMarkov,
    Incomplete,
    Mixture,
    Poisson,
    StationaryHiddenMarkov,
    Weighted,
)

SEEDS = st.integers(0, 2**32 - 1)
TRANSITION = np.array([[0.9, 0.1], [0.2, 0.8]])
COUNTS = HiddenMarkov(np.array([0.3, 0.7]), TRANSITION, Poisson(np.array([[2.0], [9.0]])))


def random_model(rng: np.random.Generator, n_states: int = 3) -> HiddenMarkov[DiagonalGaussian]:
    emissions = DiagonalGaussian(3 * rng.normal(size=(n_states, 2)), rng.uniform(0.3, 2.0, (n_states, 2)))
    return HiddenMarkov(rng.dirichlet(np.ones(n_states)), rng.dirichlet(np.ones(n_states), n_states), emissions)


def densities(model: Any, x: Array) -> Array:
    """Return p(x_t | k), (T, K), by SciPy."""
    emissions = model.emissions
    columns = norm.pdf(x[:, None, :], emissions.means, np.sqrt(emissions.variances))
    return np.asarray(columns.prod(axis=2))


def log_marginal(model: Any, x: Array) -> float:
    """Return the log of a product of matrices."""
    row = model.initial
    for t, density in enumerate(densities(model, x)):
        row = (row if t == 0 else row @ model.transition) * density
    return float(np.log(row.sum()))


@given(SEEDS)
def test_log_marginals_are_products_of_matrices(seed: int) -> None:
    """The log marginal of each of many sequences is that of the product of its matrices, one by one and together."""
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    data = model.sample(7, rng, length=rng.integers(1, 9, 7))
    expected = [log_marginal(model, x) for x in data]
    assert_allclose(model.log_marginal(data), expected, rtol=1e-11, atol=1e-11)
    assert_allclose([model.log_marginal([x])[0] for x in data], expected, rtol=1e-11, atol=1e-11)


@given(SEEDS)
def test_one_step_sequences_are_a_mixture(seed: int) -> None:
    """Sequences of length one are a mixture with the initial probabilities as weights."""
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    x = rng.normal(size=(9, 2))
    mixture = Mixture(model.initial, model.emissions)
    assert_allclose(model.log_marginal(list(x[:, None, :])), mixture.log_marginal(x), rtol=1e-13)
    assert_allclose(np.concatenate(model.posterior(list(x[:, None, :]))), mixture.posterior(x), atol=1e-13)


@given(SEEDS)
def test_equal_rows_forget_the_order(seed: int) -> None:
    """Where every row of the transitions is the initial distribution, a fit takes every step of a mixture's."""
    rng = np.random.default_rng(seed)
    x = rng.poisson(np.where(rng.random(60) < 0.4, 2.0, 9.0))[:, None].astype(float)
    weights = np.array([0.45, 0.55])
    model = HiddenMarkov(weights, np.tile(weights, (2, 1)), COUNTS.emissions, fixed={"initial", "transition"})
    mixture = Mixture(weights, COUNTS.emissions, fixed="weights")
    one = emkit.fit(model, [x[:20], x[20:]], tol=0.0, max_iter=4)
    other = emkit.fit(mixture, x, tol=0.0, max_iter=4)
    assert_allclose(one.trace[:], other.trace[:], rtol=1e-11)
    assert_allclose(one.model.emissions.rates, other.model.emissions.rates, rtol=1e-9)


@given(SEEDS)
def test_a_missing_step_is_summed_over(seed: int) -> None:
    """A step of which nothing is seen leaves the log marginal of the matrices without its density."""
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    (x,) = model.sample(1, rng, length=6)
    gone = rng.random(6) < 0.4
    row = model.initial
    for t, density in enumerate(densities(model, x)):
        row = (row if t == 0 else row @ model.transition) * np.where(gone[t], 1.0, density)
    gaps = Incomplete(np.where(gone[:, None], np.nan, x))
    assert_allclose(model.log_marginal([x[:2], gaps])[1], np.log(row.sum()), rtol=1e-11, atol=1e-11)


def test_missing_values_are_expected_given_their_sequence() -> None:
    """A missing count is imputed at the mean of the rates, weighted by the smoothed states."""
    gaps = Incomplete(np.array([[1.0], [np.nan], [12.0], [np.nan]]))
    seen = np.array([[3.0], [2.0]])
    filled, posterior = COUNTS.impute([seen, gaps]), COUNTS.posterior([seen, gaps])
    assert np.array_equal(filled[0], seen)
    assert filled[1][[0, 2], 0].tolist() == [1.0, 12.0]
    assert_allclose(filled[1][[1, 3], 0], posterior[1][[1, 3]] @ [2.0, 9.0], rtol=1e-13)


def test_zeros_stay_zero() -> None:
    """A left-to-right model stays one, and zeros have no free coordinates."""
    transition = np.array([[0.6, 0.4, 0.0], [0.0, 0.7, 0.3], [0.0, 0.0, 1.0]])
    model = HiddenMarkov(np.array([1.0, 0.0, 0.0]), transition, Poisson(np.array([[1.0], [5.0], [20.0]])))
    data = model.sample(20, 0, length=12)
    fit = emkit.fit(model, data)
    assert fit.converged
    assert np.array_equal(fit.model.transition > 0, transition > 0)
    assert np.array_equal(fit.model.initial, [1.0, 0.0, 0.0])
    assert emkit.n_free_parameters(model) == 2 + 3
    assert all((np.diff(path) >= 0).all() for path in fit.model.decode(data))


def test_rounding_adds_no_zeros() -> None:
    """Probabilities that run to zero never get there: they keep their free coordinates however long EM runs."""
    x = np.repeat([1.0, 30.0], [20, 20])[:, None]
    fit = emkit.fit(COUNTS, [x], tol=0.0, max_iter=400)
    assert emkit.n_free_parameters(fit.model) == emkit.n_free_parameters(COUNTS)
    assert fit.outcome is emkit.Outcome.DEGENERATE
    assert "state 1: is absorbing" in fit.message


@given(SEEDS, st.permutations(range(3)))
def test_renumbered_states_change_nothing(seed: int, order: list[int]) -> None:
    """A model with renumbered states has the same marginals, and renumbered posteriors and paths."""
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    data = model.sample(3, rng, length=5)
    emissions = DiagonalGaussian(model.emissions.means[order], model.emissions.variances[order])
    other = HiddenMarkov(model.initial[order], model.transition[order][:, order], emissions)
    assert_allclose(other.log_marginal(data), model.log_marginal(data), rtol=1e-12)
    for mine, theirs in zip(other.posterior(data), model.posterior(data), strict=True):
        assert_allclose(mine, theirs[:, order], atol=1e-12)
    for path, original in zip(other.decode(data), model.decode(data), strict=True):
        assert np.array_equal(np.array(order)[path], original)


def test_chunks_change_nothing() -> None:
    """A fit in chunks of sequences takes every step of a fit on the whole."""
    data = COUNTS.sample(17, 3, length=np.arange(1, 18))
    whole, chunked = (emkit.fit(COUNTS, data, tol=0.0, max_iter=5, chunk_size=size) for size in (None, 4))
    assert_allclose(chunked.trace[:], whole.trace[:], rtol=1e-13)
    assert_allclose(chunked.model.transition, whole.model.transition, rtol=1e-11)


def test_forecast_is_a_ratio_of_marginals() -> None:
    """The density of the next observation is the marginal with it over that without it, for each sequence."""
    data = COUNTS.sample(4, 1, length=[1, 5, 3, 8])
    for x, forecast in zip(data, COUNTS.forecast(data), strict=True):
        for count in (0.0, 4.0, 11.0):
            longer = np.concatenate([x, [[count]]])
            ratio = COUNTS.log_marginal([longer])[0] - COUNTS.log_marginal([x])[0]
            assert_allclose(forecast.log_marginal([[count]])[0], ratio, rtol=1e-10)


def test_forecast_far_ahead_is_stationary() -> None:
    """A thousand steps ahead, nothing of the past is left but where the chain settles."""
    (forecast,) = COUNTS.forecast([np.array([[30.0]])], ahead=1000)
    assert_allclose(forecast.weights, [2 / 3, 1 / 3], rtol=1e-12)
    with pytest.raises(ValueError, match="ahead"):
        COUNTS.forecast([np.array([[30.0]])], ahead=0)


def test_samples_are_of_the_chain() -> None:
    """First states, moves and counts of a large sample have the frequencies of the model."""
    rates = Poisson(np.array([[0.001], [1e6]]))  # tells the states
    model = emkit.replace(COUNTS, emissions=rates)
    data = model.sample(4000, 5, length=np.resize([1, 2, 5], 4000))
    assert [len(x) for x in data[:4]] == [1, 2, 5, 1]
    states = [(x[:, 0] > 1e5).astype(int) for x in data]
    first = np.mean([s[0] for s in states])
    assert_allclose(first, 0.7, atol=4 * np.sqrt(0.21 / 4000))
    moves = np.zeros((2, 2))
    for path in states:
        for i, j in pairwise(path):
            moves[i, j] += 1
    for row, count in zip(moves, moves.sum(axis=1), strict=True):
        expected = TRANSITION[0] if row[0] > row[1] else TRANSITION[1]
        assert_allclose(row / count, expected, atol=4 * np.sqrt(0.25 / count))
    assert {len(x) for x in model.sample(3, 0)} == {20}


def test_a_fit_finds_what_was_drawn() -> None:
    """From a k-means start, a long sample gives the model back."""
    data = COUNTS.sample(60, 11, length=80)
    start: HiddenMarkov[Poisson] = HiddenMarkov.start(data, 2, rng=0, emissions=Poisson)
    fit = emkit.fit(start, data)
    order = np.argsort(fit.model.emissions.rates[:, 0])
    assert fit.converged
    assert_allclose(fit.model.emissions.rates[order, 0], [2.0, 9.0], rtol=0.05)
    assert_allclose(fit.model.transition[order][:, order], TRANSITION, atol=0.03)
    assert_allclose(fit.model.initial[order], [0.3, 0.7], atol=0.25)


@pytest.mark.parametrize("model", [HiddenMarkov, StationaryHiddenMarkov])
def test_starts_count_shares(model: Any) -> None:
    """A start from labels has the moves between them, each counted once more; options reach model and emissions."""
    data = [np.array([[1.0], [2.0], [8.0]]), np.array([[9.0], [7.0]]), np.array([[99.0]])]
    weighted = Weighted(data, np.array([1.0, 1.0, 0.0]))
    labels = [[0, 0, 1], [1, 1], [0]]
    start = model.from_responsibilities(weighted, labels, emissions=Poisson)
    assert_allclose(start.transition, [[2 / 4, 2 / 4], [1 / 3, 2 / 3]])
    assert_allclose(start.emissions.rates, [[1.5], [8.0]])
    upper = [[0.5, 0.5], [0.0, 1.0]]
    prior = emkit.NormalInverseGamma(np.array([5.0]), 1.0, 3.0, np.array([1.0]))
    start = model.from_responsibilities(
        weighted, labels, emissions=DiagonalGaussian, prior=prior, transition=upper, fixed="transition"
    )
    assert start.transition.tolist() == upper
    assert start.fixed == {"transition"}
    assert start.emissions.prior is prior


def test_weights_are_repeats_in_a_start() -> None:
    """A start from weighted sequences is that from repeated ones; those without weight are not seen."""
    data = COUNTS.sample(6, 2, length=9)
    count = np.array([1, 0, 2, 1, 0, 3])
    numbers = np.repeat(np.arange(6), count)
    labels = COUNTS.decode(data)
    found: list[HiddenMarkov[FullGaussian]] = [
        HiddenMarkov.from_responsibilities(x, states, emissions=FullGaussian, prior=None)
        for x, states in ((Weighted(data, count), labels), ([data[i] for i in numbers], [labels[i] for i in numbers]))
    ]
    assert_allclose(found[0].emissions.means, found[1].emissions.means, rtol=1e-12)
    few = [data[i] for i in np.flatnonzero(count)]
    assert HiddenMarkov.start(Weighted(data, count > 0), 2, rng=4, emissions=Poisson) == HiddenMarkov.start(
        few, 2, rng=4, emissions=Poisson
    )


def test_sequences_of_length_one_teach_no_transitions() -> None:
    """Without any move, transitions stay as they were and the fit says so; held fixed, it is no complaint."""
    data = [np.array([[float(n)]]) for n in (1, 2, 3, 8, 9, 12)]
    fit = emkit.fit(COUNTS, data)
    assert fit.outcome is emkit.Outcome.DEGENERATE
    assert "no sequence has two observations" in fit.message
    assert_allclose(fit.model.transition, TRANSITION)
    assert emkit.fit(emkit.replace(COUNTS, fixed="transition"), data).converged


def test_an_empty_state_is_named() -> None:
    """A state that nothing is in stays where it was, and is named."""
    model = emkit.replace(COUNTS, emissions=Poisson(np.array([[2.0], [1e6]])))
    fit = emkit.fit(model, [np.random.default_rng(0).poisson(2.0, (30, 1))])
    assert "state 1: is empty" in fit.message
    assert_allclose(fit.model.emissions.rates[1, 0], 1e6)


def test_impossible_data_are_said() -> None:
    """A sequence that the model makes impossible has log marginal -inf; posterior and path stay defined."""
    model = HiddenMarkov([1.0], [[1.0]], emkit.Bernoulli(np.array([[0.0]])))
    data = [np.array([[0.0], [1.0]]), np.array([[0.0]])]
    assert model.log_marginal(data).tolist() == [-np.inf, 0.0]
    assert all(np.isfinite(one).all() for one in model.posterior(data))
    assert model.decode(data)[0].tolist() == [0, 0]
    assert emkit.fit(model, data).outcome is emkit.Outcome.NON_FINITE


def test_remarks_are_those_of_the_emissions() -> None:
    """A probability that runs to zero is noted, as in a mixture."""
    x = np.column_stack([np.zeros(40), np.arange(40) % 3 == 0]).astype(float)
    start: HiddenMarkov[Bernoulli] = HiddenMarkov.start([x], 2, emissions=Bernoulli, rng=0)
    fit = emkit.fit(start, [x])
    assert "the probability of column 0 vanishes" in fit.message


def test_missing_values_are_drawn_given_the_whole_sequence() -> None:
    """Drawn steps have the smoothed mean, and neighbours that are missing together go together as paths do."""
    model = HiddenMarkov([0.5, 0.5], [[0.95, 0.05], [0.1, 0.9]], Bernoulli([[0.02], [0.97]]))
    hole = np.array([[0.0], [np.nan], [np.nan], [1.0], [np.nan]])
    drawn = np.stack(model.sample_missing([emkit.Incomplete(hole)] * 20000, 0))[:, :, 0]  # (20000, 5)
    assert_allclose(drawn.mean(axis=0), model.impute([emkit.Incomplete(hole)])[0][:, 0], atol=0.015)
    joint = 0.0
    for pair in ((0.0, 1.0), (1.0, 1.0)):
        joint += np.exp(model.log_marginal([emkit.Incomplete([[0.0], [pair[0]], [pair[1]], [1.0], [np.nan]])]))[0]
    both = np.exp(model.log_marginal([emkit.Incomplete([[0.0], [1.0], [1.0], [1.0], [np.nan]])]))[0]
    assert_allclose(drawn[drawn[:, 2] == 1, 1].mean(), both / joint, atol=0.015)
    with pytest.raises(TypeError, match="nothing is missing"):
        model.sample_missing([np.zeros((3, 1))], 0)


def test_chunks_hold_few_long_sequences_or_many_short_ones() -> None:
    """A chunk is about as many observations whatever their sequences, at least one sequence, fewer for more states."""
    twenty, thousand = (COUNTS.prepare([np.ones((length, 1))] * 50) for length in (20, 1000))
    assert COUNTS.chunk_size(twenty) * 20 == pytest.approx(COUNTS.chunk_size(thousand) * 1000, rel=0.05)
    assert COUNTS.chunk_size(COUNTS.prepare([np.ones((10**6, 1))] * 2)) == 1
    assert random_model(np.random.default_rng(0), 9).chunk_size(twenty) < COUNTS.chunk_size(twenty)
