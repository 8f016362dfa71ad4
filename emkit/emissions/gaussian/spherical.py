"""Gaussian components that are round: one variance for all columns of a component."""

from typing import Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array, average
from emkit.declarations import positive, real
from emkit.emissions.gaussian.base import Gaussian, repeat_pseudo
from emkit.moments import SphericalMoments
from emkit.priors.conjugate import VariancePrior, optional_prior
from emkit.priors.ridge import DiagonalRidge
from emkit.values import replace, value


@final
@value
class SphericalGaussian(Gaussian[SphericalMoments]):
    """K Gaussian components with covariances σ_k² I; mclust calls it VII.

    Args:
        means: (K, D).
        variances: (K,), positive.
        prior: `DiagonalRidge`, `NormalInverseGamma`, or None for plain maximum likelihood.

    Raises (on construction):
        ParameterError: shapes disagree, or a variance is not positive; the message names it.
    """

    means: Array = real("K", "D")
    variances: Array = positive("K")
    prior: VariancePrior | None = optional_prior(VariancePrior)

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: VariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the mean of `variances` (D,)."""
        places = np.asarray(means, dtype=np.float64)
        return cls(places, np.full(len(places), float(np.mean(np.asarray(variances)))), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> DiagonalRidge:
        """Return a ridge towards the mean of `variances` (D,), of which some may be zero."""
        return DiagonalRidge(np.full_like(variances, variances.mean()), strength)

    @property
    def covariances(self) -> Array:
        """The covariance matrices, (K, D, D)."""
        return self.variances[:, None, None] * np.eye(self.means.shape[1])

    def covariance_matrices(self) -> Array:
        """Return Σ_k, (K, D, D)."""
        return self.covariances

    def column_variances(self) -> Array:
        """Return the diagonals of the Σ_k, (K, D)."""
        return np.broadcast_to(self.variances[:, None], self.means.shape)

    @property
    def unexplained(self) -> Array:
        """Ones, (K, D): no column depends on another."""
        return np.ones_like(self.means)

    @property
    def log_volume(self) -> Array:
        """log|Σ_k| = D log σ_k², (K,)."""
        return self.means.shape[1] * np.log(self.variances)

    def whiten(self, k: int, centred: Array) -> Array:
        """Return each row of (N, D) divided by the standard deviation."""
        return centred / np.sqrt(self.variances[k])

    def colour(self, k: int, noise: Array) -> Array:
        """Return each row of (N, D) times the standard deviation."""
        return noise * np.sqrt(self.variances[k])

    def trace(self, scatter: Array) -> float:
        """Return Σ_k tr(Σ_k⁻¹ scatter_k) for the traces of scatter, (K,)."""
        return float((scatter / self.variances).sum())

    def marginal(self, features: list[int]) -> Self:
        """Return the components of some columns alone, without their prior."""
        return replace(self, means=self.means[:, features], prior=None)

    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Self]:
        """Return slopes of zero, (K, R, G), and the components of `rest`: the columns are independent."""
        return np.zeros((len(self.means), len(rest), len(given))), self.marginal(rest)

    def _moments(self) -> type[SphericalMoments]:
        return SphericalMoments

    def _pseudo(self) -> tuple[SphericalMoments, Array] | None:
        if self.prior is None:
            return None
        pseudo = self.prior.on_spherical()
        return repeat_pseudo(
            SphericalMoments, pseudo, len(self.means), scatter=np.full(len(self.means), float(pseudo.scatter))
        )

    def _with_scatter(self, means: Array, scatter: Array, count: Array) -> Self:
        columns = self.means.shape[1]
        return replace(self, means=means, variances=average(scatter, columns * count, otherwise=self.variances))

    def _zero_scatter(self) -> Array:
        return np.zeros_like(self.variances)

    def _unlike(self, k: int, j: int) -> float:
        return float((np.abs(self.variances[k] - self.variances[j]) / self.variances[k]).max())

    def _floor_share(self, floor: Array) -> Array:
        return floor / (self.means.shape[1] * self.variances)
