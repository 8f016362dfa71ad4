"""What the cells seen of a row tell of the missing ones, in each of K Gaussian components, exactly.

Where columns depend on each other, rows are taken together by the pattern of their missing cells. The Cholesky factor
of a covariance whose columns seen stand first,

    Σ = [ L    ] [ Lᵀ Bᵀ ]
        [ B  C ] [    Cᵀ ],

holds everything: with w = L⁻¹ (x_seen - μ_seen) the density is that of w, the missing cells have mean μ + B w and
covariance C Cᵀ. Nothing is subtracted, so that no digit is lost. Reference: R. J. A. Little and D. B. Rubin (2002),
Statistical Analysis with Missing Data, section 11.2.
"""

from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any, TypeAlias, final

import attrs
import numpy as np
from scipy.linalg import lapack

from emkit.arrays import LOG_2PI, Array
from emkit.divergences import of_normals
from emkit.incomplete import Incomplete, Mask, Rows
from emkit.moments import Group


@attrs.frozen
class _Pattern:
    """Rows with the same cells seen, and the Cholesky factors of the covariances with these columns first."""

    rows: Rows
    seen: Rows  # (O,) column numbers
    missing: Rows  # (M,)
    factors: Array  # (K, D, D)

    def parts(self, k: int) -> tuple[Array, Array, Array]:
        """Return L (O, O), B (M, O) and C (M, M)."""
        split = len(self.seen)
        return self.factors[k, :split, :split], self.factors[k, split:, :split], self.factors[k, split:, split:]


@final
@attrs.frozen(slots=False, eq=False)
class ByPattern:
    """Covariance matrices: one Cholesky factor for each pattern and covariance."""

    x: Incomplete
    means: Array  # (K, D)
    covariances: Array  # (K, D, D), or (D, D) for all

    @cached_property
    def _patterns(self) -> list[_Pattern]:
        return [self._pattern(rows, seen) for rows, seen in self.x.groups()]

    @property
    def _partial(self) -> list[_Pattern]:
        return [pattern for pattern in self._patterns if len(pattern.missing)]

    def _pattern(self, rows: Rows, seen: Mask) -> _Pattern:
        told, hidden = np.flatnonzero(seen), np.flatnonzero(~seen)
        order = np.append(told, hidden)
        factors = np.linalg.cholesky(self.covariances[..., order[:, None], order])
        return _Pattern(rows, told, hidden, np.broadcast_to(factors, (len(self.means), *factors.shape[-2:])))

    def _whitened(self, k: int, pattern: _Pattern) -> Array:
        """Return w of the rows of one pattern, (n, O)."""
        if not len(pattern.seen):
            return np.zeros((len(pattern.rows), 0))
        centred = self.x.data[pattern.rows[:, None], pattern.seen] - self.means[k, pattern.seen]
        return np.asarray(lapack.dtrtrs(pattern.parts(k)[0], centred.T, lower=1)[0].T)

    def log_density(self) -> Array:
        """Return -½ (O log 2π + log|L Lᵀ| + |w|²), (N, K), nats."""
        constant = self.x.seen.sum(axis=1, keepdims=True) * LOG_2PI  # (N, 1)
        return -0.5 * (constant + self.log_volumes() + self.distances())

    def log_volumes(self) -> Array:
        """Return log|L Lᵀ| of the columns seen, (N, K)."""
        volumes = np.empty((len(self.x), len(self.means)))
        for pattern in self._patterns:
            for k in range(len(self.means)):
                volumes[pattern.rows, k] = 2 * np.log(np.diagonal(pattern.parts(k)[0])).sum()
        return volumes

    def distances(self) -> Array:
        """Return |w|² of the columns seen, (N, K)."""
        distance = np.empty((len(self.x), len(self.means)))
        with np.errstate(over="ignore"):  # a distance beyond 1e154 widths: the density is zero
            for pattern in self._patterns:
                for k in range(len(self.means)):
                    distance[pattern.rows, k] = np.square(self._whitened(k, pattern)).sum(axis=1)
        return distance

    def deviations(self, k: int) -> Array:
        """Return B w of the missing cells, (N, D)."""
        expected = np.zeros(self.x.data.shape)
        for pattern in self._partial:
            expected[pattern.rows[:, None], pattern.missing] = self._deviations(k, pattern)
        return expected

    def _deviations(self, k: int, pattern: _Pattern) -> Array:
        """Return B w of the rows of one pattern, (n, M)."""
        return self._whitened(k, pattern) @ pattern.parts(k)[1].T

    def uncertainty(self, k: int, share: Array) -> Array:
        """Return the columns of each pattern's C as rows (R, D), times the root of the weight of its rows."""
        rows = [np.zeros((0, self.means.shape[1]))]
        for pattern in self._partial:
            root = np.zeros((len(pattern.missing), self.means.shape[1]))
            root[:, pattern.missing] = pattern.parts(k)[2].T * np.sqrt(share[pattern.rows].sum())
            rows.append(root)
        return np.concatenate(rows)

    def noise(self, k: int, normal: Array) -> Array:
        """Return C applied to the missing cells of each row of (N, D)."""
        drawn = np.zeros(normal.shape)
        for pattern in self._partial:
            cells = pattern.rows[:, None], pattern.missing
            drawn[cells] = normal[cells] @ pattern.parts(k)[2].T
        return drawn

    def divergence(self, other: Any, scale: Array | float = 1.0) -> Array:
        """Return how far the missing cells of each row move to what another tells of them, (N, K), nats.

        Args:
            other: of the same rows and this class, with means and covariances of its own.
            scale: (N, K) expectation of a latent scale by which the covariances of a row are divided.
        """
        moved = np.zeros((len(self.x), len(self.means)))
        scales = np.broadcast_to(scale, moved.shape)
        for mine, theirs in zip(self._partial, other._partial, strict=True):
            for k in range(len(self.means)):
                shift = other._deviations(k, theirs) - self._deviations(k, mine)  # (n, M)
                shift += (other.means[k] - self.means[k])[mine.missing]
                roots = mine.parts(k)[2], theirs.parts(k)[2]
                moved[mine.rows, k] = of_normals(shift, *roots, scales[mine.rows, k])
        return moved


@final
@attrs.frozen(eq=False)
class ByCell:
    """Variances: a missing cell stands at its mean with its variance, whatever else is seen of its row."""

    x: Incomplete
    means: Array  # (K, D)
    variances: Array  # (K, D)

    def log_density(self) -> Array:
        """Return the sum over the cells seen of -½ (log 2π σ² + (x - μ)² / σ²), (N, K), nats."""
        seen = self.x.seen
        distance = seen @ (LOG_2PI + np.log(self.variances)).T  # (N, K), of the logarithms of volumes yet
        with np.errstate(over="ignore"):  # a distance beyond 1e154 widths: the density is zero
            for k, (mean, variance) in enumerate(zip(self.means, self.variances, strict=True)):
                whitened = np.where(seen, (self.x.data - mean) / np.sqrt(variance), 0.0)  # (N, D)
                distance[:, k] += np.square(whitened).sum(axis=1)
        return -0.5 * distance

    def deviations(self, k: int) -> Array:
        """Return zeros, (N, D)."""
        return np.zeros(self.x.data.shape)

    def uncertainty(self, k: int, share: Array) -> Array:
        """Return one row (1, D), the root of the variances that are missing: their products are of no interest."""
        return np.sqrt((share @ ~self.x.seen) * self.variances[k])[None]

    def noise(self, k: int, normal: Array) -> Array:
        """Return the standard deviations times each row of (N, D)."""
        return normal * np.sqrt(self.variances[k])

    def divergence(self, other: Any) -> Array:
        """Return how far the missing cells of each row move to what another tells of them, (N, K), nats.

        Args:
            other: of the same rows and this class, with means and variances of its own.
        """
        shift = (other.means - self.means)[..., None]  # (K, D, 1)
        roots = (np.sqrt(one.variances)[..., None, None] for one in (self, other))  # (K, D, 1, 1) each
        return ~self.x.seen @ of_normals(shift, *roots).T


GivenSeen: TypeAlias = ByPattern | ByCell
"""What the cells seen of N incomplete rows tell of the missing ones."""


def groups(given: GivenSeen, posterior: Array, scaled: Array) -> Iterator[Group]:
    """Yield the group of each component: its completed rows by shares (N, K), and the scatter that they leave out.

    The scatter is by `posterior` (N, K), the shares by `scaled` (N, K): for Gaussians both are the same.
    """
    for k, share in enumerate(posterior.T):
        yield scaled[:, k], partial(_centred, given, given.means[k], given.deviations(k)), given.uncertainty(k, share)


def imputed(given: GivenSeen, posterior: Array) -> Array:
    """Return the rows (N, D), missing cells at their mean, components shared out by posterior (N, K)."""
    expected = (given.means[k] + given.deviations(k) for k in range(len(given.means)))
    return given.x.filled(sum(share[:, None] * one for share, one in zip(posterior.T, expected, strict=True)))


def drawn(given: GivenSeen, k: int, normal: Array) -> Array:
    """Return the rows (N, D), missing cells drawn from component k, made of standard normal numbers (N, D)."""
    return given.x.filled(given.means[k] + given.deviations(k) + given.noise(k, normal))


def _centred(given: GivenSeen, mean: Array, deviations: Array, centre: Array) -> Array:
    """Return completed rows less a centre (D,); missing cells never leave the mean, to lose no digit at an offset."""
    return np.where(given.x.seen, given.x.data - centre, deviations - (centre - mean))
