"""Online EM: a stream seen once comes to where a fit of all of it would, and is never held."""

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emkit
from emkit import Array, FullGaussian, GaussianMixture, ModelError, ParameterError
from emkit.algorithm import Ascent
from emkit.online import OnlineEM
from tests.longdouble import e_step
from tests.toys import Linkage, PoissonMixture, Scripted, TwoCoins, counts, raise_at
from tests.zoo import EMISSIONS, FULL, rows

START = PoissonMixture([0.5, 0.5], [1.0, 5.0])
ONE = emkit.Mixture([1.0], FullGaussian([[0.0, 0.0]], [np.eye(2)]))


def cut(data: Any, sizes: list[int]) -> list[Any]:
    """Return data as chunks of these sizes, and what is left."""
    edges = [0, *np.minimum(np.cumsum(sizes), len(data)), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges) if end > begin]


@given(st.lists(st.integers(1, 30), max_size=8), st.booleans(), st.integers(0, 100))
def test_a_mean_over_all_units_is_the_batch_estimate(sizes: list[int], weighted: bool, seed: int) -> None:
    """With exponent 1 and nothing latent, any chunks give the estimate from all data: means and covariance by NumPy."""
    rng = np.random.default_rng(seed)
    x, weight = rng.normal([3.0, -100.0], size=(40, 2)), np.ones(40)
    if weighted:
        weight[10:] = rng.integers(0, 3, size=30)
    found = OnlineEM(ONE, step_size=1.0).run(cut(emkit.Weighted(x, weight) if weighted else x, [10, *sizes]))
    np.testing.assert_allclose(found.model.emissions.means[0], np.average(x, axis=0, weights=weight), rtol=1e-13)
    expected = np.cov(x.T, aweights=weight, bias=True)
    np.testing.assert_allclose(found.model.emissions.covariances[0], expected, rtol=1e-10, atol=1e-13)
    assert found.units == weight.sum()


@pytest.mark.parametrize("name", [name for name in EMISSIONS if name not in ("poisson regression",)])
def test_under_a_held_model_chunks_are_one_fit(name: str) -> None:
    """As long as no M-step is taken, chunks of any size end in the M-step of one E-step over all data, priors and all.

    Every kind of statistics passes: they add up and scale as means.
    """
    data = emkit.Weighted(rows(EMISSIONS[name], 60), np.arange(60) % 3)
    model = emkit.Mixture([0.4, 0.6], EMISSIONS[name], weights_prior=emkit.Dirichlet([3.0, 2.0]))
    chunks = cut(data, [7, 20, 1, 13])  # the third has no weight
    found = OnlineEM(model, step_size=1, burn_in=4).run(chunks)
    assert found.updates == 4
    batch = emkit.fit(model, data, max_iter=1, tol=0).model
    x = data.data
    np.testing.assert_allclose(found.model.log_marginal(x), batch.log_marginal(x), rtol=1e-8, atol=1e-10)


@given(st.floats(0.51, 1.0), st.lists(st.integers(1, 30), min_size=1, max_size=6))
def test_every_update_is_the_formula(alpha: float, sizes: list[int]) -> None:
    """s = (1 - γ) s + γ s̄ with γ = (u / U)^α, the M-step of s times U, and the mean of s by units: by hand."""
    x = counts(n=60)
    chunks = cut(x, sizes)
    state = OnlineEM(START, step_size=alpha, burn_in=2, average_from=2)
    model, s, total, parts = START, np.zeros((2, 2)), 0.0, []
    for t, chunk in enumerate(chunks, start=1):
        total += len(chunk)
        learnt = model.e_step(chunk).statistics
        gamma = (len(chunk) / total) ** alpha
        s = (1 - gamma) * s + gamma * np.array([learnt.weight, learnt.total]) / len(chunk)
        if t >= 2:
            parts.append((len(chunk), s))
            model = PoissonMixture(s[0] / s[0].sum(), s[1] / s[0])
        state = state.update(chunk)
        np.testing.assert_allclose(state.model.rates, model.rates, rtol=1e-12)
        np.testing.assert_allclose(state.model.weights, model.weights, rtol=1e-12)
    assert (state.updates, state.units) == (len(chunks), len(x))
    if parts:
        mean = sum(units * each for units, each in parts) / sum(units for units, _ in parts)
        np.testing.assert_allclose(state.averaged.rates, mean[1] / mean[0], rtol=1e-12)
    else:
        with pytest.raises(ValueError, match="after 1 updates no statistics are averaged, with average_from = 2"):
            _ = state.averaged


def test_a_step_size_of_ones_own() -> None:
    """A function of the number of an update gives γ; with 1 / t and equal chunks it is exponent 1."""
    chunks = cut(counts(n=60), [20, 20])
    mine = OnlineEM(START, step_size=lambda t: 1 / t).run(chunks)
    np.testing.assert_allclose(mine.model.rates, OnlineEM(START, step_size=1).run(chunks).model.rates, rtol=1e-13)
    with pytest.raises(ValueError, match=r"above 0 and at most 1, found 2.0 for update 2"):
        OnlineEM(START, step_size=float).run(chunks)


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_no_digit_is_lost_far_from_zero(offset: float) -> None:
    """Mixes of statistics under different models keep variances at 1e8 deviations, by an oracle in extended precision.

    The oracle sums in extended precision about the offset, under the models that the online run went through.
    """
    x = rows(FULL, 600, seed=0) + offset
    start = GaussianMixture([0.5, 0.5], FullGaussian(FULL.means + offset, FULL.covariances))
    state: OnlineEM[Any] = OnlineEM(start, step_size=0.7)
    s, total = np.zeros((2, 7), dtype=np.longdouble), 0
    for chunk in cut(x, [50, 20, 80, 100, 50, 100, 100]):
        emissions = state.model.emissions
        learnt = e_step(chunk, state.model.weights, emissions.means, emissions.covariances)
        away = learnt.mean - np.longdouble(offset)  # (K, D)
        raw = learnt.scatter + learnt.count[:, None, None] * away[:, :, None] * away[:, None, :]
        packed = np.concatenate([learnt.count[:, None], learnt.count[:, None] * away, raw.reshape(2, 4)], axis=1)
        total += len(chunk)
        gamma = np.longdouble(len(chunk) / total) ** np.longdouble(0.7)
        s = (1 - gamma) * s + gamma * packed / len(chunk)
        state = state.update(chunk)
        mean = s[:, 1:3] / s[:, :1]
        expected = (s[:, 3:] / s[:, :1]).reshape(2, 2, 2) - mean[:, :, None] * mean[:, None, :]
        np.testing.assert_allclose(state.model.emissions.covariances, expected.astype(float), rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(
            state.model.emissions.means, (mean + offset).astype(float), atol=4e-8 if offset else 1e-12
        )


def stream(truth: Any, n: int) -> Iterator[Array]:
    rng = np.random.default_rng(0)
    for _ in range(n // 200):
        yield truth.sample(200, rng)


@pytest.mark.parametrize(
    ("truth", "start"),
    [
        (FULL, FullGaussian(0.5 + 0.3 * FULL.means, [2 * np.eye(2)] * 2)),
        (emkit.Poisson([[2.0, 8.0], [6.0, 3.0]]), emkit.Poisson([[3.0, 6.0], [5.0, 4.0]])),
    ],
)
def test_one_look_at_each_row_goes_nearly_all_the_way(truth: Any, start: Any) -> None:
    """One pass over 20 000 rows closes 99 % of the gap in log likelihood between a start and the batch optimum."""
    drawn, begin = emkit.Mixture([0.3, 0.7], truth), emkit.Mixture([0.5, 0.5], start)
    found = OnlineEM(begin, average_from=50).run(stream(drawn, 20_000))
    x = np.concatenate(list(stream(drawn, 20_000)))
    best = emkit.fit(begin, x)
    gap = best.log_likelihood - best.trace[0]
    for model in (found.model, found.averaged):
        assert best.log_likelihood - model.log_marginal(x).sum() < 0.01 * gap


def test_memory_does_not_grow() -> None:
    """A stream takes a small part of the memory that its rows would, and ten times as many rows as good as no more."""
    drawn = emkit.Mixture([0.3, 0.7], FULL)

    def peak(n: int) -> int:
        tracemalloc.start()
        try:
            OnlineEM(drawn, average_from=1).run(stream(drawn, n))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(2_000)  # what is imported and cached
    few, many = peak(4_000), peak(40_000)
    assert many - few < 0.1 * 36_000 * 2 * 8  # bytes; garbage waits a while to be collected
    assert many < 0.2 * 40_000 * 2 * 8


def test_models_of_every_shape_learn() -> None:
    """Sequences, and models that compress their data, improve from chunk to chunk."""
    chain = emkit.HiddenMarkov([0.6, 0.4], [[0.8, 0.2], [0.3, 0.7]], FULL)
    worse = emkit.HiddenMarkov(
        [0.5, 0.5], [[0.6, 0.4], [0.4, 0.6]], FullGaussian(0.5 * FULL.means, [2 * np.eye(2)] * 2)
    )
    sequences = chain.sample(40, 0, length=20)
    x = np.random.default_rng(0).normal(size=(300, 1)) @ [[1.0, 2.0, -1.0, 1.5]]
    x += np.random.default_rng(1).normal(size=x.shape)
    factors = emkit.FactorAnalysis.start(x[:20], 1)
    cells = np.tile([0, 0, 0, 1, 2, 3], 20)
    cases: list[tuple[Any, Any]] = [
        (worse, sequences),
        (factors, x),
        (Linkage(0.1), cells),
        (TwoCoins(0.4, 0.6), np.minimum(counts(), 10)),
    ]
    for model, data in cases:
        found = OnlineEM(model).run(cut(data, [len(data) // 4] * 4)).model
        assert found.log_marginal(data).sum() > model.log_marginal(data).sum()


def test_chunks_without_weight_change_nothing() -> None:
    """They are skipped, the first too."""
    nothing = emkit.Weighted(rows(FULL, 5), np.zeros(5))
    start = OnlineEM(emkit.Mixture([0.4, 0.6], FULL))
    assert start.update(nothing) is start
    assert start.run([nothing, rows(FULL, 30), nothing]) == start.update(rows(FULL, 30))


def test_an_impossible_chunk_leaves_the_value_as_it_was() -> None:
    """It raises, names the update, and the value goes on with another chunk."""
    state = OnlineEM(emkit.Mixture([1.0], emkit.Categorical([[[0.5, 0.5, 0.0]]]))).update(np.array([[0], [1]]))
    with pytest.raises(ModelError, match=r"update 2: Mixture.e_step .* of the chunk is -inf"):
        state.update(np.array([[2]]))
    assert state.update(np.array([[1]])).updates == 2


def test_steps_that_raise_are_named() -> None:
    """Whatever a step of the model raises is blamed on the step and the update."""
    on_e, on_m = (
        Scripted((-1.0,), on_e_step=raise_at(1, KeyError("a"))),
        Scripted((-1.0,), on_m_step=raise_at(1, OSError("b"))),
    )
    x = np.zeros(5)
    with pytest.raises(ModelError, match=r"update 2: Scripted.e_step raised KeyError"):
        OnlineEM(on_e).run([x, x])
    state = OnlineEM(on_m).update(x)
    with pytest.raises(ModelError, match=r"update 2: Scripted.m_step raised OSError: b"):
        state.update(x)
    assert state.updates == 1


def test_leaving_the_parameter_space_says_what_to_try() -> None:
    """Too few rows for a covariance name the update; a burn-in keeps the model inside."""
    x = rows(FULL, 50)
    with pytest.raises(ModelError, match=r"update 1 left .* a burn_in above 1 or a prior") as error:
        OnlineEM(Scripted((-1.0,), on_m_step=raise_at(0, ParameterError("thin")))).update(x)
    assert isinstance(error.value.__cause__, ParameterError)
    start = emkit.Mixture([1.0], FullGaussian([[1.0, 0.0]], [np.eye(2)]))
    assert OnlineEM(start, burn_in=10).run(iter(x[:, None])).updates == 50


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: OnlineEM(START, step_size=0.5), ValueError, "above 0.5 and at most 1, found 0.5; try 0.6"),
        (lambda: OnlineEM(START, step_size="slow"), TypeError, "an exponent such as 0.6"),
        (lambda: OnlineEM(START, burn_in=0), ValueError, "burn_in: expected at least 1"),
        (lambda: OnlineEM(START, average_from=1.5), TypeError, "average_from: expected a whole number"),
        (lambda model=PoissonMixture: OnlineEM(model), TypeError, "call the class to make a model"),
        (lambda: OnlineEM(START).run(counts()), TypeError, r"found ndarray; write \[data\]"),
        (lambda: OnlineEM(START).run(5), TypeError, "expected an iterator or a list of chunks, found int"),
        (lambda: OnlineEM(START).run([1.0, 2.0]), TypeError, "expected something with a length"),
        (lambda: OnlineEM(START).update(np.empty(0)), ValueError, "at least one unit, found none"),
        (lambda: OnlineEM(START).update(emkit.Weighted(counts(), np.ones(60))), TypeError, "not accept Weighted data"),
        (lambda: OnlineEM(ONE).run(["ab"]), TypeError, "expected real numbers"),
    ],
)
def test_bad_input_is_refused(make: Any, error: type[Exception], says: str) -> None:
    """Arguments and chunks that cannot be are refused, in words."""
    with pytest.raises(error, match=says):
        make()


def test_a_refused_chunk_is_numbered() -> None:
    """What is wrong with a chunk comes with the number of the update."""
    with pytest.raises(ValueError, match="row 1, column 0 is nan") as error:
        OnlineEM(ONE).run([rows(FULL, 9), np.array([[0.0, 1.0], [np.nan, 0.0]])])
    assert error.value.__notes__ == ["in update 2"]


def test_statistics_that_grow_are_refused() -> None:
    """A model whose statistics are rows has no flat memory, and says so at the second chunk."""
    model = emkit.Mixture([0.4, 0.6], EMISSIONS["poisson regression"])
    state = OnlineEM(model).update(rows(EMISSIONS["poisson regression"], 20))
    with pytest.raises(TypeError, match=r"the statistics grow with the data, .* Take emkit.fit"):
        state.update(rows(EMISSIONS["poisson regression"], 20))


def test_it_promises_no_ascent() -> None:
    """Nothing never falls from one chunk to the next."""
    assert OnlineEM(START).ascends() is Ascent.NOTHING
