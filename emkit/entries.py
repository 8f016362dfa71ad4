"""What the entries of a data matrix may be: counts, positive numbers, zeros and ones, labels."""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array, first_index
from emkit.data import as_matrix
from emkit.incomplete import Incomplete


@attrs.frozen
class Entries:
    """A kind of entry: what errors call it, and which numbers are of this kind."""

    expected: str
    allowed: Callable[[Array], npt.NDArray[np.bool_]]


REAL = Entries("a finite number", np.isfinite)
COUNT = Entries("a count: 0, 1, 2, ...", lambda x: (x >= 0) & (x == np.floor(x)))
POSITIVE = Entries("a number above zero", lambda x: x > 0)
NONNEGATIVE = Entries("a number, zero or more", lambda x: x >= 0)
BINARY = Entries("0 or 1", lambda x: (x == 0) | (x == 1))


def as_entries(x: Any, kind: Entries, *, features: int | None = None, single: bool = False) -> Any:
    """Return data as an (N, D) float64 matrix whose entries are of a kind, `Incomplete` where they were.

    Args:
        x: anything that NumPy turns into a matrix, or `Incomplete`.
        kind: what its entries may be.
        features: the number of columns D expected; None accepts any.
        single: whether float32 stays as it is.

    Raises:
        TypeError, ValueError: not such a matrix; the message names the first entry at fault.
    """
    rows = x if isinstance(x, Incomplete) else as_matrix(x, features=features, single=single)
    values = rows.data if isinstance(rows, Incomplete) else rows
    if features is not None and values.shape[1] != features:
        raise ValueError(f"data: expected {features} columns, found {values.shape[1]}")
    if kind is REAL:  # and finite it is
        return rows
    wrong = ~(kind.allowed(values) | np.isnan(values))
    if wrong.any():
        row, column = first_index(wrong)
        raise ValueError(f"data: row {row}, column {column} is {values[row, column]:.6g}; expected {kind.expected}")
    return rows


def cells(x: Any, *, missing: float = 0.0) -> tuple[Array, Array]:
    """Return the values (N, D), with a stand-in where they are missing, and which are seen (N, D): 1.0 or 0.0."""
    if isinstance(x, Incomplete):
        return np.where(x.seen, x.data, missing), x.seen.astype(np.float64)
    return x, np.broadcast_to(1.0, x.shape)
