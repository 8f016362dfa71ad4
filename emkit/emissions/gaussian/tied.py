"""Gaussian components that share one covariance matrix."""

from typing import ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.declarations import fixed, positive_definite, real
from emkit.emissions.gaussian.base import Gaussian
from emkit.emissions.gaussian.correlated import Correlated
from emkit.emissions.gaussian.squares import TiedProducts
from emkit.moments import TiedMoments
from emkit.priors.conjugate import CovariancePrior, PseudoObservations, optional_prior
from emkit.priors.ridge import Ridge
from emkit.values import value


@final
@value
class TiedGaussian(Gaussian[TiedMoments]):
    """K Gaussian components that share one full covariance matrix; mclust calls it EEE.

    Args:
        means: (K, D).
        covariance: (D, D), positive definite.
        prior: `Ridge`, `NormalInverseWishart`, or None for plain maximum likelihood.
        fixed: {"means"}, {"covariance"} or both, to hold them.

    Raises (on construction):
        ParameterError: shapes disagree, or the covariance is not positive definite.
    """

    stored_as: ClassVar[str] = "covariance"
    form: ClassVar[type[Correlated]] = Correlated
    products: ClassVar[type[TiedProducts]] = TiedProducts

    means: Array = real("K", "D")
    covariance: Array = positive_definite("D", "D")
    prior: CovariancePrior | None = optional_prior(CovariancePrior)
    fixed: frozenset[str] = fixed()

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: CovariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""
        return cls(np.asarray(means, dtype=np.float64), np.diag(np.asarray(variances)), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> Ridge:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""
        return Ridge(np.diag(variances), strength)

    def stated_prior(self) -> PseudoObservations | None:
        """Return the prior of one component, None without a prior."""
        return None if self.prior is None else self.prior.on_covariance()
