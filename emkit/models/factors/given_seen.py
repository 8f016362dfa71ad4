"""Columns that depend on each other through a few factors alone, once some of the columns are seen.

x = mean + loadings z + noise. One singular value decomposition U s Vᵀ of the loadings of the columns seen, in units in
which each column's noise is 1, answers every question. With fewer factors than columns it replaces the inverse of
their covariance (Woodbury's identity), and the scales of the columns do not matter.
"""

from functools import cached_property

import attrs
import numpy as np

from emkit.arrays import EPS, LOG_2PI, Array
from emkit.incomplete import Mask
from emkit.moments import OVERFLOWS, FullMoments
from emkit.statistics import Expectation

DIGITS = 16.0
"""How many eps of a column's variance an M-step's noise may be off; measured down to shares of 1e-12."""


@attrs.frozen(slots=False, eq=False)
class GivenSeen:
    """What the columns seen tell of the factors, and of the columns that are not seen.

    Rows (N, O) are those of the O columns seen.
    """

    mean: Array  # (D,)
    loadings: Array  # (D, Q)
    variances: Array  # (D,) of the noise
    seen: Mask  # (D,)

    def factors(self, rows: Array) -> Array:
        """Return the means of the factors given rows (N, O): (N, Q)."""
        left, _, right = self._svd
        return (self._whiten(rows) @ left * self._gains) @ right

    @property
    def factor_root(self) -> Array:
        """A square root R of the covariance R Rᵀ of the factors given the columns seen, (Q, Q)."""
        return (self._svd[2] / self._lengths[:, None]).T

    @cached_property
    def factor_covariance(self) -> Array:
        """The covariance of the factors given the columns seen, (Q, Q)."""
        return self.factor_root @ self.factor_root.T

    def in_deviations(self, factors: Array) -> Array:
        """Return changes of the factors (N, Q) in units, and along axes, in which that covariance is the identity."""
        return factors @ (self._svd[2].T * self._lengths)

    @property
    def noise_share(self) -> Array:
        """The share that is noise of what the other columns seen leave unexplained of each, ψ_d (Σ⁻¹)_dd, (O,)."""
        return 1 - np.square(self._svd[0] * (self._svd[1] / self._lengths)).sum(axis=1)

    def complete(self, rows: Array) -> Array:
        """Return rows of all columns (N, D), those not seen at their means given rows (N, O)."""
        whole = self.mean + self.factors(rows) @ self.loadings.T
        whole[:, self.seen] = rows
        return whole

    @OVERFLOWS
    def log_density(self, rows: Array) -> Array:
        """Return the log density (N,) of rows (N, O), nats."""
        return -0.5 * (self._distance(self._whiten(rows)) + self._log_volumes.sum())

    @OVERFLOWS
    def e_step(self, moments: FullMoments) -> Expectation[FullMoments]:
        """Return the moments of columns and factors together, expected given the moments of the columns seen."""
        weight = float(moments.weight[0])
        scatter = moments.scatter[0] / self._deviations[:, None] / self._deviations  # (O, O)
        along = self._svd[0].T @ scatter  # (Q, O)
        explained = (along * self._svd[0].T).sum(axis=1)  # (Q,)
        total, shift = float(np.trace(scatter)), self._whiten(moments.mean)  # (1, O)
        location = weight * float(self._distance(shift)[0])
        distance = total - explained.sum() + (explained / self._lengths / self._lengths).sum() + location
        log_likelihood = -0.5 * float(distance + weight * self._log_volumes.sum())
        rounding = self._rounding(weight, total + 0.5 * location, moments.mean / self._deviations * shift)
        return Expectation(log_likelihood, weight, rounding, self._joint(moments, along))

    def _rounding(self, weight: float, distance: float, turn: Array) -> float:
        """Return how far the log likelihood of some rows may be off, nats.

        Its terms are those of the distance, tr S - tr Uᵀ S U and a mean's, before they cancel, and of log|2π Σ|. A
        mean that is rounded turns it by `turn` (1, O). And an M-step is off by the digits that a column's noise is
        less than its variance, or its deviation less than its mean: at an optimum that costs their square.
        """
        terms = distance + weight * (1 + 0.5 * float(np.abs(self._log_volumes).sum()) + float(np.abs(turn).sum()))
        explained = np.square(self.loadings[self.seen] / self._deviations[:, None]).sum(axis=1)  # (O,)
        digits = np.append(1 + explained, np.abs(self.mean[self.seen]) / self._deviations)
        lost = min(float(digits.max(initial=1.0)), 1 / EPS)  # there, no digit is left to lose
        return EPS * terms + weight * (DIGITS * EPS * lost) ** 2

    def _joint(self, moments: FullMoments, along: Array) -> FullMoments:
        """Return the expected moments of all columns and the factors (D + Q); `along` is Uᵀ S in units of noise."""
        weight = moments.weight[0]
        columns, factors = self.loadings.shape
        told, hidden = np.flatnonzero(self.seen), np.flatnonzero(~self.seen)
        rest = np.append(hidden, columns + np.arange(factors))  # (R,)
        lift = np.vstack([self.loadings[hidden], np.eye(factors)])  # (R, Q): the rest given the factors
        noise = np.append(self.variances[hidden], np.zeros(factors))  # (R,)
        to_factors = self._svd[2].T * self._gains  # (Q, Q), from what lies along U
        cross = lift @ (to_factors @ along) * self._deviations  # (R, O)
        crossed = along @ self._svd[0]  # (Q, Q), symmetric but for rounding
        within = to_factors @ ((crossed + crossed.T) / 2) @ to_factors.T + weight * self.factor_covariance  # (Q, Q)
        joint = np.empty((columns + factors, columns + factors))
        joint[np.ix_(told, told)] = moments.scatter[0]
        joint[np.ix_(rest, told)], joint[np.ix_(told, rest)] = cross, cross.T
        joint[np.ix_(rest, rest)] = lift @ within @ lift.T + weight * np.diag(noise)
        mean = np.append(self.mean, np.zeros(factors))  # (D + Q,)
        mean[rest] += lift @ self.factors(moments.mean)[0]
        mean[told] = moments.mean[0]
        return FullMoments(moments.weight, mean[None] * (weight > 0), joint[None])

    def _whiten(self, rows: Array) -> Array:
        return (rows - self.mean[self.seen]) / self._deviations

    def _distance(self, whitened: Array) -> Array:
        """Return squared Mahalanobis distances (N,): across the factors, and along them."""
        left = self._svd[0]
        along = whitened @ left  # (N, Q)
        return np.square(whitened - along @ left.T).sum(axis=1) + np.square(along / self._lengths).sum(axis=1)

    @cached_property
    def _deviations(self) -> Array:  # (O,) of the noise
        return np.sqrt(self.variances[self.seen])

    @cached_property
    def _svd(self) -> tuple[Array, Array, Array]:  # U (O, Q), s (Q,), Vᵀ (Q, Q)
        scaled = self.loadings[self.seen] / self._deviations[:, None]  # (O, Q)
        fewer = max(0, scaled.shape[1] - len(scaled))
        padded = np.pad(scaled, ((0, fewer), (0, 0)))  # columns without loadings tell nothing
        left, stretch, right = np.linalg.svd(padded, full_matrices=False)
        return left[: len(scaled)], stretch, right

    @cached_property
    def _lengths(self) -> Array:  # (Q,) √(1 + s²), the deviations along U in units of the noise
        return np.hypot(1.0, self._svd[1])

    @cached_property
    def _gains(self) -> Array:  # (Q,) s / (1 + s²), from along U to the factors; multiplied out, they lose the least
        return self._svd[1] / self._lengths / self._lengths

    @cached_property
    def _log_volumes(self) -> Array:  # (O + Q,) they add up to log|2π Σ| of the columns seen
        return np.append(LOG_2PI + 2 * np.log(self._deviations), 2 * np.log(self._lengths))
