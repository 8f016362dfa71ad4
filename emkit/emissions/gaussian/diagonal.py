"""Gaussian components with independent columns, each with a variance of its own."""

from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.declarations import fixed, positive, real
from emkit.emissions.gaussian.base import Gaussian
from emkit.emissions.gaussian.independent import Independent
from emkit.emissions.gaussian.squares import DiagonalProducts
from emkit.moments import DiagonalMoments
from emkit.priors.conjugate import PseudoObservations, VariancePrior, optional_prior
from emkit.priors.ridge import DiagonalRidge
from emkit.values import value


@final
@value
class DiagonalGaussian(Gaussian[DiagonalMoments]):
    """K Gaussian components with diagonal covariances; mclust calls it VVI.

    Args:
        means: (K, D).
        variances: (K, D), positive.
        prior: `DiagonalRidge`, `NormalInverseGamma`, or None for plain maximum likelihood.
        fixed: {"means"}, {"variances"} or both, to hold them.

    Raises (on construction):
        ParameterError: shapes disagree, or a variance is not positive; the message names it.
    """

    stored_as: ClassVar[str] = "variances"
    form: ClassVar[type[Independent]] = Independent
    products: ClassVar[type[DiagonalProducts]] = DiagonalProducts

    means: Array = real("K", "D")
    variances: Array = positive("K", "D")
    prior: VariancePrior | None = optional_prior(VariancePrior)
    fixed: frozenset[str] = fixed()

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: VariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""
        places = np.asarray(means, dtype=np.float64)
        return cls(places, np.tile(np.asarray(variances), (len(places), 1)), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> DiagonalRidge:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""
        return DiagonalRidge(variances, strength)

    def stated_prior(self) -> PseudoObservations | None:
        """Return the prior of one component, None without a prior."""
        return None if self.prior is None else self.prior.on_diagonal()
