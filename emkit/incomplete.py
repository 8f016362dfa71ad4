"""Missing values: nan means missing only where `Incomplete` says so."""

from collections.abc import Iterator
from typing import Any, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import as_matrix

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]


@attrs.frozen(eq=False)
class _Patterns:
    """Which columns are seen: the distinct patterns, and that of each row."""

    seen: Mask  # (P, D)
    of_row: Rows  # (N,)


def _patterns(of: "Incomplete") -> _Patterns:
    seen, of_row = np.unique(~np.isnan(of.data), axis=0, return_inverse=True)
    return _Patterns(seen, of_row.ravel())


def _as_rows(x: Any) -> Array:
    view = as_matrix(x, missing=True).view()
    view.flags.writeable = False
    return view


@final
@attrs.frozen(eq=False)
class Incomplete:
    """Rows (N, D) in which nan is a value that is missing at random.

    Missing at random means that whether a value is missing depends on nothing but values that are seen. A row may be
    missing as a whole. The same array without this wrapper is refused where it holds a nan.

    Args:
        data: (N, D) real numbers, nan where missing; anything that NumPy turns into a matrix.

    Raises (on construction):
        ValueError, TypeError: not a matrix of numbers, or an infinite entry, which is named.
    """

    data: Array = attrs.field(converter=_as_rows)
    _patterns: _Patterns = attrs.field(
        default=attrs.Factory(_patterns, takes_self=True), repr=False, eq=False, kw_only=True
    )

    def __len__(self) -> int:
        """Count the rows, seen or not."""
        return len(self.data)

    def __getitem__(self, index: Any) -> "Incomplete":
        """Take a slice, or the rows of an index array."""
        return Incomplete(self.data[index], patterns=_Patterns(self._patterns.seen, self._patterns.of_row[index]))

    @property
    def seen(self) -> Mask:
        """Which cells are seen, (N, D)."""
        return ~np.isnan(self.data)

    def groups(self) -> Iterator[tuple[Rows, Mask]]:
        """Yield the rows that have the same columns seen: their numbers, and which columns these are (D,)."""
        order = np.argsort(self._patterns.of_row, kind="stable")
        counts = np.bincount(self._patterns.of_row, minlength=len(self._patterns.seen))
        for rows, seen in zip(np.split(order, np.cumsum(counts)[:-1]), self._patterns.seen, strict=True):
            if len(rows):
                yield rows, seen

    def filled(self, values: Array) -> Array:
        """Return the rows (N, D) with those of `values` (N, D) where they are missing."""
        return np.where(self.seen, self.data, values)

    def columns(self, chosen: Any) -> "Incomplete":
        """Return some of the columns, in the order given."""
        return Incomplete(self.data[:, chosen])

    def whole_rows(self) -> Mask:
        """Return which rows are seen, (N,), where each is seen or missing as a whole.

        Raises:
            ValueError: a row of which a part is missing; the message names it.
        """
        seen = self.seen  # (N, D)
        whole: Mask = np.asarray(seen.all(axis=1))
        partial = seen.any(axis=1) & ~whole
        if partial.any():
            row = int(np.argmax(partial))
            raise ValueError(
                f"data: row {row} is missing in column {int(np.argmin(seen[row]))} but not in column "
                f"{int(np.argmax(seen[row]))}; here a row is seen or "
                "missing as a whole: make all of it nan, or drop the row"
            )
        return whole
