"""Gaussian components that share one covariance matrix."""

from functools import cached_property
from typing import Self, final

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from emkit.arrays import Array, average
from emkit.constraints import unexplained
from emkit.declarations import positive_definite, real
from emkit.emissions.gaussian.base import Gaussian, repeat_pseudo
from emkit.emissions.gaussian.full import largest_share, regression, whitened_trace
from emkit.moments import TiedMoments
from emkit.priors.conjugate import CovariancePrior, optional_prior
from emkit.priors.ridge import Ridge
from emkit.values import replace, value


@final
@value
class TiedGaussian(Gaussian[TiedMoments]):
    """K Gaussian components that share one full covariance matrix; mclust calls it EEE.

    Args:
        means: (K, D).
        covariance: (D, D), positive definite.
        prior: `Ridge`, `NormalInverseWishart`, or None for plain maximum likelihood.

    Raises (on construction):
        ParameterError: shapes disagree, or the covariance is not positive definite.
    """

    means: Array = real("K", "D")
    covariance: Array = positive_definite("D", "D")
    prior: CovariancePrior | None = optional_prior(CovariancePrior)

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: CovariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""
        return cls(np.asarray(means, dtype=np.float64), np.diag(np.asarray(variances)), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> Ridge:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""
        return Ridge(np.diag(variances), strength)

    @cached_property
    def cholesky(self) -> Array:
        """The lower Cholesky factor L of the covariance, (D, D)."""
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=np.float64)

    @property
    def covariances(self) -> Array:
        """The shared covariance matrix, once for each component, (K, D, D)."""
        return np.broadcast_to(self.covariance, (len(self.means), *self.covariance.shape))

    def covariance_matrices(self) -> Array:
        """Return Σ, once for each component, (K, D, D)."""
        return self.covariances

    def column_variances(self) -> Array:
        """Return the diagonal of Σ, once for each component, (K, D)."""
        return np.broadcast_to(np.diagonal(self.covariance), self.means.shape)

    @cached_property
    def unexplained(self) -> Array:
        """The share of each column's variance that the others leave unexplained, once for each component, (K, D)."""
        share = unexplained(self.cholesky, np.diagonal(self.covariance))
        return np.broadcast_to(share, self.means.shape)

    @property
    def log_volume(self) -> Array:
        """log|Σ| = 2 Σ_i log L_ii, once for each component, (K,)."""
        return np.full(len(self.means), 2 * np.log(np.diagonal(self.cholesky)).sum())

    def whiten(self, k: int, centred: Array) -> Array:
        """Return L⁻¹ applied to each row of (N, D)."""
        return solve_triangular(self.cholesky, centred.T, lower=True, check_finite=False).T

    def colour(self, k: int, noise: Array) -> Array:
        """Return L applied to each row of (N, D)."""
        return noise @ self.cholesky.T

    def trace(self, scatter: Array) -> float:
        """Return tr(Σ⁻¹ scatter) for scatter (D, D)."""
        return whitened_trace(self.cholesky, scatter)

    def marginal(self, features: list[int]) -> Self:
        """Return the components of some columns alone, without their prior."""
        covariance = self.covariance[np.ix_(features, features)]
        return replace(self, means=self.means[:, features], covariance=covariance, prior=None)

    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Self]:
        """Return the slopes (K, R, G) of `rest` on `given`, and components with the residual covariance."""
        slopes, covariance = regression(self.covariance, given, rest)
        left = replace(self, means=self.means[:, rest], covariance=covariance, prior=None)
        return np.tile(slopes, (len(self.means), 1, 1)), left

    def _moments(self) -> type[TiedMoments]:
        return TiedMoments

    def _pseudo(self) -> tuple[TiedMoments, Array] | None:
        if self.prior is None:
            return None
        pseudo = self.prior.on_covariance()
        count = len(self.means)
        return repeat_pseudo(TiedMoments, pseudo, count, scatter=pseudo.scatter, means_per_covariance=count)

    def _with_scatter(self, means: Array, scatter: Array, count: Array) -> Self:
        return replace(self, means=means, covariance=average(scatter, count.sum(), otherwise=self.covariance))

    def _zero_scatter(self) -> Array:
        return np.zeros_like(self.covariance)

    def _unlike(self, k: int, j: int) -> float:
        return 0.0

    def _rows_per_covariance(self, count: Array) -> Array:
        return np.full_like(count, count.sum())

    def _floor_share(self, floor: Array) -> Array:
        return np.full(len(self.means), largest_share(self.cholesky, floor))
