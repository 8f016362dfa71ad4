"""Weight, mean and gap between logarithms: the statistics of gamma emissions."""

from typing import Any, Self, final

import numpy as np

from emkit.arrays import TINY, Array, average
from emkit.entries import cells
from emkit.moments import OVERFLOWS
from emkit.values import value

NEAR = 0.5
"""Closer than this to their mean, relatively, values keep their digits through log1p."""


@OVERFLOWS
def excess(x: Array, mean: Array) -> Array:
    """Return x / mean - 1 - log(x / mean), never negative: half the deviance of a gamma variable of shape 1."""
    apart = (x - mean) / mean
    far = x / mean - 1 - (np.log(x) - np.log(mean))
    near = np.abs(apart) < NEAR
    inner = np.where(near, apart, 0.0)
    return np.where(near, inner - np.log1p(inner), far)


@final
@value
class GammaMoments:
    """What K states saw in each of D columns, missing cells left out; `+` merges about the common mean.

    The gap Σ w log(mean / x) is summed as Σ w (x / mean - 1 - log(x / mean)), whose terms are positive: no digit is
    lost to the scale of the data, nor where they are nearly equal. Without weight, mean and gap are 0.
    """

    weight: Array  # (K, D)
    mean: Array  # (K, D)
    gap: Array  # (K, D)

    @classmethod
    def of(cls, x: Any, posterior: Array) -> Self:
        """Return the moments of positive rows x (N, D), or `Incomplete`, shared out by posterior (N, K)."""
        values, seen = cells(x, missing=1.0)
        weight = posterior.T @ seen  # (K, D)
        scale = values.max(axis=0, initial=TINY)  # (D,) keeps the sums in floating point
        mean = scale * average(posterior.T @ (values / scale * seen), weight, otherwise=np.zeros_like(weight))  # (K, D)
        about = np.where(weight > 0, mean, 1.0)
        gap = [share @ (excess(values, centre) * seen) for share, centre in zip(posterior.T, about, strict=True)]
        return cls(weight, mean, np.stack(gap))

    @classmethod
    def one(cls, row: Array, state: int, n_states: int) -> Self:
        """Return the moments of one row (D,), nan where missing, that is in one state."""
        weight, mean, gap = np.zeros((3, n_states, len(row)))
        for d, x in enumerate(row):
            if not np.isnan(x):
                weight[state, d], mean[state, d] = 1.0, x
        return cls(weight, mean, gap)

    def __add__(self, other: Self) -> Self:
        """Merge state by state and column by column."""
        if type(other) is not type(self):
            return NotImplemented
        weight = self.weight + other.weight
        share = average(other.weight, weight, otherwise=np.zeros_like(weight))
        mean = self.mean + (other.mean - self.mean) * share
        return type(self)(weight, mean, self.gap_about(mean) + other.gap_about(mean))

    def __mul__(self, factor: float) -> Self:
        """Let every row count `factor` times."""
        kept = self.mean if factor else np.zeros_like(self.mean)
        return type(self)(self.weight * factor, kept, self.gap * factor)

    __rmul__ = __mul__

    def gap_about(self, mean: Array) -> Array:
        """Return Σ w (x / mean - 1 - log(x / mean)) about another mean (K, D), positive where there is weight."""
        some = self.weight > 0
        return self.gap + self.weight * excess(np.where(some, self.mean, 1.0), np.where(some, mean, 1.0))
