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
from emkit.values import value

WEAK = 1e-6
"""Strength of the ridge that a Gaussian start adds, in rows, where rows weigh one or more; in proportion where less."""


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

    Args:
        x: (N, D), or `Incomplete`, of which each column counts where it is seen.
        weight: (N,) positive.
        n_components: K.
    """
    if isinstance(x, Incomplete):
        rows = zip(x.data.T, x.seen.T, strict=True)
        return np.concatenate([typical_variances(c[seen, None], weight[seen], n_components) for c, seen in rows])
    levels = np.linspace(0, 1, 4 * n_components + 1)
    quantiles = np.quantile(x, levels, axis=0, method="inverted_cdf", weights=weight)  # (4 K + 1, D)
    intervals = np.diff(quantiles, axis=0)  # (4 K, D)
    width = np.median(intervals, axis=0)  # (D,)
    return np.where(width > 0, width, intervals.mean(axis=0)) ** 2
