"""Conjugate priors, as pseudo-observations.

A conjugate prior on (mean, Σ) of a Gaussian multiplies the likelihood by a factor of the same form, so that the joint
mode of the posterior is an ordinary M-step on statistics to which `weight` rows at `mean` with `scatter` were added:

    log prior = -1/2 [ exponent · log|Σ| + tr(Σ⁻¹ scatter) + weight · (mean - μ)ᵀ Σ⁻¹ (mean - μ) ]

`log_prior` and `m_step` both read these four numbers: they cannot disagree.
"""

from typing import Protocol

import attrs

from emkit.arrays import Array


@attrs.frozen(eq=False)
class PseudoObservations:
    """What a conjugate prior adds to the statistics of one component."""

    weight: float  # κ: how many rows the prior mean counts for; 0 leaves the mean alone
    mean: Array  # (D,)
    scatter: Array  # of the shape of one component's scatter
    exponent: float  # of |Σ|^(-1/2), without the means' own share

    def total_exponent(self, means: int = 1) -> float:
        """Return the exponent of |Σ|^(-1/2) where `means` component means share one covariance."""
        return self.exponent + (means if self.weight > 0 else 0)


class CovariancePrior(Protocol):
    """A prior for components with covariance matrices (full, tied)."""

    def on_covariance(self) -> PseudoObservations:
        """Return scatter (D, D), and the exponent of one covariance matrix."""
        ...


class VariancePrior(Protocol):
    """A prior for components with variances (diagonal, spherical)."""

    def on_diagonal(self) -> PseudoObservations:
        """Return scatter (D,), and the exponent of each of the D variances."""
        ...

    def on_spherical(self) -> PseudoObservations:
        """Return a scalar scatter, and the exponent of |σ² I| = σ^(2D)."""
        ...
