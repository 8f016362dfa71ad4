"""Truncated distributions: log probability of an interval, mean, variance and divergence inside it, to full precision.

The first three are integrals of a density against 1, t and t², with t counted from the mode of the truncated density.
There every term of a quadrature is positive and no digit cancels: not in tails a thousand deviations out, nor in
intervals narrower than rounding at the origin, where textbook formulas subtract nearly equal numbers. The divergence is
a sum of such terms too; it takes no log probability from here.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import roots_legendre

from emkit.arrays import LOG_2PI, Array, divergence, log_condition

DEPTH = 41.0
"""Nats below its top at which a density is cut off: what lies beyond is less than rounding."""

FARTHEST = 1e300
"""Standard deviations; the density of what lies farther out is zero, whatever the distance."""

ROOTS, ROOT_WEIGHTS = (0.5 * (part + shift) for part, shift in zip(roots_legendre(56), (1, 0), strict=True))
"""Gauss and Legendre's rule from 0 to 1, exact to rounding on a normal density that is cut off on both sides."""

PIECES = 3
"""Into which the ends of two densities cut what they cover."""

STEEPEST = 1e150
"""Slopes and ratios of scales beyond it, whose squares overflow, count as this."""

BLOCK = 256
"""Intervals integrated at a time: what they need fits the cache."""


class Truncated(NamedTuple):
    """A distribution truncated to N intervals."""

    log_probability: Array  # (N,) of the interval, nats
    mean: Array  # (N,)
    variance: Array  # (N,)


def truncated_normal(mean: Array, standard_deviation: float, lower: Array, upper: Array) -> Truncated:
    """Return normal distributions truncated to intervals.

    Args:
        mean: (N,) of the whole distributions.
        standard_deviation: of all of them.
        lower, upper: (N,) with lower < upper; infinite where there is no limit.
    """
    with np.errstate(over="ignore"):
        mode = np.clip(mean, lower, upper)  # (N,) of the truncated density
        distance = np.minimum(np.abs(mode - mean) / standard_deviation, FARTHEST)
        below, above = (mode - lower) / standard_deviation, (upper - mode) / standard_deviation
        mirrored = mode < mean  # intervals below the mean, seen from the other side
        left, right = np.where(mirrored, above, below), np.where(mirrored, below, above)
        inside = _from_the_mode(distance, 1.0, left, right)
        log_probability = np.minimum(inside.log_probability - 0.5 * (distance**2 + LOG_2PI), 0.0)
        shift = standard_deviation * np.where(mirrored, -inside.mean, inside.mean)
        return Truncated(log_probability, mode + shift, np.square(standard_deviation) * inside.variance)


def truncated_exponential(rate: float, lower: Array, upper: Array) -> Truncated:
    """Return the exponential distribution truncated to intervals.

    Args:
        rate: of the whole distribution.
        lower, upper: (N,) with 0 <= lower < upper; upper infinite where there is no limit.
    """
    zero = np.zeros_like(lower)
    with np.errstate(over="ignore"):
        inside = _from_the_mode(zero + 1.0, 0.0, zero, rate * (upper - lower))
        log_probability = np.minimum(inside.log_probability, 0.0) - rate * lower
        return Truncated(log_probability, lower + inside.mean / rate, inside.variance / rate / rate)


def truncated_normal_divergence(
    mean: Array, standard_deviation: float, other_mean: Array, other_deviation: float, lower: Array, upper: Array
) -> Array:
    """Return KL(p || q) of normal distributions truncated to the same intervals, (N,), nats.

    Args:
        mean, standard_deviation: of p, as for `truncated_normal`.
        other_mean, other_deviation: of q.
        lower, upper: of both.
    """
    with np.errstate(over="ignore"):
        mode = np.clip(mean, lower, upper)  # (N,) from which t is counted, in standard deviations
        ratio = np.clip(np.divide(standard_deviation, other_deviation), 1 / STEEPEST, STEEPEST)
        slope = np.clip((mode - mean) / standard_deviation, -STEEPEST, STEEPEST)
        other_slope = np.clip((mode - other_mean) / other_deviation, -STEEPEST, STEEPEST)
        left, right = (lower - mode) / standard_deviation, (upper - mode) / standard_deviation
        return _divergence(_Density(slope, 1.0), _Density(ratio * other_slope, ratio**2), left, right)


def truncated_exponential_divergence(rate: float, other_rate: float, lower: Array, upper: Array) -> Array:
    """Return KL(p || q) of exponential distributions truncated to the same intervals, (N,), nats.

    Args:
        rate, other_rate: of p and q.
        lower, upper: of both, as for `truncated_exponential`.
    """
    with np.errstate(over="ignore"):
        zero = np.zeros_like(lower)
        ratio = np.clip(np.divide(other_rate, rate), 1 / STEEPEST, STEEPEST)
        return _divergence(_Density(zero + 1.0, 0.0), _Density(zero + ratio, 0.0), zero, rate * (upper - lower))


class _Density(NamedTuple):
    """N densities in proportion to exp(-slope t - curvature t²/2), within limits."""

    slope: Array  # (N,) positive where there is no curvature
    curvature: float

    def span(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Return where between limits (N,) they are not negligible."""
        mode = np.clip(-self.slope / self.curvature, left, right) if self.curvature > 0 else left
        reach = _reach(np.abs(self.slope + self.curvature * mode), self.curvature)
        return np.maximum(left, mode - reach), np.minimum(right, mode + reach)

    def log_shares(self, rows: slice, t: Array, width: Array) -> Array:
        """Return the logarithms of their shares of nodes t (B, pieces, roots) on pieces of a width (B, pieces, 1)."""
        log_density = -(self.slope[rows, None, None] + 0.5 * self.curvature * t) * t
        with np.errstate(divide="ignore"):  # pieces may be empty
            log_nodes = (np.log(width) + log_density).reshape(len(t), -1)  # (B, pieces · roots)
        return log_condition(np.tile(ROOT_WEIGHTS, PIECES), log_nodes)


def _divergence(first: _Density, second: _Density, left: Array, right: Array) -> Array:
    """Return KL(first || second) of densities between limits left <= 0 <= right, (N,), nats.

    Each becomes a table of shares of the same nodes, and the divergence of tables is a sum of terms that are not
    negative. The ends of both spans cut what they cover in three pieces, so that nodes find the narrower density too.
    """
    left, right = np.maximum(left, -FARTHEST), np.minimum(right, FARTHEST)
    ends = np.sort([*first.span(left, right), *second.span(left, right)], axis=0)  # (4, N)
    start, width = ends[:-1].T[..., None], np.diff(ends, axis=0).T[..., None]  # (N, pieces, 1)
    found = np.empty(len(left))
    for begin in range(0, len(left), BLOCK):
        rows = slice(begin, begin + BLOCK)
        t = start[rows] + width[rows] * ROOTS  # (B, pieces, roots)
        found[rows] = divergence(first.log_shares(rows, t, width[rows]), second.log_shares(rows, t, width[rows]))
    return found


def _reach(slope: Array, curvature: float) -> Array:
    """Return how far from its mode exp(-slope t - curvature t²/2) is cut off, (N,)."""
    return 2 * DEPTH / (slope + np.hypot(slope, np.sqrt(2 * DEPTH * curvature)))


def _from_the_mode(slope: Array, curvature: float, left: Array, right: Array) -> Truncated:
    """Return the integral and moments of exp(-slope t - curvature t²/2) over -left <= t <= right.

    The slope is zero or more, and `left` is zero where it is more: the density is highest at t = 0.
    """
    reach = _reach(slope, curvature)  # (N,)
    start = np.minimum(left, reach)
    span = start + np.minimum(right, reach)
    integrals = np.empty((3, len(span)))  # of the density times 1, t and t², over the span
    for first in range(0, len(span), BLOCK):
        rows = slice(first, first + BLOCK)
        t = span[rows, None] * ROOTS - start[rows, None]  # (B, roots)
        density = np.exp(-(slope[rows, None] + 0.5 * curvature * t) * t)
        integrals[:, rows] = [(density * t**power) @ ROOT_WEIGHTS for power in range(3)]
    mass, mean, square = integrals[0], integrals[1] / integrals[0], integrals[2] / integrals[0]
    with np.errstate(divide="ignore"):  # an interval too narrow for floating point is impossible
        return Truncated(np.log(span) + np.log(mass), mean, square - mean**2)
