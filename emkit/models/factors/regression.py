"""The regression of columns x on factors z, from their moments together: the M-step of factor models."""

import numpy as np

from emkit.arrays import Array
from emkit.matrices import least_squares, square_root
from emkit.moments import FullMoments
from emkit.priors.conjugate import PseudoObservations


def slopes(moments: FullMoments, columns: int, through: Array | None) -> Array:
    """Return the loadings (D, Q) most likely given the moments of D columns and the factors.

    Args:
        moments: of (x, z) together, one group.
        columns: D.
        through: (D,) the mean of x where z = 0, if it is held fixed; None where the regression chooses it.
    """
    scatter = moments.scatter
    if through is not None:
        factors = np.zeros(moments.mean.shape[1] - columns)
        scatter = scatter + moments.between(moments.weight, moments.mean - np.append(through, factors))
    return least_squares(scatter[0], list(range(columns, len(scatter[0]))), list(range(columns)))[0]


def intercept(moments: FullMoments, loadings: Array) -> Array:
    """Return the mean (D,) most likely given the moments of (x, z) and loadings (D, Q)."""
    x, z = np.split(moments.mean[0], [len(loadings)])
    return x - loadings @ z


def squares(moments: FullMoments, mean: Array, loadings: Array) -> Array:
    """Return the sum of squares of x - mean - loadings z in each column, (D,)."""
    x, z = np.split(square_root(moments.scatter[0]), [len(mean)])  # (D, D + Q) and (Q, D + Q): x xᵀ is its scatter
    location = intercept(moments, loadings) - mean  # (D,)
    return np.square(x - loadings @ z).sum(axis=1) + moments.weight[0] * np.square(location)


def pseudo_moments(pseudo: PseudoObservations, factors: int) -> FullMoments:
    """Return a prior's pseudo-observations as moments of (x, z): rows at the prior's mean where z = 0."""
    mean, scatter = np.pad(pseudo.mean, (0, factors)), np.diag(np.pad(pseudo.scatter, (0, factors)))
    return FullMoments(np.array([pseudo.weight]), mean[None], scatter[None])
