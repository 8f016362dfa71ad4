"""Covariances and scatters as matrices: square roots, and regression from second moments."""

from functools import lru_cache

import numpy as np
from scipy.linalg import lapack

from emkit.arrays import EPS, Array


def square_root(matrix: Array) -> Array:
    """Return H with H Hᵀ a positive semidefinite matrix (..., D, D); lower triangular where all are definite."""
    try:
        return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:  # that of the correlations, so that units do not matter
        scale = np.sqrt(np.maximum(np.diagonal(matrix, axis1=-2, axis2=-1), 0.0))  # (..., D)
        units = np.where(scale > 0, scale, 1.0)[..., :, None]
        values, vectors = np.linalg.eigh(matrix / units / units.swapaxes(-2, -1))
        return units * vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]


@lru_cache
def _below(size: int) -> Array:
    """Return ones on and below the diagonal, (D, D)."""
    return np.tri(size)


def triangular(root: Array) -> Array:
    """Return the lower triangular root (D, D), its diagonal not negative, of a covariance from another, (D, E >= D)."""
    size = len(root)
    factor = lapack.dgeqrf(root.T)[0][:size].T  # below its diagonal; above it LAPACK keeps notes
    return factor * (_below(size) * np.copysign(1.0, np.diagonal(factor)))


def least_squares(scatter: Array, given: list[int], rest: list[int]) -> tuple[Array, Array]:
    """Return the slopes (R, G) of columns `rest` on columns `given`, and the residual scatter (R, R).

    A square root of the scatter serves as rows of data, so that the residual is exactly symmetric and positive
    semidefinite. Where columns given depend on each other, the slopes are the shortest ones in units of the columns'
    deviations; a column without variance has slope zero.

    Args:
        scatter: (D, D) Σ w (x - mean)(x - mean)ᵀ, or second moments about zero for a regression through the origin.
        given, rest: column numbers.
    """
    rows = square_root(scatter).T  # (D, D): rows.T @ rows is the scatter
    known, response = rows[:, given], rows[:, rest]
    slopes = slopes_of_rows(known, response, cutoff=float(np.sqrt(len(scatter) * EPS)))
    residual = response - known @ slopes.T
    return slopes, residual.T @ residual


def slopes_of_rows(known: Array, response: Array, *, cutoff: float) -> Array:
    """Return the slopes (R, G) through the origin of rows `response` (N, R) on rows `known` (N, G).

    Directions of `known` whose singular values, in units of the columns' sizes, are below `cutoff` of the largest
    have slope zero.
    """
    scale = np.linalg.norm(known, axis=0)  # (G,)
    units = np.where(scale > 0, scale, 1.0)
    slopes = np.linalg.lstsq(known / units, response, rcond=cutoff)[0]  # (G, R)
    return np.asarray((slopes / units[:, None]).T)
