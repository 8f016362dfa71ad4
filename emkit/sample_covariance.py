"""A published covariance matrix as data, where the rows themselves are not at hand."""

from typing import Any, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arguments import check_count
from emkit.arrays import Array, first_index
from emkit.data import as_matrix

SYMMETRIC = 1e-8
"""How far two entries that should be equal may differ, and how negative an eigenvalue may be, as correlations."""


@final
@attrs.frozen(eq=False, init=False)
class SampleCovariance:
    """n rows of which only their number, mean and covariance matrix are known.

    A sum over rows of anything quadratic is known exactly, one row is not: each of the n units stands for the average
    row, and m of them, taken by a slice, have the mean and covariance of all n.

    Args:
        covariance: (D, D), positive semidefinite; a correlation matrix where columns were standardised.
        n: the number of rows.
        mean: (D,) the columns' means; None where they were subtracted, that is zeros.
        ddof: the denominator of `covariance` is n - ddof, as in `numpy.var`: 0 for the mean of squares about the mean
            and for a correlation matrix, 1 for what `numpy.cov` and R return. It is kept with the denominator n.

    Raises (on construction):
        ValueError, TypeError: not a covariance matrix, which entry is at fault; n or ddof that leave no row.
    """

    covariance: Array  # (D, D), denominator n
    n: int
    mean: Array  # (D,)

    def __init__(self, covariance: npt.ArrayLike, n: int, mean: npt.ArrayLike | None = None, ddof: int = 0) -> None:
        matrix = _as_covariance(covariance)
        if not 0 <= ddof < check_count("n", n):
            raise ValueError(f"ddof: expected 0 to n - 1 = {n - 1}, found {ddof}")
        middle = np.zeros(len(matrix)) if mean is None else as_matrix([mean], features=len(matrix), name="mean")[0]
        self.__attrs_init__(_frozen(matrix * ((n - ddof) / n)), int(n), _frozen(middle))

    def __len__(self) -> int:
        """Count the rows."""
        return self.n

    def __getitem__(self, index: Any) -> "SampleCovariance":
        """Take as many average rows as a slice or an index array takes of n."""
        taken = np.broadcast_to(0, self.n)[index]
        if taken.ndim != 1:
            raise TypeError("SampleCovariance: one row of it is not known; take a slice")
        return attrs.evolve(self, n=len(taken)) if len(taken) != self.n else self


def _frozen(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


def _as_covariance(given: Any) -> Array:
    matrix = as_matrix(given, name="covariance")
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"covariance: expected a square matrix, found shape {matrix.shape}; rows need no wrapper")
    variance = np.diagonal(matrix)  # (D,)
    if (variance < 0).any():
        column = int(np.argmax(variance < 0))
        raise ValueError(f"covariance: column {column} has variance {variance[column]:.6g}; expected zero or more")
    scale = np.sqrt(np.where(variance > 0, variance, 1.0))
    correlation = matrix / scale[:, None] / scale
    unequal = np.abs(correlation - correlation.T) > SYMMETRIC
    if unequal.any():
        i, j = first_index(unequal)
        raise ValueError(f"covariance: entry [{i}, {j}] is {matrix[i, j]:.6g} but [{j}, {i}] is {matrix[j, i]:.6g}")
    smallest = float(np.linalg.eigvalsh(correlation)[0])
    if smallest < -SYMMETRIC * len(matrix):
        raise ValueError(
            f"covariance: no rows have it: in units of the columns' deviations its smallest eigenvalue is "
            f"{smallest:.3g}, expected zero or more. Entries computed from different rows, pair by pair, do that"
        )
    return (matrix + matrix.T) / 2
