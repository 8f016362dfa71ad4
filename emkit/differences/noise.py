"""The rounding noise of a function: how far its values scatter about a smooth curve."""

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np

from emkit.arrays import Array

NOISE_SPACING = 1e-6
"""Between the points at which noise is measured, in natural units: all of them lie within a fifth of STEP."""

NOISE_ERRORS = 10.0
"""Standard deviations of the noise that are added to GRADIENT: five for chance in hundreds of differences, and twice
that because the deviation is itself estimated, from a dozen of them."""

POINTS = 16
ORDER = 4  # of the differences: they remove every cubic, and of a smooth function leave spacing⁴


def noise(of: Callable[[Array], Any], at: Array, units: Array) -> Array:
    """Return the standard deviation of the rounding error of a function's values, (...).

    The values stand on a line, so close together that their fourth differences are zero but for rounding.
    J. J. Moré and S. M. Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011).

    Args:
        of: a function of free coordinates (P,); returns a number or an array.
        at: (P,) where.
        units: (P,) natural units.
    """
    values = np.stack([np.asarray(of(at + i * NOISE_SPACING * units)) for i in range(POINTS)])  # (POINTS, ...)
    rough = np.diff(values, ORDER, axis=0)
    return np.asarray(np.sqrt(np.square(rough).mean(axis=0) / comb(2 * ORDER, ORDER)))
