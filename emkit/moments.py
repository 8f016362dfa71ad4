"""Second moments that merge about their own means, so that no digit is lost at any offset.

`Moments` are the statistics of K weighted groups of rows: weight, mean and scatter Σ w (x - mean)(x - mean)ᵀ. Raw
moments Σ w x xᵀ lose every digit once the mean is 1e8 times the spread. The four variants keep as much of the scatter
as one kind of covariance needs. Reference: T. F. Chan, G. H. Golub and R. J. LeVeque (1983), The American Statistician
37, 242-247, equations 1.5.
"""

from abc import ABC, abstractmethod
from typing import Self, final

import numpy as np

from emkit.arrays import Array, average
from emkit.values import value

OVERFLOWS = np.errstate(over="ignore", invalid="ignore")
"""Sums beyond floating point become infinite, and the parameters that they lead to are refused by name."""


@value
class Moments(ABC):
    """Weight, mean and scatter of K groups of rows; `+` merges them about their common means.

    A group of weight zero has mean 0 and scatter 0, and is neutral.
    """

    weight: Array  # (K,)
    mean: Array  # (K, D)
    scatter: Array  # as the variant keeps it

    @staticmethod
    @abstractmethod
    def group_scatter(rows: Array, weight: Array) -> Array:
        """Return what one group of centred rows (N, D) with weights (N,) adds to the scatter."""

    @staticmethod
    @abstractmethod
    def between(weight: Array, shift: Array) -> Array:
        """Return the scatter of K means that moved by `shift` (K, D), weighted (K,)."""

    @staticmethod
    @abstractmethod
    def gather(groups: list[Array]) -> Array:
        """Join the scatters of K groups into the variant's array."""

    @classmethod
    @OVERFLOWS
    def of(cls, rows: Array, posterior: Array, about: Array) -> Self:
        """Return the moments of rows (N, D) shared out by posterior (N, K), computed in two passes.

        Args:
            rows: (N, D).
            posterior: (N, K) weight of each row in each group.
            about: (K, D) first guesses of the means; the result does not depend on them beyond rounding.
        """
        weight = posterior.sum(axis=0)  # (K,)
        mean = np.zeros_like(about)  # (K, D)
        groups = []
        for k, share in enumerate(posterior.T):
            centred = rows - about[k]  # (N, D)
            if weight[k] > 0:
                mean[k] = about[k] + (share / weight[k]) @ centred
                centred = rows - mean[k]  # afresh: from afar, `about` has cost digits
            groups.append(cls.group_scatter(centred, share))
        return cls(weight, mean, cls.gather(groups))

    @OVERFLOWS
    def __add__(self, other: Self) -> Self:
        """Merge group by group."""
        if type(other) is not type(self):
            return NotImplemented
        weight = self.weight + other.weight  # (K,)
        share = average(other.weight, weight, otherwise=np.zeros_like(weight))  # (K,)
        shift = other.mean - self.mean  # (K, D)
        mean = self.mean + shift * share[:, None]
        return type(self)(weight, mean, self.scatter + other.scatter + self.between(self.weight * share, shift))

    def __mul__(self, factor: float) -> Self:
        """Let every row count `factor` times."""
        kept = self.mean if factor else np.zeros_like(self.mean)
        return type(self)(self.weight * factor, kept, self.scatter * factor)

    __rmul__ = __mul__


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
    def between(weight: Array, shift: Array) -> Array:
        """Return w δ δᵀ of each group, (K, D, D)."""
        return weight[:, None, None] * shift[:, :, None] * shift[:, None, :]

    @staticmethod
    def gather(groups: list[Array]) -> Array:
        """Stack to (K, D, D)."""
        return np.stack(groups)


@final
@value
class TiedMoments(Moments):
    """Scatter (D, D): one matrix for all groups, each about its own mean."""

    @staticmethod
    def group_scatter(rows: Array, weight: Array) -> Array:
        """Return Σ w x xᵀ, (D, D), exactly symmetric."""
        return FullMoments.group_scatter(rows, weight)

    @staticmethod
    def between(weight: Array, shift: Array) -> Array:
        """Return Σ_k w_k δ_k δ_kᵀ, (D, D)."""
        scaled = shift * np.sqrt(weight)[:, None]
        return scaled.T @ scaled

    @staticmethod
    def gather(groups: list[Array]) -> Array:
        """Sum to (D, D)."""
        return np.sum(groups, axis=0)


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
        return np.stack(groups)


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
