"""BLAS threads: one, for as long as a fit runs.

A fit is many small products. Threads inside each of them cost more than they gain, and on a busy machine they mostly
wait for each other. How many threads BLAS has belongs to the process: of fits that overlap, in threads of the caller's,
the first sets it and the last gives it back.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it ships no types

_lock = threading.Lock()
_limit = ExitStack()  # holds the limit while anybody is inside
_inside = 0


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let BLAS use one thread inside, and as many as before once everybody is outside."""
    global _inside
    with _lock:
        if _inside == 0:
            _limit.enter_context(_controller().limit(limits=1, user_api="blas"))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.close()


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
