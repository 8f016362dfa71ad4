"""Workers: threads that share out the chunks of a pass, with results added in the order of the chunks."""

import operator
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from emkit.arguments import check_count

T = TypeVar("T")

Workers: TypeAlias = int | Literal["auto"]
"""How many threads; "auto" takes one for each core that this process may use."""

AHEAD = 1
"""Chunks handed out beyond one for each worker before the first result is taken: bounds what waits in memory."""


def check_workers(given: Any) -> int:
    """Return a number of threads, or say what is wrong with it.

    Raises:
        TypeError: not a whole number or "auto".
        ValueError: below 1, or another word.
    """
    if isinstance(given, str):
        if given != "auto":
            raise ValueError(f'workers: expected a whole number or "auto", found {given!r}')
        return _cores()
    return check_count("workers", given)


class Team:
    """Threads that stay from pass to pass, and end with the team.

    Args:
        workers: how many; one alone is the caller's own thread.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def sum(self, function: Callable[[Any], T], chunks: Iterable[Any], add: Callable[[T, T], T] = operator.add) -> T:
        """Return the sum of function(chunk), added in the order of the chunks, whichever thread is first.

        What a chunk raises is raised here; chunks that nobody began are dropped then. Threads inherit the context of
        the caller, NumPy's treatment of floating-point errors with it.

        Args:
            function: what to do with a chunk.
            chunks: at least one.
            add: how two results are added.
        """
        total = _Sum(add)
        if self._pool is None:
            for chunk in chunks:
                total.take(function(chunk))
            return total.value
        waiting: deque[Future[T]] = deque()
        try:
            for chunk in chunks:
                if len(waiting) == self._workers + AHEAD:
                    total.take(waiting.popleft().result())
                waiting.append(self._pool.submit(copy_context().run, function, chunk))
            while waiting:
                total.take(waiting.popleft().result())
        finally:
            for future in waiting:
                future.cancel()
            wait(waiting)
        return total.value


class _Sum(Generic[T]):
    """A sum of results as they come, the first as it is."""

    value: T

    def __init__(self, add: Callable[[T, T], T]) -> None:
        self.add = add
        self.empty = True

    def take(self, result: T) -> None:
        """Add one more."""
        self.value = result if self.empty else self.add(self.value, result)
        self.empty = False


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
