"""Squared distances of rows to components, in units of each component's covariance.

Rows are centred on each component before they are whitened, so that neither offset nor separation costs a digit. They
are taken in blocks that stay in the cache, column by column, so that each operation runs along many rows.
"""

from typing import Protocol

import numpy as np

from emkit.arrays import Array

BLOCK_ENTRIES = 2**15
"""Entries of a block of rows: it, its copy about a component and that whitened stay in the cache."""

FEWEST_ROWS, MOST_ROWS = 256, 4096


class Whitens(Protocol):
    """Covariances by which deviations can be whitened."""

    def whiten_columns(self, k: int, deviations: Array, out: Array) -> None:
        """Write Σ_k^(-1/2) times deviations (D, N) to `out` (D, N)."""
        ...


def square_distances(x: Array, means: Array, covariances: Whitens) -> Array:
    """Return |Σ_k^(-1/2) (x_n - μ_k)|², (N, K), each component's in one stretch of memory.

    Args:
        x: (N, D) rows.
        means: (K, D).
        covariances: those of the K components.
    """
    n_rows, n_columns = x.shape
    distance = np.empty((len(means), n_rows))  # (K, N)
    block = min(max(BLOCK_ENTRIES // n_columns, FEWEST_ROWS), MOST_ROWS)
    with np.errstate(over="ignore", invalid="ignore"):  # a distance beyond 1e154 widths: the density is zero
        for start in range(0, n_rows, block):
            columns = np.ascontiguousarray(x[start : start + block].T, dtype=np.float64)  # (D, B)
            centred, white = np.empty_like(columns), np.empty_like(columns)
            for k, mean in enumerate(means):
                np.subtract(columns, mean[:, None], out=centred)
                covariances.whiten_columns(k, centred, white)
                np.einsum("db,db->b", white, white, out=distance[k, start : start + block])
        if np.isnan(distance.sum()):  # inf - inf
            distance[np.isnan(distance)] = np.inf
    return distance.T
