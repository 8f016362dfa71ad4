"""Variances: columns that are independent within a component."""

from typing import final

import attrs
import numpy as np

from emkit.arrays import Array, stretched
from emkit.emissions.gaussian.missing import ByCell
from emkit.incomplete import Incomplete, Mask


@final
@attrs.frozen(eq=False)
class Independent:
    """Diagonal covariances, a variance for each column of each component or one for all columns of each."""

    stored: Array  # (K, D), or (K,) for all columns
    shape: tuple[int, int]  # K, D

    @property
    def matrices(self) -> Array:
        """The Σ_k, (K, D, D)."""
        return self.variances[:, :, None] * np.eye(self.shape[1])

    @property
    def variances(self) -> Array:
        """The diagonals of the Σ_k, (K, D)."""
        return stretched(self.stored.reshape(self.shape[0], -1), self.shape)

    @property
    def inverse_roots(self) -> Array:
        """The inverse standard deviations in the shape of what is stored: (K, D), or (K,) for all columns."""
        return 1 / np.sqrt(self.stored)

    @property
    def unexplained(self) -> Array:
        """Ones, (K, D): no column depends on another."""
        return np.ones(self.shape)

    @property
    def log_volume(self) -> Array:
        """log|Σ_k| = Σ_d log σ²_kd, (K,)."""
        return np.log(self.variances).sum(axis=1)

    def whiten(self, k: int, centred: Array) -> Array:
        """Return each row of (N, D) divided by the standard deviations."""
        return centred / np.sqrt(self.variances[k])

    def whiten_columns(self, k: int, deviations: Array, out: Array) -> None:
        """Write deviations (D, N) divided by the standard deviations to `out` (D, N)."""
        np.multiply(deviations, 1 / np.sqrt(self.variances[k])[:, None], out=out)

    def precision_times(self, deviations: Array) -> Array:
        """Return Σ_k⁻¹ times one deviation of each component (K, D), (K, D)."""
        return deviations / self.variances

    def reach(self, extent: Array) -> Array:
        """Return the largest |Σ_k^(-1/2) d|² for |d| up to an extent of each component (K, D), (K,)."""
        return (np.square(extent) / self.variances).sum(axis=1)

    def exceed_zero(self, variances: Array) -> bool:
        """Return whether variances are all positive."""
        return bool((variances > 0).all())

    def colour(self, k: int, noise: Array) -> Array:
        """Return each row of (N, D) times the standard deviations."""
        return noise * np.sqrt(self.variances[k])

    def trace(self, scatter: Array) -> float:
        """Return Σ_k tr(Σ_k⁻¹ scatter_k)."""
        return float((scatter / self.stored).sum())

    def largest_share(self, floor: Array) -> Array:
        """Return the largest ratio of a floor to the variances, (K,)."""
        return (floor / self.stored).reshape(self.shape[0], -1).max(axis=1)

    def unlike(self, k: int, j: int) -> float:
        """Return the largest difference between the variances of two components, relative to the first."""
        return float((np.abs(self.variances[k] - self.variances[j]) / self.variances[k]).max())

    def component(self, k: int) -> Array:
        """Return the variances of one component, as they are stored."""
        return self.stored[k : k + 1]

    def marginal(self, features: list[int]) -> Array:
        """Return the variances of some columns alone."""
        return self.stored[:, features] if self.stored.ndim == 2 else self.stored

    def residual(self, given: list[int], rest: list[int]) -> tuple[Array, Array]:
        """Return slopes of zero, (K, R, G), and the variances of columns `rest`."""
        return np.zeros((self.shape[0], len(rest), len(given))), self.marginal(rest)

    def given_seen(self, means: Array, x: Incomplete) -> ByCell:
        """Return what incomplete rows tell, where the components have these means (K, D)."""
        return ByCell(x, means, self.variances)

    def seen(self, seen: Mask, weight: Array) -> Array:
        """Return the weight of the rows that show each column, (D,)."""
        return np.asarray(weight @ seen)
