"""A Dirichlet prior on weights."""

from typing import final

import numpy as np
from scipy.special import xlogy

from emkit.arrays import Array
from emkit.declarations import ParameterError, positive
from emkit.values import value


@final
@value
class Dirichlet:
    """Prior of the weights of a mixture: density ∝ Π w_k^(α_k - 1), with every α_k at least 1.

    Raises (on construction):
        ParameterError: a concentration below 1, whose mode lies on the boundary.
    """

    concentration: Array = positive("K", free=False)  # α

    def __attrs_post_init__(self) -> None:
        """Refuse concentrations whose mode would leave the simplex."""
        if (self.concentration < 1).any():
            k = int(np.argmax(self.concentration < 1))
            raise ParameterError(
                f"concentration[{k}] is {self.concentration[k]:.6g}, expected at least 1: the posterior mode must exist"
            )

    def log_density(self, weights: Array) -> float:
        """Return the log density of weights (K,), nats, up to a constant."""
        return float(xlogy(self.concentration - 1, weights).sum())

    def mode(self, counts: Array) -> Array:
        """Return the weights (K,) at the mode of the posterior, given expected counts (K,)."""
        raised = counts + self.concentration - 1
        return raised / raised.sum()
