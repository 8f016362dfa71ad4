"""The conjugate prior of a gamma distribution's shape and rate."""

from typing import final

from emkit.arrays import Array
from emkit.declarations import positive
from emkit.values import value


@final
@value
class ShapeRatePrior:
    """Prior of shapes a and rates b: density ∝ [b^a g^(a - 1) exp(-b m) / Γ(a)]^weight.

    It counts as `weight` observations of each column, with arithmetic mean m and geometric mean g < m. It keeps shapes
    finite: the mode exists however few observations a state has.

    Args:
        weight: how many observations it counts for.
        mean: (D,) m, in the units of the data.
        gap: log m - log g; where it is small, half the squared coefficient of variation.

    Reference: E. Damsleth (1975), Conjugate classes for gamma distributions, Scandinavian Journal of Statistics 2,
    80-84.
    """

    weight: float = positive(free=False)
    mean: Array = positive("D", free=False)
    gap: float = positive(free=False)
