"""Truncated distributions: log probability of an interval, mean and variance inside it, to full precision.

All three are integrals of a density against 1, t and t², with t counted from the mode of the truncated density. There
every term of a quadrature is positive and no digit cancels: not in tails a thousand deviations out, nor in intervals
narrower than rounding at the origin, where textbook formulas subtract nearly equal numbers.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import roots_legendre

from emkit.arrays import LOG_2PI, Array

DEPTH = 41.0
"""Nats below its top at which a density is cut off: what lies beyond is less than rounding."""

FARTHEST = 1e300
"""Standard deviations; the density of what lies farther out is zero, whatever the distance."""

ROOTS, ROOT_WEIGHTS = (0.5 * (part + shift) for part, shift in zip(roots_legendre(56), (1, 0), strict=True))
"""Gauss and Legendre's rule from 0 to 1, exact to rounding on a normal density that is cut off on both sides."""

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


def _from_the_mode(slope: Array, curvature: float, left: Array, right: Array) -> Truncated:
    """Return the integral and moments of exp(-slope t - curvature t²/2) over -left <= t <= right.

    The slope is zero or more, and `left` is zero where it is more: the density is highest at t = 0.
    """
    reach = 2 * DEPTH / (slope + np.hypot(slope, np.sqrt(2 * DEPTH * curvature)))  # (N,) where the density is cut off
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
