"""Gaussian components with independent columns, each with a variance of its own."""

from typing import Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array, average
from emkit.declarations import positive, real
from emkit.emissions.gaussian.base import Gaussian, repeat_pseudo
from emkit.moments import DiagonalMoments
from emkit.priors.conjugate import VariancePrior, optional_prior
from emkit.priors.ridge import DiagonalRidge
from emkit.values import replace, value


@final
@value
class DiagonalGaussian(Gaussian[DiagonalMoments]):
    """K Gaussian components with diagonal covariances; mclust calls it VVI.

    Args:
        means: (K, D).
        variances: (K, D), positive.
        prior: `DiagonalRidge`, `NormalInverseGamma`, or None for plain maximum likelihood.

    Raises (on construction):
        ParameterError: shapes disagree, or a variance is not positive; the message names it.
    """

    means: Array = real("K", "D")
    variances: Array = positive("K", "D")
    prior: VariancePrior | None = optional_prior(VariancePrior)

    @classmethod
    def at(cls, means: npt.ArrayLike, variances: npt.ArrayLike, *, prior: VariancePrior | None = None) -> Self:
        """Return components at means (K, D) that share the diagonal covariance `variances` (D,)."""
        places = np.asarray(means, dtype=np.float64)
        return cls(places, np.tile(np.asarray(variances), (len(places), 1)), prior)

    @classmethod
    def weak_ridge(cls, variances: Array, strength: float) -> DiagonalRidge:
        """Return a ridge towards a diagonal covariance `variances` (D,)."""
        return DiagonalRidge(variances, strength)

    @property
    def covariances(self) -> Array:
        """The covariance matrices, (K, D, D)."""
        return self.variances[:, :, None] * np.eye(self.means.shape[1])

    def covariance_matrices(self) -> Array:
        """Return Σ_k, (K, D, D)."""
        return self.covariances

    def column_variances(self) -> Array:
        """Return the diagonals of the Σ_k, (K, D)."""
        return self.variances

    @property
    def unexplained(self) -> Array:
        """Ones, (K, D): no column depends on another."""
        return np.ones_like(self.means)

    @property
    def log_volume(self) -> Array:
        """log|Σ_k| = Σ_d log σ²_kd, (K,)."""
        return np.log(self.variances).sum(axis=1)

    def whiten(self, k: int, centred: Array) -> Array:
        """Return each row of (N, D) divided by the standard deviations."""
        return centred / np.sqrt(self.variances[k])

    def colour(self, k: int, noise: Array) -> Array:
        """Return each row of (N, D) times the standard deviations."""
        return noise * np.sqrt(self.variances[k])

    def trace(self, scatter: Array) -> float:
        """Return Σ_k tr(Σ_k⁻¹ scatter_k) for the diagonals of scatter, (K, D)."""
        return float((scatter / self.variances).sum())

    def marginal(self, features: list[int]) -> Self:
        """Return the components of some columns alone, without their prior."""
        return replace(self, means=self.means[:, features], variances=self.variances[:, features], prior=None)

    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Self]:
        """Return slopes of zero, (K, R, G), and the components of `rest`: the columns are independent."""
        return np.zeros((len(self.means), len(rest), len(given))), self.marginal(rest)

    def _moments(self) -> type[DiagonalMoments]:
        return DiagonalMoments

    def _pseudo(self) -> tuple[DiagonalMoments, Array] | None:
        if self.prior is None:
            return None
        pseudo = self.prior.on_diagonal()
        scatter = np.tile(pseudo.scatter, (len(self.means), 1))
        return repeat_pseudo(DiagonalMoments, pseudo, len(self.means), scatter=scatter)

    def _with_scatter(self, means: Array, scatter: Array, count: Array) -> Self:
        return replace(self, means=means, variances=average(scatter, count, otherwise=self.variances))

    def _zero_scatter(self) -> Array:
        return np.zeros_like(self.variances)

    def _unlike(self, k: int, j: int) -> float:
        return float((np.abs(self.variances[k] - self.variances[j]) / self.variances[k]).max())

    def _floor_share(self, floor: Array) -> Array:
        return (floor / self.variances).max(axis=1)
