"""A beta prior on probabilities, and a symmetric Dirichlet prior on those of categories."""

from typing import final

import numpy as np
from scipy.special import xlog1py, xlogy

from emkit.arrays import Array
from emkit.declarations import ParameterError, positive
from emkit.values import value


@final
@value
class BetaPrior:
    """Prior of probabilities: density ∝ p^(a - 1) (1 - p)^(b - 1), with a and b at least 1.

    It counts as a - 1 ones and b - 1 zeros. Reference: A. Gelman et al. (2013), Bayesian Data Analysis, section 2.4.

    Raises (on construction):
        ParameterError: a or b below 1, where the mode lies on the boundary.
    """

    a: float = positive(free=False)
    b: float = positive(free=False)

    def __attrs_post_init__(self) -> None:
        """Refuse shapes whose mode would leave the interval."""
        if min(self.a, self.b) < 1:
            raise ParameterError(f"BetaPrior: expected a and b of at least 1, found {self.a:.6g} and {self.b:.6g}")

    def log_density(self, probabilities: Array) -> float:
        """Return the log density of independent probabilities of any shape, nats, up to a constant."""
        return float((xlogy(self.a - 1, probabilities) + xlog1py(self.b - 1, -probabilities)).sum())


@final
@value
class SymmetricDirichlet:
    """Prior of the probabilities of categories: density ∝ Π p_c^(α - 1) over those that are not zero by structure.

    It counts as α - 1 observations of every category.

    Raises (on construction):
        ParameterError: α below 1, where the mode lies on the boundary.
    """

    concentration: float = positive(free=False)  # α

    def __attrs_post_init__(self) -> None:
        """Refuse a concentration whose mode would leave the simplex."""
        if self.concentration < 1:
            raise ParameterError(f"concentration is {self.concentration:.6g}, expected at least 1: the mode must exist")

    def log_density(self, probabilities: Array) -> float:
        """Return the log density of independent rows of probabilities of any shape, nats, up to a constant."""
        return (self.concentration - 1) * float(np.log(probabilities[probabilities > 0]).sum())
