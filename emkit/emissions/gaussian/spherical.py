"""Gaussian components that are round: one variance for all columns of a component."""

from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.declarations import fixed, positive, real
from emkit.emissions.gaussian.base import Gaussian
from emkit.emissions.gaussian.independent import Independent
from emkit.emissions.gaussian.squares import SphericalProducts
from emkit.moments import SphericalMoments
from emkit.priors.conjugate import PseudoObservations, VariancePrior, optional_prior
from emkit.priors.ridge import DiagonalRidge
from emkit.values import value


@final
@value
class SphericalGaussian(Gaussian[SphericalMoments]):
    """K Gaussian components with covariances σ_k² I; mclust calls it VII.

    Args:
        means: (K, D).
        variances: (K,), positive.
        prior: `DiagonalRidge`, `NormalInverseGamma`, or None for plain maximum likelihood.
        fixed: {"means"}, {"variances"} or both, to hold them.

    Raises (on construction):
        ParameterError: shapes disagree, or a variance is not positive; the message names it.
    """

    stored_as: ClassVar[str] = "variances"
    form: ClassVar[type[Independent]] = Independent
    products: ClassVar[type[SphericalProducts]] = SphericalProducts

    means: Array = real("K", "D")
    variances: Array = positive("K")
    prior: VariancePrior | None = optional_prior(VariancePrior)
    fixed: frozenset[str] = fixed()

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: VariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the mean of `variances` (D,)."""
        places = np.asarray(means, dtype=np.float64)
        return cls(places, np.full(len(places), float(np.mean(np.asarray(variances)))), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> DiagonalRidge:
        """Return a ridge towards the mean of `variances` (D,), of which some may be zero."""
        return DiagonalRidge(np.full_like(variances, variances.mean()), strength)

    def stated_prior(self) -> PseudoObservations | None:
        """Return the prior of one component, None without a prior."""
        return None if self.prior is None else self.prior.on_spherical()
