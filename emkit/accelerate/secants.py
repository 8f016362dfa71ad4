"""Secants: what pairs of points tell of curvature, and the quasi-Newton direction that follows from them."""

from typing import Self

import numpy as np

from emkit.arrays import Array
from emkit.values import value

CURVED = 1e-10
"""Least curvature along a step, of the sum of what coordinates add or take: of less, rounding decides the sign."""


@value
class Secants:
    """The last few pairs of points, each with the step between them and how EM's step and the gradient fell over it.

    They make an inverse Hessian K of the negative objective: BFGS updates, in the order of the pairs, of the inverse
    complete-data information I⁻¹, of which is known that it takes a gradient to EM's step.

    Reference: M. Jamshidian and R. I. Jennrich (1997), Journal of the Royal Statistical Society B 59, 569-587, section
    4; the recursion is that of J. Nocedal (1980), Mathematics of Computation 35, 773-782.
    """

    steps: Array  # (m, P)
    falls: Array  # (m, P) of the gradient
    shrinks: Array  # (m, P) of EM's step: I⁻¹ times the fall of the gradient

    @classmethod
    def none(cls, n_coordinates: int) -> Self:
        """Return no pairs yet."""
        nothing = np.empty((0, n_coordinates))
        return cls(nothing, nothing, nothing)

    def add(self, step: Array, fall: Array, shrink: Array, most: int) -> Self:
        """Take in one more pair, and forget the oldest beyond `most`; a pair without positive curvature is left out."""
        if not step @ fall > CURVED * np.abs(step * fall).sum():
            return self
        last = slice(max(len(self.steps) + 1 - most, 0), None)
        return type(self)(
            *(
                np.vstack([kept, new])[last]
                for kept, new in ((self.steps, step), (self.falls, fall), (self.shrinks, shrink))
            )
        )

    def direction(self, gradient: Array, em_step: Array) -> Array:
        """Return K times the gradient, (P,), given I⁻¹ times it: EM's step."""
        curvature = (self.steps * self.falls).sum(axis=1)  # (m,)
        shares = np.zeros(len(self.steps))
        for i in reversed(range(len(self.steps))):
            shares[i] = self.steps[i] @ gradient / curvature[i]
            gradient = gradient - shares[i] * self.falls[i]
        result = em_step - shares @ self.shrinks
        for i in range(len(self.steps)):
            result = result + (shares[i] - self.falls[i] @ result / curvature[i]) * self.steps[i]
        return result
