"""The squares that each kind of covariance needs as features."""

from functools import cache
from typing import Any, ClassVar, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.emissions.gaussian.products import Products
from emkit.moments import DiagonalMoments, FullMoments, SphericalMoments, TiedMoments

MOST_COLUMNS = 64
"""Of full covariances, whose squares fill the cache soon; with more, or few components, centring rows is faster."""


@cache
def _upper(n_columns: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Array]:
    """Return rows and columns of the upper triangle, (Q,) each, and by what its Λ_ij enter -½ xᵀ Λ x."""
    rows, columns = np.triu_indices(n_columns)
    return rows, columns, np.where(rows == columns, -0.5, -1.0)


@cache
def _places(n_columns: int) -> npt.NDArray[np.intp]:
    """Return which product of two columns is entry i, j of their symmetric matrix, (D, D)."""
    rows, columns, _ = _upper(n_columns)
    places = np.empty((n_columns, n_columns), np.intp)
    places[rows, columns] = places[columns, rows] = np.arange(len(rows))
    return places


@final
class FullProducts(Products[FullMoments]):
    """All products of two entries, (D + 1) D / 2."""

    moments: ClassVar[type[Any]] = FullMoments

    def worthwhile(self) -> bool:
        """Return whether there are few columns, and components enough to share the cost of their products."""
        count, columns = self.means.shape
        return columns <= min(MOST_COLUMNS, 8 * count)

    def row_by_row(self) -> bool:
        """Keep features column by column: each product of two columns is one."""
        return False

    def squares(self, columns: Any, out: Any) -> None:
        """Write x_0 x_0, x_0 x_1, ..., x_1 x_1, ... of columns (D, N) to `out` (Q, N)."""
        first = 0
        for d, column in enumerate(columns):
            last = first + len(columns) - d
            np.multiply(column, columns[d:], out=out[first:last])
            first = last

    def of_squares(self) -> Array:
        """Return -½ Λ_ii, -Λ_ij of the precisions Λ_k, (K, Q)."""
        rows, columns, factors = _upper(self.means.shape[1])
        return self.covariances.precisions[:, rows, columns] * factors

    def scatter(self, sums: Array, pooled: Array) -> Array:
        """Return the sums as symmetric matrices, (K, D, D)."""
        return sums[:, _places(self.means.shape[1])]


@final
class TiedProducts(Products[TiedMoments]):
    """One feature, the squared distance from the centre; the scatter is that of all rows at once."""

    moments: ClassVar[type[Any]] = TiedMoments

    def squares(self, columns: Any, out: Any) -> None:
        """Write |Σ^(-1/2) x|² of columns (D, N) to `out` (1, N)."""
        white = self.covariances.whitening[0].astype(columns.dtype) @ columns
        np.einsum("dn,dn->n", white, white, out=out[0])

    def of_squares(self) -> Array:
        """Return -½ for each component, (K, 1)."""
        return np.full((len(self.means), 1), -0.5)

    def pooled(self, columns: Any, weight: Array) -> Array:
        """Return the scatter of all rows about the centre, (D, D)."""
        return TiedMoments.group_scatter(columns.T, weight)

    def scatter(self, sums: Array, pooled: Array) -> Array:
        """Return the scatter of all rows, (D, D)."""
        return pooled


@final
class DiagonalProducts(Products[DiagonalMoments]):
    """The squares of the D entries."""

    moments: ClassVar[type[Any]] = DiagonalMoments

    def squares(self, columns: Any, out: Any) -> None:
        """Write x_d² of columns (D, N) to `out` (D, N)."""
        np.square(columns, out=out)

    def of_squares(self) -> Array:
        """Return -½ / σ²_kd, (K, D)."""
        return -0.5 / self.covariances.variances

    def scatter(self, sums: Array, pooled: Array) -> Array:
        """Return the sums as they are, (K, D)."""
        return sums


@final
class SphericalProducts(Products[SphericalMoments]):
    """One feature, the squared distance from the centre."""

    moments: ClassVar[type[Any]] = SphericalMoments

    def squares(self, columns: Any, out: Any) -> None:
        """Write |x|² of columns (D, N) to `out` (1, N)."""
        np.einsum("dn,dn->n", columns, columns, out=out[0])

    def of_squares(self) -> Array:
        """Return -½ / σ²_k, (K, 1)."""
        return -0.5 / self.covariances.variances[:, :1]

    def scatter(self, sums: Array, pooled: Array) -> Array:
        """Return the sums, (K,)."""
        return sums[:, 0]
