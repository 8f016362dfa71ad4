"""Covariance matrices: columns that depend on each other."""

from functools import cached_property
from typing import final

import attrs
import numpy as np
from scipy.linalg import lapack, solve_triangular

from emkit.arrays import Array, stretched
from emkit.emissions.gaussian.missing import ByPattern
from emkit.incomplete import Incomplete, Mask
from emkit.matrices import least_squares, square_root

STRIPE = 16
"""Rows of a triangular matrix that are multiplied together, from the left edge to the diagonal."""


@final
@attrs.frozen(slots=False, eq=False)
class Correlated:
    """Covariance matrices Σ_k = L_k L_kᵀ, one for each component or one for all."""

    stored: Array  # (K, D, D), or (D, D) for all
    shape: tuple[int, int]  # K, D

    @cached_property
    def cholesky(self) -> Array:
        """The lower Cholesky factors L_k, (K, D, D)."""
        return self._each(_factors(self.stored))

    @cached_property
    def whitening(self) -> Array:
        """The lower triangular L_k⁻¹, (K, D, D), or (1, D, D) for all."""
        factors = _factors(self.stored).reshape(-1, *self.stored.shape[-2:])
        for k, factor in enumerate(factors):
            factors[k] = lapack.dtrtri(factor, lower=1)[0]  # in their place: an E-step has no use for both
        return factors

    @property
    def inverse_roots(self) -> Array:
        """The L_k⁻¹ in the shape of what is stored: (K, D, D), or (D, D) for all."""
        return self.whitening.reshape(self.stored.shape)

    @cached_property
    def precisions(self) -> Array:
        """The Σ_k⁻¹, (K, D, D)."""
        whitening = self.whitening
        return self._each(whitening.swapaxes(1, 2) @ whitening)

    @cached_property
    def matrices(self) -> Array:
        """The Σ_k, (K, D, D)."""
        return self._each(self.stored)

    @cached_property
    def variances(self) -> Array:
        """The diagonals of the Σ_k, (K, D)."""
        return np.diagonal(self.matrices, axis1=1, axis2=2)

    @cached_property
    def unexplained(self) -> Array:
        """The share of each column's variance that the other columns leave unexplained, (K, D)."""
        deviations = np.sqrt(self.variances[: len(self.whitening), None, :])
        precision = np.square(self.whitening * deviations).sum(axis=1)  # the diagonals of inverse correlations
        return stretched(1 / precision, self.shape)

    @cached_property
    def log_volume(self) -> Array:
        """log|Σ_k| = -2 Σ_i log (L⁻¹)_ii, (K,)."""
        each = -2 * np.log(np.diagonal(self.whitening, axis1=1, axis2=2)).sum(axis=1)
        return stretched(each, self.shape[:1])

    def whiten(self, k: int, centred: Array) -> Array:
        """Return L_k⁻¹ applied to each row of (N, D)."""
        return solve_triangular(self.cholesky[k], centred.T, lower=True, check_finite=False).T

    def whiten_columns(self, k: int, deviations: Array, out: Array) -> None:
        """Write L_k⁻¹ times deviations (D, N) to `out` (D, N); stripes leave out what is zero above the diagonal."""
        whitening, size = self.whitening[k % len(self.whitening)], len(deviations)
        stripe = max(STRIPE, -(-size // 4))
        for top in range(0, size, stripe):
            end = min(top + stripe, size)
            np.matmul(whitening[top:end, :end], deviations[:end], out=out[top:end])

    def precision_times(self, deviations: Array) -> Array:
        """Return Σ_k⁻¹ times one deviation of each component (K, D), (K, D)."""
        return (self.precisions @ deviations[:, :, None])[:, :, 0]

    def reach(self, extent: Array) -> Array:
        """Return the largest |Σ_k^(-1/2) d|² for |d| up to an extent of each component (K, D), at most, (K,)."""
        return np.square(np.abs(self.whitening) @ extent[:, :, None]).sum(axis=(1, 2))

    def exceed_zero(self, matrices: Array) -> bool:
        """Return whether symmetric matrices (..., D, D) are all positive definite."""
        try:
            np.linalg.cholesky(matrices)
        except np.linalg.LinAlgError:
            return False
        return True

    def colour(self, k: int, noise: Array) -> Array:
        """Return L_k applied to each row of (N, D)."""
        return noise @ self.cholesky[k].T

    def trace(self, scatter: Array) -> float:
        """Return Σ tr(Σ_k⁻¹ scatter_k), as sums of squares, so that no digit is lost where Σ is nearly singular."""
        every = scatter.reshape(-1, *scatter.shape[-2:])  # (K, D, D), or (1, D, D) for all
        return float(np.square(self.whitening @ square_root(every)).sum())

    def largest_share(self, floor: Array) -> Array:
        """Return the largest eigenvalues of L_k⁻¹ floor_k L_k⁻ᵀ, (K,)."""
        return np.asarray(np.linalg.norm(self.whitening @ square_root(self._each(floor)), ord=2, axis=(1, 2))) ** 2

    def unlike(self, k: int, j: int) -> float:
        """Return the largest difference between two covariance matrices, in units of the deviations of the first."""
        scale = np.sqrt(self.variances[k])  # (D,)
        return float((np.abs(self.matrices[k] - self.matrices[j]) / scale / scale[:, None]).max())

    def component(self, k: int) -> Array:
        """Return the covariance matrix of one component, as it is stored."""
        return self.stored[k : k + 1] if self.stored.ndim == 3 else self.stored

    def marginal(self, features: list[int]) -> Array:
        """Return the covariance matrices of some columns alone."""
        return self.stored[..., features, :][..., :, features]

    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Array]:
        """Return the slopes (K, R, G) of columns `rest` on `given`, and the residual covariance matrices."""
        every = self.stored.reshape(-1, *self.matrices.shape[1:])
        slopes, left = zip(*(least_squares(one, given, rest) for one in every), strict=True)
        return self._each(np.stack(slopes)), np.reshape(left, (*self.stored.shape[:-2], len(rest), len(rest)))

    def given_seen(self, means: Array, x: Incomplete) -> ByPattern:
        """Return what incomplete rows tell, where the components have these means (K, D)."""
        return ByPattern(x, means, self.stored)

    def seen(self, seen: Mask, weight: Array) -> Array:
        """Return the weight of the rows that show both of two columns, (D, D)."""
        return np.asarray(seen.T @ (weight[:, None] * seen))

    def _each(self, stored: Array) -> Array:
        return stretched(stored, (self.shape[0], *stored.shape[-2:]))


def _factors(matrices: Array) -> Array:
    """Return the lower Cholesky factors of matrices (..., D, D)."""
    return np.asarray(np.linalg.cholesky(matrices), dtype=np.float64)
