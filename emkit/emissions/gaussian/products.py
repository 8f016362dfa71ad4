"""A mixture's E-step as two matrix products: the fast path of Gaussian components.

The log density of a Gaussian is linear in the entries of x and in their products, so that the log joint of a block of
rows with K components is one matrix product with features φ(x), and the statistics are another. Features are those of
rows less one centre for all components: the distance of a component from it, in widths, is squared, and costs digits.
`loss` bounds how many; where they are too many there is no step, and rows are centred on each component instead.
"""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import numpy as np

from emkit.arrays import LOG_2PI, Array
from emkit.emissions.protocol import MixtureStep
from emkit.moments import Moments, TiedMoments
from emkit.scratch import scratch

S = TypeVar("S", bound=Moments)

TOLERATED = {np.float64: 1e-9, np.float32: 1e-4}
"""Nats that a log density may be off at worst, for features of this type."""

MANY = 2**11
"""Fewer float32 rows than this, whose rounding would not average out, are taken for float64."""

SMALL = {np.float64: 1e-200, np.float32: 1e-20}
"""Shares of a row, as they come, that sum to more have lost nothing to underflow, to less than its inverse no more."""

DIGITS_LEFT = 1e4
"""A scatter below this many times what rounding may have added to it is computed anew, from centred rows."""

ROWS_TO_JUDGE = 4
"""Expected rows for each column that a component must have, for its scatter to be that of all its rows."""

FEATURE_BYTES, SHARE_BYTES = 3 * 2**21, 9 * 2**17
"""Features of a block of rows, which are read twice, and their shares, which are gone over again and again."""

FEWEST_ROWS, MOST_ROWS = 256, 2**16

WIDE = 32
"""More columns than this are kept row by row, fewer column by column: operations run along the longer side."""


@attrs.frozen(slots=False, eq=False)
class Products(ABC, Generic[S]):
    """Features 1, the D entries of a row and its squares; their coefficients, and the moments in their sums.

    A variant says which squares its covariances need.
    """

    means: Array  # (K, D)
    covariances: Any  # their structure

    moments: ClassVar[type[Any]]

    @abstractmethod
    def squares(self, columns: Any, out: Any) -> None:
        """Write the squares of centred columns (D, N) to `out` (Q, N)."""

    @abstractmethod
    def of_squares(self) -> Array:
        """Return the coefficients of the squares, (K, Q)."""

    @abstractmethod
    def scatter(self, sums: Array, pooled: Array) -> Array:
        """Return the scatter about the centre, of sums of squares (K, Q) and what `pooled` added up."""

    def pooled(self, columns: Any, weight: Array) -> Array:
        """Return what else of centred columns (D, N), weighted (N,), is added up for all components at once."""
        return np.zeros(())

    def worthwhile(self) -> bool:
        """Return whether two products are faster than centring rows on each component."""
        return True

    def row_by_row(self) -> bool:
        """Return whether entries are best kept row by row, as they come, and apart from their squares."""
        return self.means.shape[1] > WIDE

    @cached_property
    def centre(self) -> Array:
        """The middle of the means, (D,), as float32 holds it, so that rows of that type lose nothing to it.

        Beyond the range of float32 it is infinite, and there is no step.
        """
        return (self.means.sum(axis=0) / len(self.means)).astype(np.float32).astype(np.float64)

    @cached_property
    def coefficients(self) -> Array:
        """The coefficients of the features in the log densities, (K, 1 + D + Q)."""
        away = self.means - self.centre  # (K, D)
        slopes = self.covariances.precision_times(away)  # (K, D)
        constant = -0.5 * (self.covariances.log_volume + self.means.shape[1] * LOG_2PI + (slopes * away).sum(axis=1))
        return np.column_stack([constant, slopes, self.of_squares()])

    def loss(self, extent: Array) -> float:
        """Return by how many rounding units a log density may be off: max_k | |Σ_k^(-1/2)| d_k |², twice its terms.

        Args:
            extent: (D,) the largest |x - centre| of any row; with |μ_k - centre| it makes d_k.
        """
        return float(self.covariances.reach(extent + np.abs(self.means - self.centre)).max())

    def mixture_step(self, log_weights: Array, x: Any, weight: Array) -> MixtureStep | None:
        """Return what an E-step learns from rows, or None where it would lose too many digits.

        Args:
            log_weights: (K,) of the mixture.
            x: (N, D) rows; many float32 ones are multiplied in float32 where that loses little, and summed in float64.
            weight: (N,) of the rows.
        """
        if not self.worthwhile():
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is lost, and found to be
            single = x.dtype == np.float32 and len(x) >= MANY
            for kind in (np.float32, np.float64) if single else (np.float64,):
                step = self._step(log_weights, x, weight, kind)
                if step is not None:
                    return step
        return None

    def _step(self, log_weights: Array, x: Any, weight: Array, kind: type[np.floating[Any]]) -> MixtureStep | None:
        n_rows, n_columns = x.shape
        unit, centre = float(np.finfo(kind).eps), self.centre.astype(kind)[:, None]
        coefficients = self.coefficients.copy()  # (K, P)
        coefficients[:, 0] += log_weights
        top = coefficients[:, 0].max()  # shares are relative to this
        coefficients[:, 0] -= top
        sums, pooled = np.zeros(coefficients.shape), np.zeros(())
        log_marginal, extent, error = np.empty(n_rows), np.full(n_columns, -1.0), 0.0
        fitting = min(SHARE_BYTES // (8 * len(coefficients)), FEATURE_BYTES // (8 * coefficients.shape[1]))
        block = min(max(fitting, FEWEST_ROWS), MOST_ROWS, n_rows)  # B
        buffer = self._buffer(coefficients.shape[1], block, kind)
        factors = np.split(coefficients.astype(kind), np.cumsum([len(part) for part in buffer[:-1]]), axis=1)
        buffer_of_shares = scratch("shares", (len(coefficients), block), kind)
        for start in range(0, n_rows, block):
            part = slice(start, start + block)
            features = [one[:, : n_rows - start] for one in buffer]
            ones, columns, squares = _sections(features, n_columns)
            np.subtract(x[part].T, centre, out=columns)
            furthest = np.maximum(columns.max(axis=1), -columns.min(axis=1))  # (D,)
            if not (furthest <= extent).all():
                extent = np.maximum(furthest, extent)
                error = self.loss(extent) * unit
                if not error <= TOLERATED[kind]:
                    return None
            ones[:] = 1
            self.squares(columns, squares)
            shares = buffer_of_shares[:, : n_rows - start]
            total = _share_out(factors, features, SMALL[kind], shares, log_marginal[part])
            log_marginal[part] += top
            pooled = pooled + self.pooled(columns, weight[part])
            heaviest = float(weight[part].max()) or 1.0  # taken out, so that no product leaves floating point
            np.divide(weight[part] if heaviest == 1 else weight[part] / heaviest, total, out=total)
            sums += heaviest * _weighted_sums(shares, features, total)
        moments = self._moments(sums, pooled)
        if not self._clear_of_noise(moments, error):
            return None
        return MixtureStep(log_marginal, moments.weight, moments, error)

    def _buffer(self, n_features: int, n_rows: int, kind: type[np.floating[Any]]) -> list[Any]:
        """Return memory for the features of a block: (P, B) column by column, or three parts row by row."""
        if not self.row_by_row():
            return [scratch("features", (n_features, n_rows), kind)]
        n_columns = self.means.shape[1]
        widths = {"ones": 1, "features": n_columns, "squares": n_features - n_columns - 1}
        return [scratch(name, (n_rows, width), kind).T for name, width in widths.items()]

    def _clear_of_noise(self, moments: Any, error: float) -> bool:
        """Return whether no scatter is so much thinner than its covariance was that rounding, relative to that, shows.

        A component with few rows here may well be thin here, and is left out.
        """
        scatter, count = moments.scatter, moments.weight
        noise = DIGITS_LEFT * error * self.covariances.stored
        if self.moments is TiedMoments:
            return self.covariances.exceed_zero(scatter - count.sum() * noise)
        enough = count > ROWS_TO_JUDGE * (self.means.shape[1] + 1)
        aligned = count[enough].reshape(-1, *[1] * (scatter.ndim - 1))
        return self.covariances.exceed_zero(scatter[enough] - aligned * noise[enough])

    def _moments(self, sums: Array, pooled: Array) -> Any:
        n_columns = self.means.shape[1]
        count, first = sums[:, 0], sums[:, 1 : 1 + n_columns]
        some = count[:, None] > 0  # (K, 1)
        away = first / np.where(some, count[:, None], 1.0)  # (K, D)
        scatter = self.scatter(sums[:, 1 + n_columns :], pooled) - self.moments.between(count, away)
        return self.moments(count, np.where(some, self.centre + away, 0.0), scatter)


def _sections(features: list[Any], n_columns: int) -> tuple[Any, Any, Any]:
    """Return where 1 (B,), the entries (D, B) and their squares (Q, B) stand in the features of a block."""
    if len(features) > 1:
        ones, columns, squares = features
        return ones[0], columns, squares
    return features[0][0], features[0][1 : 1 + n_columns], features[0][1 + n_columns :]


def _log_shares(factors: list[Any], features: list[Any], out: Any) -> Any:
    """Write the log joint of the rows with each component, relative to `top`, to `out` (K, B), and return it."""
    np.matmul(factors[0], features[0], out=out)
    for factor, feature in zip(factors[1:], features[1:], strict=True):
        out += factor @ feature
    return out


def _share_out(factors: list[Any], features: list[Any], small: float, out: Any, log_marginal: Array) -> Array:
    """Write shares of components to `out` (K, B), and what they mean to `log_marginal` (B,); return their sums (B,)."""
    np.exp(_log_shares(factors, features, out), out=out)
    total: Array = scratch("totals", log_marginal.shape, np.float64)
    np.sum(out, axis=0, out=total)
    if small <= total.min() and total.max() <= 1 / small:
        np.log(total, out=log_marginal)
        return total
    peak = _log_shares(factors, features, out).max(axis=0)
    np.exp(np.subtract(out, peak, out=out), out=out)
    np.sum(out, axis=0, out=total)
    np.add(peak, np.log(total), out=log_marginal)
    return total


def _weighted_sums(shares: Any, features: list[Any], weight: Array) -> Array:
    """Return the sums of features by shares (K, B) and weight (B,), (K, P); shares or features are overwritten."""
    smaller = features[0] if len(features) == 1 and len(features[0]) < len(shares) else shares
    smaller *= weight.astype(shares.dtype, copy=False)
    return np.concatenate([shares @ feature.T for feature in features], axis=1, dtype=np.float64)
