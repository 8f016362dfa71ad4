"""Weight and total of each column: the statistics of emissions with independent columns."""

from typing import Any, Self, final

import numpy as np

from emkit.arrays import Array
from emkit.entries import cells
from emkit.statistics import Statistics
from emkit.values import value


@final
@value
class Totals(Statistics):
    """What K states saw in each of D columns, missing cells left out."""

    weight: Array  # (K, D) expected number of observations
    total: Array  # (K, D) expected sum of what was observed

    @classmethod
    def of(cls, x: Any, posterior: Array) -> Self:
        """Return the totals of rows x (N, D), or `Incomplete`, shared out by posterior (N, K)."""
        values, seen = cells(x)
        return cls(posterior.T @ seen, posterior.T @ values)

    @classmethod
    def one(cls, row: Array, state: int, n_states: int) -> Self:
        """Return the totals of one row (D,), nan where missing, that is in one state."""
        weight, total = np.zeros((2, n_states, len(row)))
        for d, x in enumerate(row):
            if not np.isnan(x):
                weight[state, d], total[state, d] = 1.0, x
        return cls(weight, total)
