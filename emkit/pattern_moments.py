"""Moments of rows with missing values: those of the columns seen, for each pattern of missing values.

They are all that a Gaussian model needs to know of rows, weighted or not: complete rows are one pattern, and so is a
sample covariance. Whatever the number of rows, an E-step costs as much as there are patterns.
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from emkit.arrays import Array
from emkit.data import Weighted
from emkit.incomplete import Incomplete, Mask
from emkit.moments import OVERFLOWS, FullMoments
from emkit.sample_covariance import SampleCovariance
from emkit.values import value


def groups(x: Any) -> Iterator[tuple[Any, Mask]]:
    """Yield, of a matrix or an `Incomplete` one, rows of one pattern (an index) and which columns are seen (D,)."""
    if isinstance(x, Incomplete):
        yield from x.groups()
    else:
        yield slice(None), np.ones(x.shape[1], dtype=bool)


@value
class PatternMoments:
    """The moments of the columns seen, one group of rows for each pattern; `+` merges pattern by pattern."""

    of: Mapping[tuple[bool, ...], FullMoments]

    @classmethod
    def summary(cls, data: Weighted[Any]) -> "PatternMoments":
        """Compress weighted rows (N, D), `Incomplete` ones, or a `SampleCovariance`."""
        x, weight = data.data, data.weight
        if isinstance(x, SampleCovariance):
            total = np.array([weight.sum()])
            moments = FullMoments(total, x.mean[None], total[:, None, None] * x.covariance)
            return cls({(True,) * len(x.mean): moments})
        rows = x.data if isinstance(x, Incomplete) else x
        return cls({tuple(seen.tolist()): _moments(rows[i][:, seen], weight[i]) for i, seen in groups(x)})

    def __add__(self, other: "PatternMoments") -> "PatternMoments":
        """Merge the moments of two sets of rows."""
        merged = dict(self.of)
        for seen, moments in other.of.items():
            merged[seen] = merged[seen] + moments if seen in merged else moments
        return PatternMoments(merged)

    def __iter__(self) -> Iterator[tuple[Mask, FullMoments]]:
        """Yield each pattern (D,) and the moments of its columns seen."""
        return ((np.array(seen, dtype=bool), moments) for seen, moments in self.of.items())

    def filled(self) -> tuple[Array, FullMoments]:
        """Return the weight seen in each column (D,), and the moments with missing cells at their column's mean."""
        weight = np.sum([moments.weight * seen for seen, moments in self], axis=0)  # (D,)
        mean = np.zeros(len(weight))
        for seen, moments in self:
            mean[seen] += moments.mean[0] * (moments.weight / np.where(weight[seen] > 0, weight[seen], 1.0))
        return weight, reduce(add, (_placed(moments, seen, mean) for seen, moments in self))


@OVERFLOWS
def _moments(rows: Array, weight: Array) -> FullMoments:
    total = weight.sum()
    about = (weight / total) @ rows if total > 0 else np.zeros(rows.shape[1])
    return FullMoments.of(rows, weight[:, None], about=about[None])


def _placed(moments: FullMoments, seen: Mask, mean: Array) -> FullMoments:
    """Return the moments of all columns (D,), those not seen without spread at `mean`."""
    placed, scatter = mean.copy(), np.zeros((len(mean), len(mean)))
    placed[seen], scatter[np.ix_(seen, seen)] = moments.mean[0], moments.scatter[0]
    return FullMoments(moments.weight, placed[None], scatter[None])
