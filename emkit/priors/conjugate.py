"""Conjugate priors, as pseudo-observations.

A conjugate prior on (mean, Σ) of a Gaussian multiplies the likelihood by a factor of the same form, so that the joint
mode of the posterior is an ordinary M-step on statistics to which `weight` rows at `mean` with `scatter` were added:

    log prior = -1/2 [ exponent · log|Σ| + tr(Σ⁻¹ scatter) + weight · (mean - μ)ᵀ Σ⁻¹ (mean - μ) ]

`log_prior` and `m_step` both read these four numbers: they cannot disagree.
"""

from typing import Any, Protocol, runtime_checkable

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


@runtime_checkable
class CovariancePrior(Protocol):
    """A prior for components with covariance matrices (full, tied)."""

    def on_covariance(self) -> PseudoObservations:
        """Return scatter (D, D), and the exponent of one covariance matrix."""
        ...


@runtime_checkable
class VariancePrior(Protocol):
    """A prior for components with variances (diagonal, spherical)."""

    def on_diagonal(self) -> PseudoObservations:
        """Return scatter (D,), and the exponent of each of the D variances."""
        ...

    def on_spherical(self) -> PseudoObservations:
        """Return a scalar scatter, and the exponent of |σ² I| = σ^(2D)."""
        ...


def optional_prior(power: Any) -> Any:
    """Declare a field that holds a prior with this power, or None."""

    def check(_: Any, field: "attrs.Attribute[Any]", prior: Any) -> None:
        if prior is not None and (isinstance(prior, type) or not isinstance(prior, power)):
            raise TypeError(f"{field.name}: expected None or a {power.__name__} of emkit.priors, found {prior!r:.60}")

    return attrs.field(default=None, validator=check)
