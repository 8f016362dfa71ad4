"""Covariance floors stated as priors, so that EM still ascends.

A constant added to a covariance after the M-step makes EM descend. The same floor as a prior,

    log prior = -ν/2 (log|Σ| + tr(Σ₀ Σ⁻¹)),

has the M-step (S_k + ν Σ₀) / (n_k + ν): ν rows of covariance Σ₀ at each component's own mean. It is finite however
empty a component is.
"""

from typing import Any, final

import numpy as np

from emkit.arrays import Array
from emkit.declarations import positive, positive_definite
from emkit.incomplete import Incomplete
from emkit.priors.conjugate import PseudoObservations
from emkit.samples import count_weighted, sample_rows, sample_size
from emkit.values import value

WEAK = 1e-6
"""Strength of the ridge that a Gaussian start adds, in rows, where rows weigh one or more; in proportion where less."""

SAMPLE_SEED = 1977
"""Of the sample that stands for many rows."""


@final
@value
class Ridge:
    """A ridge for components with full or tied covariances (stated once for a tied one)."""

    covariance: Array = positive_definite("D", "D", free=False)  # Σ₀
    strength: float = positive(free=False)  # ν: how many rows it counts for

    def on_covariance(self) -> PseudoObservations:
        """State the prior as pseudo-observations."""
        width = len(self.covariance)
        return PseudoObservations(0.0, np.zeros(width), self.strength * self.covariance, self.strength)


@final
@value
class DiagonalRidge:
    """A ridge for components with diagonal or spherical covariances: Σ₀ is diagonal."""

    variances: Array = positive("D", free=False)  # the diagonal of Σ₀
    strength: float = positive(free=False)  # ν: how many rows it counts for

    def on_diagonal(self) -> PseudoObservations:
        """State the prior as pseudo-observations of D separate columns."""
        return PseudoObservations(0.0, np.zeros(len(self.variances)), self.strength * self.variances, self.strength)

    def on_spherical(self) -> PseudoObservations:
        """State the prior as pseudo-observations of one variance."""
        scatter = np.asarray(self.strength * self.variances.sum())
        return PseudoObservations(0.0, np.zeros(len(self.variances)), scatter, self.strength)


def typical_variances(x: Any, weight: Array, n_components: int) -> Array:
    """Return (D,) the squared width of a typical component in each column, from the data's quantiles.

    The width is the median distance between neighbours among the 4 K + 1 quantiles of the column: at most K - 1 of
    these 4 K intervals can hold a gap between components, so that it tells their width however far apart they are.
    Rescaling or shifting a column rescales it alike. Where ties make it zero, the mean interval serves.

    Of many rows it takes a sample, the same for every start, so that their objectives compare. Where the sample shows
    nothing of a column's width, all rows do.

    Args:
        x: (N, D), or `Incomplete`, of which each column counts where it is seen.
        weight: (N,), of which some are positive.
        n_components: K.
    """
    if isinstance(x, Incomplete):
        rows = zip(x.data.T, x.seen.T, strict=True)
        return np.concatenate([typical_variances(c[seen, None], weight[seen], n_components) for c, seen in rows])
    levels = np.linspace(0, 1, 4 * n_components + 1)
    size = sample_size(n_components, x.shape[1])
    if count_weighted(weight) <= size:
        return (
            _width(np.quantile(x.astype(np.float64, copy=False), levels, axis=0, method="inverted_cdf", weights=weight))
            ** 2
        )
    few = x[sample_rows(weight, size, np.random.default_rng(SAMPLE_SEED))].astype(np.float64)
    ranks = np.maximum(np.ceil(levels * size).astype(np.intp) - 1, 0)  # of the quantiles among rows of one weight
    width = _width(np.sort(few.T, axis=1)[:, ranks].T)  # (D,)
    for d in np.flatnonzero(width == 0):
        width[d] = _width(
            np.quantile(x[:, d].astype(np.float64), levels, method="inverted_cdf", weights=weight)[:, None]
        )[0]
    return width**2


def _width(quantiles: Array) -> Array:
    """Return (D,) the median interval between quantiles (4 K + 1, D), or the mean one where that is zero."""
    intervals = np.diff(quantiles, axis=0)  # (4 K, D)
    median = np.median(intervals, axis=0)
    return np.where(median > 0, median, intervals.mean(axis=0))
