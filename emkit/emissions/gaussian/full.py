"""Gaussian components, each with a covariance matrix of its own."""

from functools import cached_property
from typing import Self, final

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from emkit.arrays import Array, average
from emkit.constraints import unexplained
from emkit.declarations import positive_definite, real
from emkit.emissions.gaussian.base import Gaussian, repeat_pseudo
from emkit.moments import FullMoments
from emkit.priors.conjugate import CovariancePrior, optional_prior
from emkit.priors.ridge import Ridge
from emkit.values import replace, value


@final
@value
class FullGaussian(Gaussian[FullMoments]):
    """K Gaussian components, each with a full covariance matrix; mclust calls it VVV.

    Args:
        means: (K, D).
        covariances: (K, D, D), positive definite.
        prior: `Ridge`, `NormalInverseWishart`, or None for plain maximum likelihood.

    Raises (on construction):
        ParameterError: shapes disagree, or a covariance is not positive definite; the message names it.
    """

    means: Array = real("K", "D")
    covariances: Array = positive_definite("K", "D", "D")
    prior: CovariancePrior | None = optional_prior(CovariancePrior)

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: CovariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""
        places = np.asarray(means, dtype=np.float64)
        return cls(places, np.tile(np.diag(np.asarray(variances)), (len(places), 1, 1)), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> Ridge:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""
        return Ridge(np.diag(variances), strength)

    @cached_property
    def cholesky(self) -> Array:
        """The lower Cholesky factors L_k of the covariances, (K, D, D)."""
        return np.asarray(np.linalg.cholesky(self.covariances), dtype=np.float64)

    def covariance_matrices(self) -> Array:
        """Return Σ_k, (K, D, D)."""
        return self.covariances

    def column_variances(self) -> Array:
        """Return the diagonals of the Σ_k, (K, D)."""
        return np.diagonal(self.covariances, axis1=1, axis2=2)

    @cached_property
    def unexplained(self) -> Array:
        """The share of each column's variance that the other columns leave unexplained, (K, D)."""
        return unexplained(self.cholesky, self.column_variances())

    @property
    def log_volume(self) -> Array:
        """log|Σ_k| = 2 Σ_i log L_ii, (K,)."""
        return 2 * np.log(np.diagonal(self.cholesky, axis1=1, axis2=2)).sum(axis=1)

    def whiten(self, k: int, centred: Array) -> Array:
        """Return L_k⁻¹ applied to each row of (N, D)."""
        return solve_triangular(self.cholesky[k], centred.T, lower=True, check_finite=False).T

    def colour(self, k: int, noise: Array) -> Array:
        """Return L_k applied to each row of (N, D)."""
        return noise @ self.cholesky[k].T

    def trace(self, scatter: Array) -> float:
        """Return Σ_k tr(Σ_k⁻¹ scatter_k) for scatter (K, D, D)."""
        return sum(whitened_trace(factor, one) for factor, one in zip(self.cholesky, scatter, strict=True))

    def marginal(self, features: list[int]) -> Self:
        """Return the components of some columns alone, without their prior."""
        return replace(
            self,
            means=self.means[:, features],
            covariances=self.covariances[:, features][:, :, features],
            prior=None,
        )

    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Self]:
        """Return the slopes (K, R, G) of `rest` on `given`, and components with the residual covariances."""
        slopes, covariances = zip(*(regression(one, given, rest) for one in self.covariances), strict=True)
        left = replace(self, means=self.means[:, rest], covariances=np.stack(covariances), prior=None)
        return np.stack(slopes), left

    def _moments(self) -> type[FullMoments]:
        return FullMoments

    def _pseudo(self) -> tuple[FullMoments, Array] | None:
        if self.prior is None:
            return None
        pseudo = self.prior.on_covariance()
        scatter = np.tile(pseudo.scatter, (len(self.means), 1, 1))
        return repeat_pseudo(FullMoments, pseudo, len(self.means), scatter=scatter)

    def _with_scatter(self, means: Array, scatter: Array, count: Array) -> Self:
        return replace(self, means=means, covariances=average(scatter, count, otherwise=self.covariances))

    def _zero_scatter(self) -> Array:
        return np.zeros_like(self.covariances)

    def _unlike(self, k: int, j: int) -> float:
        scale = np.sqrt(self.column_variances()[k])  # (D,)
        return float((np.abs(self.covariances[k] - self.covariances[j]) / scale / scale[:, None]).max())

    def _floor_share(self, floor: Array) -> Array:
        return np.array([largest_share(self.cholesky[k], floor[k]) for k in range(len(self.means))])


def whitened_trace(cholesky: Array, scatter: Array) -> float:
    """Return tr(Σ⁻¹ S) for Σ = L Lᵀ, as a sum of squares, so that no digit is lost where Σ is nearly singular."""
    return float(np.square(solve_triangular(cholesky, _half(scatter), lower=True)).sum())


def largest_share(cholesky: Array, floor: Array) -> float:
    """Return the largest eigenvalue of L⁻¹ F L⁻ᵀ: how much of a covariance L Lᵀ a floor F makes up, at most."""
    return float(np.linalg.norm(solve_triangular(cholesky, _half(floor), lower=True), ord=2)) ** 2


def _half(matrix: Array) -> Array:
    """Return H, (D, D), with H Hᵀ the matrix, which may be singular."""
    try:
        return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        scale = np.sqrt(np.diagonal(matrix))  # (D,)
        units = np.where(scale > 0, scale, 1.0)
        values, vectors = np.linalg.eigh(matrix / units[:, None] / units)
        return units[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))


def regression(covariance: Array, given: list[int], rest: list[int]) -> tuple[Array, Array]:
    """Return the slopes (R, G) of columns `rest` on columns `given`, and the residual covariance (R, R).

    Both are read off the Cholesky factor of the reordered matrix, so that the residual is positive definite.
    """
    order = given + rest
    factor = np.linalg.cholesky(covariance[np.ix_(order, order)])
    split = len(given)
    slopes = solve_triangular(factor[:split, :split], factor[split:, :split].T, lower=True, trans="T").T
    corner = factor[split:, split:]
    return slopes, corner @ corner.T
