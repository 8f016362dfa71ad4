"""Threads over chunks: the same bits however many there are, and nothing of the caller's is lost."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import Array, GaussianMixture, Outcome
from emkit.execution.workers import AHEAD, Team, check_workers
from tests.gaussians import KINDS, random_mixture, random_rows
from tests.toys import PoissonMixture, counts

SEEDS = st.integers(0, 2**32 - 1)


def slower_first(chunk: int) -> list[int]:
    time.sleep(0.01 if chunk == 0 else 0.0)
    return [chunk]


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_results_are_added_in_the_order_of_the_chunks(workers: int) -> None:
    """The first chunk's result comes first, also where it took longest."""
    assert Team(workers).sum(slower_first, range(20)) == list(range(20))


@settings(max_examples=20)
@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 50), st.sampled_from([2, 3, "auto"]))
def test_the_number_of_workers_changes_no_bit(seed: int, kind: Any, chunk_size: int, workers: Any) -> None:
    """For a fixed chunk size, any number of threads gives the same model and the same trace to the last bit."""
    rng = np.random.default_rng(seed)
    x, begin = random_rows(rng, 60), random_mixture(kind, rng, prior=None)
    one, many = (
        emkit.fit(begin, x, tol=0.0, max_iter=3, chunk_size=chunk_size, workers=number) for number in (1, workers)
    )
    assert one.model == many.model
    assert list(one.trace) == list(many.trace)


def test_steps_and_starts_take_workers() -> None:
    """`steps` and `fit` do the same with threads."""
    x, begin = counts(), PoissonMixture([0.3, 0.7], [2.0, 8.0])
    stepped = [
        step.objective for step, _ in zip(emkit.steps(begin, x, chunk_size=7, workers=2), range(5), strict=False)
    ]
    assert stepped == list(emkit.fit(begin, x, tol=0, max_iter=4, chunk_size=7, workers=2).trace)


def test_a_summary_is_made_by_workers_too() -> None:
    """A model that compresses its data does so in chunks, with the same result."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 4)) + rng.normal(size=(300, 4))
    begin = emkit.FactorAnalysis.start(x, 1)
    fits = [emkit.fit(begin, x, max_iter=20, tol=0, chunk_size=13, workers=workers) for workers in (1, 3)]
    assert fits[0].model == fits[1].model


class CalledBackError(Exception):
    """An exception of a user's model."""


def raising(when: int, error: BaseException) -> Callable[[Any], Any]:
    calls = iter(range(10**6))
    lock = threading.Lock()

    def e_step(x: Array) -> Any:
        with lock:
            call = next(calls)
        if call == when:
            raise error
        return PoissonMixture([0.3, 0.7], [2.0, 8.0]).e_step(x)

    return e_step


@emkit.value
class Hooked(PoissonMixture):
    hook: Any = None

    def e_step(self, x: Array) -> Any:
        return self.hook(x)

    def m_step(self, s: Any) -> "Hooked":
        return emkit.update(self, rates=super().m_step(s).rates)


@pytest.mark.parametrize("workers", [1, 3])
def test_stop_iteration_does_not_end_a_pass_early(workers: int) -> None:
    """A StopIteration in a chunk is an error like any other, not the end of the data."""
    model = Hooked([0.3, 0.7], [2.0, 8.0], raising(3, StopIteration()))
    with pytest.raises(emkit.ModelError, match=r"iteration 0: Hooked\.e_step raised StopIteration"):
        emkit.fit(model, counts(), chunk_size=7, workers=workers)


@pytest.mark.parametrize("when", [0, 3, 13])
def test_what_a_thread_raises_is_raised_by_the_fit(when: int) -> None:
    """An exception in a chunk ends the fit with the iteration, the step and the cause."""
    model = Hooked([0.3, 0.7], [2.0, 8.0], raising(when, CalledBackError("no")))
    with pytest.raises(emkit.ModelError, match=f"iteration {when // 9}: Hooked.e_step raised CalledBackError: no"):
        emkit.fit(model, counts(), tol=0, chunk_size=7, workers=3)


def test_an_interruption_in_a_thread_hands_back_the_last_complete_model() -> None:
    """Ctrl-C, wherever it strikes, ends the fit with the last accepted model."""
    model = Hooked([0.3, 0.7], [2.0, 8.0], raising(9 + 4, KeyboardInterrupt()))
    fit = emkit.fit(model, counts(), tol=0, chunk_size=7, workers=2)
    assert fit.outcome is Outcome.INTERRUPTED
    assert fit.n_iter == 0


def test_few_chunks_wait_at_a_time() -> None:
    """No more results are held than a few for each worker, however many chunks there are."""
    begun, added = 0, 0

    def chunks_of(numbers: range) -> Iterator[int]:
        nonlocal begun
        for number in numbers:
            begun += 1
            assert begun - added <= 2 + AHEAD + 2
            yield number

    def add(one: int, other: int) -> int:
        nonlocal added
        added += 1
        return one + other

    assert Team(2).sum(lambda chunk: chunk, chunks_of(range(1000)), add) == sum(range(1000))


def test_threads_treat_floating_point_errors_as_the_caller_does() -> None:
    """A caller who silences division by zero does so for the E-step of every chunk."""

    @emkit.value
    class Dividing(PoissonMixture):
        def e_step(self, x: Array) -> Any:
            np.divide(1.0, np.zeros(1))
            return super().e_step(x)

        def m_step(self, s: Any) -> "Dividing":
            return Dividing(**{name: getattr(super(Dividing, self).m_step(s), name) for name in ("weights", "rates")})

    with np.errstate(divide="ignore"):
        fit = emkit.fit(Dividing([0.3, 0.7], [2.0, 8.0]), counts(), max_iter=2, tol=0, chunk_size=7, workers=2)
    assert fit.n_iter == 2


@pytest.mark.parametrize(
    ("workers", "error", "message"),
    [
        (0, ValueError, "workers: expected at least 1, found 0"),
        (-1, ValueError, "workers: expected at least 1, found -1"),
        (1.5, TypeError, "workers: expected a whole number, found 1.5"),
        (True, TypeError, "workers: expected a whole number, found True"),
        (None, TypeError, "workers: expected a whole number, found None"),
        ("all", ValueError, "workers: expected a whole number or \"auto\", found 'all'"),
    ],
)
def test_wrong_numbers_of_workers_are_refused(workers: Any, error: type[Exception], message: str) -> None:
    """A number of workers that makes no sense is refused before any work."""
    with pytest.raises(error, match=message):
        emkit.fit(PoissonMixture([0.3, 0.7], [2.0, 8.0]), counts(), workers=workers)


def test_workers_may_be_a_numpy_number_or_all_cores() -> None:
    """`np.int64(2)` is two threads, "auto" as many as there are cores for this process."""
    assert check_workers(np.int64(2)) == 2
    assert check_workers("auto") >= 1


def test_threads_share_the_chunks() -> None:
    """With two workers, two threads other than the caller's run the E-step at the same time."""
    meeting, seen = threading.Barrier(2, timeout=20), set()

    def meets(chunk: int) -> int:
        meeting.wait()
        seen.add(threading.get_ident())
        return chunk

    assert Team(2).sum(meets, range(6)) == 15
    assert len(seen) == 2
    assert threading.get_ident() not in seen


def test_threads_stay_from_pass_to_pass_and_end_with_their_team() -> None:
    """A team makes its threads once; they end when nobody holds it any more."""
    before = threading.active_count()
    team = Team(2)
    seen = [frozenset(team.sum(lambda _: [threading.get_ident()], range(50))) for _ in range(3)]
    assert len(frozenset().union(*seen)) <= 2
    del team
    end = time.monotonic() + 20
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_a_gaussian_mixture_fits_with_threads_as_without() -> None:
    """Automatic chunks and two workers reach the optimum of one pass over all rows."""
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=(70_000, 2)), rng.normal(size=(70_000, 2)) + 4])
    begin = GaussianMixture([0.5, 0.5], emkit.FullGaussian([[0, 0], [3, 3]], [np.eye(2)] * 2))
    whole = emkit.fit(begin, x, max_iter=5, tol=0, chunk_size=None)
    parts = emkit.fit(begin, x, max_iter=5, tol=0, workers=2)
    assert_allclose(list(parts.trace), list(whole.trace), rtol=1e-13)
    assert_allclose(parts.model.means, whole.model.means, rtol=1e-11, atol=1e-11)
