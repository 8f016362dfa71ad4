"""Gaussian components, each with a covariance matrix of its own."""

from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.declarations import fixed, positive_definite, real
from emkit.emissions.gaussian.base import Gaussian
from emkit.emissions.gaussian.correlated import Correlated
from emkit.emissions.gaussian.squares import FullProducts
from emkit.moments import FullMoments
from emkit.priors.conjugate import CovariancePrior, PseudoObservations, optional_prior
from emkit.priors.ridge import Ridge
from emkit.values import value


@final
@value
class FullGaussian(Gaussian[FullMoments]):
    """K Gaussian components, each with a full covariance matrix; mclust calls it VVV.

    Args:
        means: (K, D).
        covariances: (K, D, D), positive definite.
        prior: `Ridge`, `NormalInverseWishart`, or None for plain maximum likelihood.
        fixed: {"means"}, {"covariances"} or both, to hold them.

    Raises (on construction):
        ParameterError: shapes disagree, or a covariance is not positive definite; the message names it.
    """

    stored_as: ClassVar[str] = "covariances"
    form: ClassVar[type[Correlated]] = Correlated
    products: ClassVar[type[FullProducts]] = FullProducts

    means: Array = real("K", "D")
    covariances: Array = positive_definite("K", "D", "D")
    prior: CovariancePrior | None = optional_prior(CovariancePrior)
    fixed: frozenset[str] = fixed()

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: CovariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""
        places = np.asarray(means, dtype=np.float64)
        return cls(places, np.tile(np.diag(np.asarray(variances)), (len(places), 1, 1)), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> Ridge:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""
        return Ridge(np.diag(variances), strength)

    def stated_prior(self) -> PseudoObservations | None:
        """Return the prior of one component, None without a prior."""
        return None if self.prior is None else self.prior.on_covariance()
