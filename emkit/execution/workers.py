"""Workers: threads that share out the chunks of a pass, with results in the order of the chunks."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Literal, TypeAlias, TypeVar

from emkit.arguments import check_count

T = TypeVar("T")

Workers: TypeAlias = int | Literal["auto"]
"""How many threads; "auto" takes one for each core that this process may use."""

AHEAD = 2
"""Chunks handed out for each worker before the first result is taken: bounds what waits in memory."""


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


def ordered_map(function: Callable[[Any], T], chunks: Iterable[Any], workers: int) -> Iterator[T]:
    """Yield function(chunk) of each chunk, in order, computed by threads where there is more than one.

    What a chunk raises is raised here; chunks that nobody began are dropped then. Threads inherit the context of the
    caller, NumPy's treatment of floating-point errors with it.
    """
    if workers == 1:
        yield from map(function, chunks)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for chunk in chunks:
                if len(waiting) == AHEAD * workers:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(copy_context().run, function, chunk))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
