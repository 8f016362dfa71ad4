"""Normal-inverse-Wishart and normal-inverse-gamma priors on the components of a Gaussian mixture.

Reference: C. Fraley and A. E. Raftery (2007), Bayesian regularization for normal mixture estimation and model-based
clustering, Journal of Classification 24, 155-181. The modes here are exact joint modes of mean and covariance,
derived from the densities as written below.
"""

from typing import Any, final

import numpy as np

from emkit.arguments import check_count
from emkit.arrays import Array
from emkit.data import as_matrix, split_weight
from emkit.declarations import positive, positive_definite, real
from emkit.priors.conjugate import PseudoObservations
from emkit.values import value

DEFAULT_SHRINKAGE = 0.01  # Fraley and Raftery (2007), section 3.1


@final
@value
class NormalInverseWishart:
    """Prior of components with full or tied covariances.

    Σ ~ inverse-Wishart(degrees, scale), density ∝ |Σ|^(-(ν + D + 1)/2) exp(-tr(Λ Σ⁻¹)/2); μ_k | Σ ~ N(mean, Σ/κ).
    The joint mode is Σ_k = (Λ + S_k + κ n_k/(κ + n_k) (x̄_k - m)(x̄_k - m)ᵀ) / (ν + n_k + D + 2); one tied covariance
    has the denominator ν + n + D + 1 + K.
    """

    mean: Array = real("D", free=False)
    shrinkage: float = positive(free=False)  # κ: how many rows the prior mean counts for
    degrees: float = positive(free=False)  # ν
    scale: Array = positive_definite("D", "D", free=False)  # Λ

    def on_covariance(self) -> PseudoObservations:
        """State the prior as pseudo-observations."""
        return PseudoObservations(self.shrinkage, self.mean, self.scale, self.degrees + len(self.mean) + 1)

    @classmethod
    def fraley_raftery(cls, x: Any, n_components: int) -> "NormalInverseWishart":
        """Return the data-dependent default: m = x̄, κ = 0.01, ν = D + 2, Λ = cov(x) / K^(2/D).

        Args:
            x: (N, D), or `Weighted`, a weight of n counting as n rows.
            n_components: K.

        Raises:
            ValueError: fewer than two rows.
            ParameterError: the columns of x are linearly dependent.
        """
        mean, covariance = _mean_and_covariance(x)
        width = len(mean)
        shrink = check_count("n_components", n_components) ** (2 / width)
        return cls(mean, DEFAULT_SHRINKAGE, width + 2, covariance / shrink)


@final
@value
class NormalInverseGamma:
    """Prior of components with diagonal or spherical covariances.

    Each variance σ² ~ inverse-gamma(ν/2, ς²/2), density ∝ (σ²)^(-(ν + 2)/2) exp(-ς²/(2σ²)); μ | σ² ~ N(mean, σ²/κ).
    With a_kd = s_kd + κ n_k/(κ + n_k) (x̄_kd - m_d)², the joint mode of diagonal components is
    σ²_kd = (ς²_d + a_kd) / (ν + n_k + 3), and that of spherical ones, with ς² the mean of the ς²_d, is
    σ²_k = (ς² + Σ_d a_kd) / (ν + (n_k + 1) D + 2).
    """

    mean: Array = real("D", free=False)
    shrinkage: float = positive(free=False)  # κ: how many rows the prior mean counts for
    degrees: float = positive(free=False)  # ν
    scale: Array = positive("D", free=False)  # ς²

    def on_diagonal(self) -> PseudoObservations:
        """State the prior as pseudo-observations of D separate columns."""
        return PseudoObservations(self.shrinkage, self.mean, self.scale, self.degrees + 2)

    def on_spherical(self) -> PseudoObservations:
        """State the prior as pseudo-observations of one variance; its exponent is per column."""
        scale = np.asarray(self.scale.mean())
        return PseudoObservations(self.shrinkage, self.mean, scale, (self.degrees + 2) / len(self.mean))

    @classmethod
    def fraley_raftery(cls, x: Any, n_components: int) -> "NormalInverseGamma":
        """Return the data-dependent default: m = x̄, κ = 0.01, ν = D + 2, every ς² the mean variance / K^(2/D).

        Args:
            x: (N, D), or `Weighted`, a weight of n counting as n rows.
            n_components: K.

        Raises:
            ValueError: fewer than two rows.
            ParameterError: every column of x is constant.
        """
        mean, covariance = _mean_and_covariance(x)
        width = len(mean)
        scale = np.diagonal(covariance).mean() / check_count("n_components", n_components) ** (2 / width)
        return cls(mean, DEFAULT_SHRINKAGE, width + 2, np.full(width, scale))


def _mean_and_covariance(x: Any) -> tuple[Array, Array]:
    """Return mean (D,) and covariance (D, D) with the denominator Σ w - 1."""
    data, weight = split_weight(x)
    rows = as_matrix(data)
    counts = np.ones(len(rows)) if weight is None else weight
    if counts.sum() <= 1:
        raise ValueError(f"data: expected more than one row to estimate a covariance, found {counts.sum():g}")
    mean = (counts / counts.sum()) @ rows
    centred = (rows - mean) * np.sqrt(counts)[:, None]
    return mean, centred.T @ centred / (counts.sum() - 1)
