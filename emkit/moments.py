"""Second moments that merge about their own means, so that no digit is lost at any offset.

`Moments` are the statistics of K weighted groups of rows: weight, mean and scatter Σ w (x - mean)(x - mean)ᵀ. Raw
moments Σ w x xᵀ lose every digit once the mean is 1e8 times the spread. The four variants keep as much of the scatter
as one kind of covariance needs. Reference: T. F. Chan, G. H. Golub and R. J. LeVeque (1983), The American Statistician
37, 242-247, equations 1.5.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Self, TypeAlias, final

import numpy as np

from emkit.arrays import Array
from emkit.values import value

OVERFLOWS = np.errstate(over="ignore", invalid="ignore")
"""Sums beyond floating point become infinite, and the parameters that they lead to are refused by name."""

WIDE = 32
"""Columns from which operations run along a row as fast as along a column."""

Group: TypeAlias = tuple[Array, Callable[[Array], Array], Array]
"""Shares (N,) of rows, how to centre these, from a centre (D,) to (N, D), and deviations (R, D) that add scatter."""


@value
class Moments(ABC):
    """Weight, mean and scatter of K groups of rows; `+` merges them about their common means.

    A group of weight zero has mean 0 and scatter 0, and is neutral. Where cells are missing, their expected moments
    stand for them, and `seen` tells how much was seen: the weight of the rows that show each column (D,), or both of
    two columns (D, D).
    """

    weight: Array  # (K,)
    mean: Array  # (K, D)
    scatter: Array  # as the variant keeps it
    seen: Array | None = None  # None where no cell is missing

    @staticmethod
    @abstractmethod
    def group_scatter(rows: Array, weight: Array) -> Array:
        """Return what one group of centred rows (N, D) with weights (N,) adds to the scatter."""

    @staticmethod
    def squares(scatter: Array) -> Array:
        """Return the sums of squares in a scatter: its diagonals."""
        return scatter

    @staticmethod
    @abstractmethod
    def between(weight: Array, shift: Array) -> Array:
        """Return the scatter of K means that moved by `shift` (K, D), weighted (K,)."""

    @staticmethod
    @abstractmethod
    def gather(groups: list[Array]) -> Array:
        """Join the scatters of K groups into the variant's array."""

    @staticmethod
    @abstractmethod
    def terms(count: Array, n_columns: int) -> Array:
        """Return how many squares of a variance each scatter sums, where K groups have `count` rows (K,)."""

    @classmethod
    def of(cls, rows: Array, posterior: Array, about: Array) -> Self:
        """Return the moments of rows (N, D) shared out by posterior (N, K).

        Args:
            rows: (N, D).
            posterior: (N, K) weight of each row in each group.
            about: (K, D) first guesses of the means; the result does not depend on them beyond rounding.
        """
        if rows.shape[1] < WIDE:
            rows = np.asfortranarray(rows)  # so that each operation runs along many rows
        return cls.of_groups((_group(rows, share) for share in posterior.T), about)

    @classmethod
    @OVERFLOWS
    def of_groups(cls, groups: Iterable[Group], about: Array, seen: Array | None = None) -> Self:
        """Return the moments of K groups that each have rows of their own; the rest is as in `of`."""
        weight, mean = np.zeros(len(about)), np.zeros_like(about)  # (K,), (K, D)
        scatters = []
        for k, (share, centred, deviations) in enumerate(groups):
            rows = centred(about[k])  # (N, D)
            weight[k] = share.sum()
            scatter = cls.group_scatter(rows, share)
            if weight[k] > 0:
                shift = (share / weight[k]) @ rows  # (D,)
                mean[k] = about[k] + shift
                moved = cls.group_scatter(shift[None], weight[k : k + 1])
                if (2 * cls.squares(moved) <= cls.squares(scatter)).all():
                    scatter = scatter - moved
                else:
                    scatter = cls.group_scatter(centred(mean[k]), share)  # afresh: from afar, `about` costs digits
            if len(deviations):
                scatter = scatter + cls.group_scatter(deviations, np.ones(len(deviations)))
            scatters.append(scatter)
        return cls(weight, mean, cls.gather(scatters), seen)

    @OVERFLOWS
    def scatter_about(self, centres: Array) -> Array:
        """Return the scatter about K centres (K, D) instead of the means."""
        scatter = self.between(self.weight, self.shift_from(centres))
        scatter += self.scatter
        return scatter

    def shift_from(self, centres: Array) -> Array:
        """Return the means less K centres (K, D); zero where there is no weight."""
        return np.where(self.weight[:, None] > 0, self.mean - centres, 0.0)

    @OVERFLOWS
    def __add__(self, other: Self) -> Self:
        """Merge group by group."""
        if type(other) is not type(self):
            return NotImplemented
        weight = self.weight + other.weight  # (K,)
        share = other.weight / np.where(weight > 0, weight, 1.0)  # (K,)
        shift = other.mean - self.mean  # (K, D)
        mean = self.mean + shift * share[:, None]
        scatter = self.between(self.weight * share, shift)
        scatter += self.scatter
        scatter += other.scatter
        return type(self)(weight, mean, scatter, _sum(self.seen, other.seen))

    def __mul__(self, factor: float) -> Self:
        """Let every row count `factor` times."""
        kept = self.mean if factor else np.zeros_like(self.mean)
        seen = None if self.seen is None else self.seen * factor
        return type(self)(self.weight * factor, kept, self.scatter * factor, seen)

    __rmul__ = __mul__


def _group(rows: Array, share: Array) -> Group:
    """Return rows (N, D) with shares (N,) as a group, without those that have none if they are most."""
    nothing = np.zeros((0, rows.shape[1]))
    if 2 * np.count_nonzero(share) > len(share):
        return share, partial(np.subtract, rows), nothing
    some = np.flatnonzero(share)
    return share[some], partial(np.subtract, rows[some]), nothing


def _sum(one: Array | None, other: Array | None) -> Array | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other


@final
@value
class FullMoments(Moments):
    """Scatter (K, D, D): one matrix for each group."""

    @staticmethod
    def group_scatter(rows: Array, weight: Array) -> Array:
        """Return Σ w x xᵀ, (D, D), exactly symmetric."""
        scaled = rows * np.sqrt(weight)[:, None]
        return scaled.T @ scaled

    @staticmethod
    def squares(scatter: Array) -> Array:
        """Return the diagonals, (..., D)."""
        return np.diagonal(scatter, axis1=-2, axis2=-1)

    @staticmethod
    def between(weight: Array, shift: Array) -> Array:
        """Return w δ δᵀ of each group, (K, D, D)."""
        scaled = shift * np.sqrt(weight)[:, None]
        return scaled[:, :, None] * scaled[:, None, :]

    @staticmethod
    def gather(groups: list[Array]) -> Array:
        """Stack to (K, D, D)."""
        return np.array(groups)

    @staticmethod
    def terms(count: Array, n_columns: int) -> Array:
        """Return one for each row, (K,)."""
        return count


@final
@value
class TiedMoments(Moments):
    """Scatter (D, D): one matrix for all groups, each about its own mean."""

    @staticmethod
    def group_scatter(rows: Array, weight: Array) -> Array:
        """Return Σ w x xᵀ, (D, D), exactly symmetric."""
        return FullMoments.group_scatter(rows, weight)

    @staticmethod
    def squares(scatter: Array) -> Array:
        """Return the diagonals, (..., D)."""
        return np.diagonal(scatter, axis1=-2, axis2=-1)

    @staticmethod
    def between(weight: Array, shift: Array) -> Array:
        """Return Σ_k w_k δ_k δ_kᵀ, (D, D)."""
        scaled = shift * np.sqrt(weight)[:, None]
        return scaled.T @ scaled

    @staticmethod
    def gather(groups: list[Array]) -> Array:
        """Sum to (D, D)."""
        return np.sum(groups, axis=0)

    @staticmethod
    def terms(count: Array, n_columns: int) -> Array:
        """Return one for each row of any group, a scalar."""
        return np.asarray(count.sum())


@final
@value
class DiagonalMoments(Moments):
    """Scatter (K, D): the diagonal of each group's matrix."""

    @staticmethod
    def group_scatter(rows: Array, weight: Array) -> Array:
        """Return Σ w x², (D,)."""
        return weight @ rows**2

    @staticmethod
    def between(weight: Array, shift: Array) -> Array:
        """Return w δ² of each group, (K, D)."""
        return (np.sqrt(weight)[:, None] * shift) ** 2

    @staticmethod
    def gather(groups: list[Array]) -> Array:
        """Stack to (K, D)."""
        return np.array(groups)

    @staticmethod
    def terms(count: Array, n_columns: int) -> Array:
        """Return one for each row, (K,)."""
        return count


@final
@value
class SphericalMoments(Moments):
    """Scatter (K,): the trace of each group's matrix."""

    @staticmethod
    def group_scatter(rows: Array, weight: Array) -> Array:
        """Return Σ w |x|², a scalar."""
        return np.asarray(weight @ (rows**2).sum(axis=1))

    @staticmethod
    def between(weight: Array, shift: Array) -> Array:
        """Return w |δ|² of each group, (K,)."""
        return ((np.sqrt(weight)[:, None] * shift) ** 2).sum(axis=1)

    @staticmethod
    def gather(groups: list[Array]) -> Array:
        """Stack to (K,)."""
        return np.array(groups)

    @staticmethod
    def terms(count: Array, n_columns: int) -> Array:
        """Return one for each column of each row, (K,)."""
        return count * n_columns
