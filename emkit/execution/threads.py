"""BLAS threads: one, for as long as a fit runs.

A fit is many small products. Threads inside each of them cost more than they gain, and on a busy machine they mostly
wait for each other.
"""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # it ships no types


def one_blas_thread() -> AbstractContextManager[object]:
    """Return a context in which BLAS uses one thread."""
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
