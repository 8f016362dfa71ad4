"""Covariances and scatters as matrices: square roots, and regression from second moments."""

import numpy as np

from emkit.arrays import EPS, Array


def square_root(matrix: Array) -> Array:
    """Return H (D, D) with H Hᵀ the positive semidefinite matrix; lower triangular where it is definite."""
    scale = np.sqrt(np.diagonal(matrix))  # (D,)
    units = np.where(scale > 0, scale, 1.0)
    correlation = matrix / units[:, None] / units
    try:
        return units[:, None] * np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(correlation)
        return units[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))


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
    scale = np.sqrt(np.diagonal(scatter)[given])  # (G,)
    units = np.where(scale > 0, scale, 1.0)
    known, response = rows[:, given] / units, rows[:, rest]
    slopes = np.linalg.lstsq(known, response, rcond=float(np.sqrt(len(scatter) * EPS)))[0]  # (G, R)
    residual = response - known @ slopes
    return (slopes / units[:, None]).T, residual.T @ residual
