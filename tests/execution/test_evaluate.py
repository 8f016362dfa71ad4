"""One pass over the data: prepared once, in chunks, the same result however it is cut."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emkit
from emkit import Array
from emkit.execution.evaluate import Evaluator, log_prior
from tests.toys import Linkage, PoissonMixture, Scripted, TwoCoins, counts, objective

GAUSSIAN = emkit.GaussianMixture(
    [0.3, 0.7], emkit.DiagonalGaussian([[0.0], [5.0]], [[1.0], [2.0]], emkit.DiagonalRidge([1.0], 0.1))
)


@given(st.integers(1, 80), st.integers(0, 100))
def test_chunks_change_nothing(chunk_size: int, seed: int) -> None:
    """Chunks of any size, larger than the data or not, give the E-step of the whole to rounding."""
    x = counts(seed)
    model = PoissonMixture([0.3, 0.7], [2.0, 8.0])
    whole, parts = model.e_step(x), Evaluator(model, x, chunk_size)(model)
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-13)
    assert parts.units == whole.units
    assert parts.rounding == pytest.approx(whole.rounding, rel=1e-13)
    np.testing.assert_allclose(parts.statistics.weight, whole.statistics.weight, rtol=1e-12)
    np.testing.assert_allclose(parts.statistics.total, whole.statistics.total, rtol=1e-12)


@given(st.none() | st.integers(1, 40), st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=30, max_size=30).filter(any))
def test_weights_are_cut_with_their_data(chunk_size: int | None, weight: list[float]) -> None:
    """The log likelihood of weighted data is the weights times the log marginals, in chunks or whole."""
    x = counts(1, 30)[:, None]
    data = emkit.Weighted(x, weight)
    evaluator = Evaluator(GAUSSIAN, data, chunk_size)
    expected = float(np.asarray(weight) @ GAUSSIAN.log_marginal(x))
    assert evaluator(GAUSSIAN).log_likelihood == pytest.approx(expected, rel=1e-12)
    assert evaluator.careful_objective(GAUSSIAN) == pytest.approx(expected + GAUSSIAN.log_prior(), rel=1e-12)


@given(st.integers(1, 12), st.none() | st.integers(1, 9), st.integers(1, 2), st.booleans())
def test_parts_make_up_the_whole(n: int, chunk_size: int | None, workers: int, weighted: bool) -> None:
    """Parts are contiguous, differ by at most a unit, and their E-steps add up to that of the whole."""
    x = counts(2, 40)[:, None]
    weight = np.arange(40) % 3 if weighted else np.ones(40)
    evaluator = Evaluator(GAUSSIAN, emkit.Weighted(x, weight) if weighted else x, chunk_size, workers)
    parts = [evaluator.part(GAUSSIAN, i, n) for i in range(n)]
    pieces = np.array_split(np.arange(40), n)
    sizes = [40 * (i + 1) // n - 40 * i // n for i in range(n)]
    assert sorted(sizes) == sorted(map(len, pieces))
    for part, begin, size in zip(parts, np.cumsum([0, *sizes]), sizes, strict=False):
        rows = slice(begin, begin + size)
        assert part.log_likelihood == pytest.approx(weight[rows] @ GAUSSIAN.log_marginal(x[rows]), rel=1e-12, abs=1e-12)
    assert sum(part.log_likelihood for part in parts) == pytest.approx(evaluator(GAUSSIAN).log_likelihood, rel=1e-12)


def test_each_part_is_summarised_once() -> None:
    """However often its E-step runs; a list of sequences is cut between sequences."""
    made: list[int] = []

    @emkit.value
    class Counting(Linkage):
        def summary(self, x: Array) -> Array:
            made.append(len(x))
            return super().summary(x)

    evaluator = Evaluator(Counting(0.5), np.zeros(10), None)
    for model in (Counting(0.5), Counting(0.2)):
        assert [evaluator.part(model, i, 3).units for i in range(3)] == [3, 3, 4]
    assert made == [10, 3, 3, 4]
    chain = emkit.HiddenMarkov([0.6, 0.4], [[0.8, 0.2], [0.3, 0.7]], emkit.Poisson([[1.0], [5.0]]))
    sequences = chain.sample(5, 0, length=[1, 2, 3, 4, 5])
    evaluator = Evaluator(chain, sequences, "auto")
    for part, some in zip((evaluator.part(chain, i, 2) for i in range(2)), (sequences[:2], sequences[2:]), strict=True):
        assert part.log_likelihood == pytest.approx(chain.log_marginal(some).sum())


def test_impossible_rows_without_weight_do_not_count() -> None:
    """The re-evaluated objective leaves out rows of weight zero, also where they are impossible."""
    data = emkit.Weighted(np.array([[0.0], [1e200]]), [1.0, 0.0])
    evaluator = Evaluator(GAUSSIAN, data, None)
    assert evaluator.careful_objective(GAUSSIAN) == pytest.approx(objective(GAUSSIAN, data))


@pytest.mark.parametrize("chunk_size", [None, 7])
def test_data_are_prepared_once_and_summarised_once(chunk_size: int | None) -> None:
    """`prepare` runs once per fit, `summary` once per chunk, and `e_step` never where there is a summary."""
    calls: list[str] = []

    @emkit.value
    class Counting(Linkage):
        def prepare(self, data: Any) -> Array:
            calls.append("prepare")
            return np.asarray(data, dtype=np.float64)

        def summary(self, x: Array) -> Array:
            calls.append("summary")
            return super().summary(x)

        def e_step(self, x: Array) -> Any:
            raise AssertionError("e_step is not called where there is a summary")

        def m_step(self, s: Any) -> "Counting":
            return Counting(super().m_step(s).theta)

    x = [0] * 12 + [1, 2, 3, 3, 3, 3, 3, 3]
    fit = emkit.fit(Counting(0.5), x, chunk_size=chunk_size)
    assert calls.count("prepare") == 1
    assert calls.count("summary") == (1 if chunk_size is None else 3)
    assert fit.converged
    assert fit.log_likelihood == pytest.approx(Linkage(fit.model.theta).log_marginal(np.array(x)).sum())


def test_a_summary_gives_what_the_e_step_gives() -> None:
    """A model with a summary fits as one that reads the data every time."""

    class Reading:
        """The same model without the power."""

        def __init__(self, theta: float) -> None:
            self.inner = Linkage(theta)
            self.log_marginal = self.inner.log_marginal
            self.e_step = self.inner.e_step

        def m_step(self, s: Any) -> "Reading":
            return Reading(self.inner.m_step(s).theta)

    x = np.random.default_rng(0).integers(0, 4, 200).astype(np.float64)
    with_summary, without = emkit.fit(Linkage(0.3), x), emkit.fit(Reading(0.3), x)
    assert with_summary.trace == without.trace


def test_models_cannot_write_to_the_data() -> None:
    """Arrays reach the E-step read-only, weighted or not, and the caller's stay writeable."""
    x = counts()
    for data in (x, emkit.Weighted(x[:, None], np.ones(len(x)))):
        model: Any = PoissonMixture([1.0], [2.0]) if data is x else GAUSSIAN
        inside = Evaluator(model, data, None).data
        array = inside.data if isinstance(inside, emkit.Weighted) else inside
        assert np.shares_memory(array, x)
        assert not array.flags.writeable
    assert x.flags.writeable


@pytest.mark.parametrize("model", [PoissonMixture([1.0], [2.0]), TwoCoins(0.4, 0.6), Scripted((0.0,))])
def test_weighted_data_are_refused_by_name(model: Any) -> None:
    """A model without the power to take weights refuses them, with its own name and what to write."""
    with pytest.raises(
        TypeError, match=rf"{type(model).__name__} does not accept Weighted data.*accepts\(self, wrapper"
    ):
        Evaluator(model, emkit.Weighted(counts(), np.ones(60)), None)


def test_empty_data_are_refused() -> None:
    """Data without a single unit are a ValueError."""
    with pytest.raises(ValueError, match="expected at least one unit, found none"):
        Evaluator(PoissonMixture([1.0], [2.0]), np.empty(0), None)


def test_a_model_without_a_prior_has_log_prior_zero() -> None:
    """The log prior is the model's, and zero for one without."""
    assert log_prior(TwoCoins(0.4, 0.6)) == 0.0
    assert log_prior(GAUSSIAN) == pytest.approx(
        -0.05 * (np.log(1) + 1 / 1 + np.log(2) + 1 / 2)
    )  # -ν/2 Σ (log σ² + σ₀²/σ²)
