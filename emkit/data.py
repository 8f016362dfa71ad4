"""Data at the door: observation weights, and matrices checked once before any work starts."""

from collections.abc import Sequence
from typing import Any, Generic, TypeAlias, TypeVar, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import TINY, Array, first_index

X = TypeVar("X")

Labels: TypeAlias = npt.NDArray[np.intp]
"""Whole numbers that name one of several things: a class, a cell, an annotator."""

ROWS_CHECKED = 2**16
"""Rows looked at together, so that checking a file takes no memory of its size."""

LARGEST_SUM = 1e300
"""Weights that sum to more leave no room in floating point for what they weigh."""


def _as_weight(weight: npt.ArrayLike) -> Array:
    array = np.asarray(as_numbers(weight, "weight: expected one number for each unit"), dtype=np.float64).view()
    if array.ndim != 1:
        raise ValueError(f"weight: expected one number for each unit, found an array of shape {array.shape}")
    if array.strides == (0,) and len(array):  # one number for all
        checked = _as_weight(array[:1].copy())
        if checked[0] <= LARGEST_SUM / len(array):
            array.flags.writeable = False
            return array
    bad = ~(np.isfinite(array) & (array >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"weight[{row}] is {array[row]}: expected a finite number, zero or more")
    small = (array > 0) & (array < TINY)
    if small.any():
        raise ValueError(f"weight[{int(np.argmax(small))}] is too small to hold its digits; scale all weights up")
    with np.errstate(over="ignore"):
        if array.sum() > LARGEST_SUM:
            raise ValueError(f"weight: the weights sum to more than {LARGEST_SUM:.0e}; scale all weights down")
    array.flags.writeable = False
    return array


@final
@attrs.frozen(eq=False)
class Weighted(Generic[X]):
    """Data with a weight for each unit: a weight of n counts as n copies of the unit, zero as its absence.

    Args:
        data: anything with a length and slices.
        weight: (N,) finite, zero or more; it need not sum to anything.

    Raises:
        ValueError: lengths differ, or a weight is negative, infinite or nan; the message names the row.
    """

    data: X
    weight: Array = attrs.field(converter=_as_weight)

    def __attrs_post_init__(self) -> None:
        """Refuse weights over weights, and lengths that differ."""
        if isinstance(self.data, Weighted):
            raise TypeError("Weighted: the data are already Weighted; multiply the weights instead")
        length = len(self.data)  # type: ignore[arg-type]  # data is anything with a length
        if length != len(self.weight):
            raise ValueError(f"Weighted: {length} units but {len(self.weight)} weights")

    def __len__(self) -> int:
        """Count the rows, whatever they weigh."""
        return len(self.weight)

    def __getitem__(self, index: Any) -> "Weighted[X]":
        """Take a slice, or the rows of an index array, with their weights, which need no second check."""
        part: Weighted[X] = object.__new__(Weighted)
        object.__setattr__(part, "data", self.data[index])  # type: ignore[index]  # data is anything with slices
        object.__setattr__(part, "weight", self.weight[index])
        return part


def split_weight(data: Any) -> tuple[Any, Array | None]:
    """Take data apart into what was observed and its weights, None where every unit counts once."""
    return (data.data, data.weight) if isinstance(data, Weighted) else (data, None)


def head(data: Any, size: int) -> Any:
    """Return at most so many units of data, with the first that has weight among them, and few before it."""
    _, weight = split_weight(data)
    first = 0 if weight is None else max(0, int(np.argmax(weight > 0)) - size // 10)
    return data[first : first + size]


def as_weighted(x: X, weight: Array | None) -> Weighted[X]:
    """Put data and weights together; every unit counts once where there are none."""
    return Weighted(x, np.broadcast_to(1.0, len(x)) if weight is None else weight)  # type: ignore[arg-type]


def as_labels(x: Any, size: int | None = None, *, name: str = "data", advice: str = "") -> Labels:
    """Return x as (N,) whole numbers from 0, without a copy where it already holds native ones.

    Args:
        x: a one-dimensional array of whole numbers, of any type, or anything NumPy turns into one.
        size: one more than the largest number allowed; None allows any.
        name: what errors call it.
        advice: what errors say of a number that is not allowed.

    Raises:
        TypeError: text, dates, or otherwise non-numeric data.
        ValueError: not one-dimensional, or an entry that is not a whole number in the range; the message names its row.
    """
    names = "which np.unique(x, return_inverse=True) makes of names"
    array = as_numbers(x, f"{name}: expected whole numbers from 0, {names}")
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one whole number for each unit, found an array of shape {array.shape}")
    with np.errstate(invalid="ignore"):  # what is no whole number then is named below
        labels = array.astype(np.intp, copy=False)
    wrong = (labels != array) | (labels < 0) | (labels >= (np.inf if size is None else size))
    if wrong.any():
        row = int(np.argmax(wrong))
        allowed = "of zero or more" if size is None else f"from 0 to {size - 1}"
        raise ValueError(f"{name}: row {row} is {array[row]}; expected a whole number {allowed}{advice}")
    return labels


def total_by(labels: Labels, weight: Array, size: int) -> Array:
    """Return the sum of the weights (N,) of each label (N,), (size,)."""
    return np.asarray(np.bincount(labels, weight, size), dtype=np.float64)


def as_matrix(
    x: Any, *, features: int | None = None, name: str = "data", missing: bool = False, single: bool = False
) -> Array:
    """Return x as an (N, D) matrix of finite native float64, without a copy where it already is one.

    Args:
        x: a two-dimensional array of real numbers, or anything NumPy turns into one (lists, data frames).
        features: the number of columns D the model expects; None accepts any.
        name: what errors call it.
        missing: whether nan stands for a missing value.
        single: whether native float32 stays as it is; what is computed from it is float64 all the same.

    Raises:
        TypeError: complex numbers, text, dates, sparse or otherwise non-numeric data.
        ValueError: not two-dimensional, empty, masked, another number of columns, or an entry that is nan or
            infinite; the message names its row and column.
    """
    array = as_numbers(x, f"{name}: expected real numbers, a rectangular (N, D) matrix")
    if array.ndim != 2:
        advice = "; write x[:, None] for N observations of one feature, x[None, :] for one" if array.ndim == 1 else ""
        raise ValueError(f"{name}: expected an (N, D) matrix, found {array.ndim} dimensions{advice}")
    if 0 in array.shape:
        raise ValueError(f"{name}: expected at least one row and one column, found shape {array.shape}")
    if features is not None and array.shape[1] != features:
        raise ValueError(f"{name}: expected {features} columns, found {array.shape[1]}")
    with np.errstate(over="ignore"):  # what is infinite then is named below
        matrix = array if single and array.dtype == np.float32 else array.astype(np.float64, copy=False)
    for start in range(0, len(matrix), ROWS_CHECKED):
        rows = matrix[start : start + ROWS_CHECKED]
        allowed = np.isfinite(rows) | np.isnan(rows) if missing else np.isfinite(rows)
        if not allowed.all():
            row, column = first_index(~allowed)
            value = rows[row, column]
            missable = np.isnan(value) and name == "data"  # other matrices, such as covariates, have no missing values
            advice = "say emkit.Incomplete(x) where nan means missing" if missable else "drop such rows first"
            where = f"{name}: row {start + row}, column {column}"
            raise ValueError(f"{where} is {value}; expected finite numbers: {advice}")
    return matrix


def as_numbers(given: Any, expected: str) -> npt.NDArray[Any]:
    """Return an array of real numbers, or say what was expected and what was found."""
    if attrs.has(type(given)):  # a wrapper such as Weighted, which NumPy would take for a sequence
        raise TypeError(f"{expected}, found {type(given).__name__}")
    if any(np.ma.is_masked(part) for part in (given if isinstance(given, (list, tuple)) else [given])):
        raise ValueError(f"{expected}, found a masked array with masked entries")
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise ValueError(f"{expected}, found rows that do not fit: {error}") from error
    if array.dtype.kind not in "fiub":
        advice = "; call .toarray() on a sparse matrix first" if hasattr(given, "toarray") else ""
        advice += "; call .to_numpy(dtype=float) on a table first" if hasattr(given, "to_numpy") else ""
        raise TypeError(f"{expected}, found {type(given).__name__} of dtype {array.dtype}{advice}")
    return array


def check_features(features: Sequence[int], width: int) -> list[int]:
    """Return column numbers, each once and below `width`, or say which is not.

    Raises:
        TypeError: not a sequence of whole numbers.
        ValueError: none, one that does not exist, or one twice.
    """
    numbers = np.asarray(features)
    if numbers.ndim != 1 or (numbers.size > 0 and numbers.dtype.kind not in "iu"):
        raise TypeError(f"features: expected a list of column numbers such as [0, 2], found {features!r:.60}")
    chosen = [int(feature) for feature in numbers]
    if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= d < width for d in chosen):
        raise ValueError(f"features: expected different columns from 0 to {width - 1}, found {list(features)}")
    return chosen
