"""How the functions of a kernel are compiled, as decorators that keep the types mypy sees."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

SUMS = {"contract", "nsz", "reassoc"}  # sums may be taken in any order; nan and infinity keep their meaning
ROUNDED = {"contract", "nsz"}  # for arithmetic that relies on each rounding


def kernel(function: F) -> F:
    """Compile a function that Python calls: cached on disk, and without the interpreter's lock."""
    return cast(F, njit(error_model="numpy", nogil=True, cache=True)(function))


def inner(function: F) -> F:
    """Compile a loop over a block of rows, called by a kernel."""
    return cast(F, njit(error_model="numpy", fastmath=SUMS)(function))


def lowest(function: F) -> F:
    """Compile a minimum over numbers that are never nan, as vector instructions can take it."""
    return cast(F, njit(error_model="numpy", fastmath=SUMS | {"nnan"})(function))


def scalar(function: F) -> F:
    """Compile a function of one number, into the loops that call it."""
    return cast(F, njit(error_model="numpy", fastmath=ROUNDED, forceinline=True)(function))
