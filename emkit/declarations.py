"""Declarations: a parameter field states its constraint and its named axes where it is declared.

    weights: Array = emkit.simplex("K")
    means: Array = emkit.real("K", "D")

Axes of one name have one size throughout a value, nested values included. Hyperparameters have `free=False`:
they are validated, but never packed or counted.
"""

from typing import Any

import attrs
import numpy as np

from emkit.arrays import first_index
from emkit.constraints import Constraint, Positive, PositiveDefinite, Probability, Real, Simplex

DECLARED = "emkit.declared"
"""Under this name a field's metadata hold its declaration."""

FIXED = "emkit.fixed"
"""Under this name a field's metadata say that it names the parameters held fixed."""

PARTS = "emkit.parts"
"""Under this name a field's metadata hold the `Parts` of a tuple of values."""


class ParameterError(ValueError):
    """A parameter left its space; the message names the class, the field and the entry.

    `finite` is False where the entry is nan or infinite.
    """

    def __init__(self, message: str, *, finite: bool = True) -> None:
        super().__init__(message)
        self.finite = finite


@attrs.frozen
class Declaration:
    """What a parameter field states of itself."""

    constraint: Constraint
    axes: tuple[str, ...]
    free: bool  # False for hyperparameters: validated, never packed or counted
    empty: bool = False  # whether an axis may have size zero: a regression without covariates


@attrs.frozen
class Parts:
    """How the named axes of a tuple of values combine: some agree, one adds up, the rest are each part's own."""

    shared: tuple[str, ...]
    added: str | None


def _declare(constraint: Constraint, axes: tuple[str, ...], free: bool, empty: bool = False) -> Any:
    return attrs.field(metadata={DECLARED: Declaration(constraint, axes, free, empty)})


def real(*axes: str, free: bool = True, empty: bool = False) -> Any:
    """Declare a parameter of any finite numbers, with its named axes: `means: Array = real("K", "D")`.

    `empty` lets axes have size zero: the coefficients of a regression without covariates.
    """
    return _declare(Real(), axes, free, empty)


def positive(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of numbers above zero."""
    return _declare(Positive(), axes, free)


def probability(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of numbers from 0 to 1, each on its own."""
    return _declare(Probability(), axes, free)


def simplex(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of nonnegative numbers that sum to one along the last axis."""
    return _declare(Simplex(), axes, free)


def positive_definite(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of covariance matrices on the last two axes."""
    return _declare(PositiveDefinite(), axes, free)


def fixed(*default: str) -> Any:
    """Declare the field that names the parameters held fixed, with those that are unless one says otherwise.

    `fixed: frozenset[str] = fixed()` holds none by default.

    A name is that of a free parameter or of a field that is a value itself. Parameters held fixed have no free
    coordinates and are not counted. The M-step that owns a parameter holds it: `update` leaves it alone, and where
    blocks are maximised jointly the M-step reads `self.fixed`.
    """
    return attrs.field(default=frozenset(default), converter=_names, metadata={FIXED: True}, kw_only=True)


def parts(*shared: str, added: str | None = None, check: Any = None) -> Any:
    """Declare a tuple of values: the axes in `shared` agree among them and with the rest, `added` is their sum."""
    return attrs.field(converter=_as_tuple, validator=check, metadata={PARTS: Parts(shared, added)})


def _names(given: Any) -> frozenset[str]:
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"fixed: expected names of parameters, found {given!r:.60}")
    return frozenset(names)


def _as_tuple(given: Any) -> tuple[Any, ...]:
    if not isinstance(given, (list, tuple)) or not given:
        raise TypeError(f"expected a list of at least one part, found {given!r:.60}")
    return tuple(given)


def checked(given: Any, name: str, declared: Declaration) -> Any:
    """Return a declared parameter as a read-only float64 array (a float without axes), or raise ParameterError."""
    try:
        array = np.array(given)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"found dtype {array.dtype}")
        array = array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name}: expected real numbers with axes {declared.axes}: {error}") from error
    if array.ndim != len(declared.axes) or (0 in array.shape and not declared.empty):
        raise ParameterError(
            f"{name}: expected axes ({', '.join(declared.axes)}), found an array of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        index = first_index(~np.isfinite(array))
        raise ParameterError(f"{_entry(name, index)} is {array[index]}: expected a finite number", finite=False)
    problem = declared.constraint.problem(array)
    if problem is not None:
        index, text = problem
        raise ParameterError(f"{_entry(name, index)} {text}")
    array.flags.writeable = False
    return array if declared.axes else float(array)


def _entry(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name
