"""A gamma prior on rates."""

from typing import final

import numpy as np

from emkit.arrays import Array
from emkit.declarations import ParameterError, positive
from emkit.values import value


@final
@value
class GammaPrior:
    """Prior of rates: density ∝ λ^(shape - 1) exp(-rate λ), with a shape of at least 1.

    It counts as shape - 1 events seen in `rate` units of observation. Reference: A. Gelman et al. (2013), Bayesian
    Data Analysis, section 2.6.

    Raises (on construction):
        ParameterError: a shape below 1, whose mode lies on the boundary.
    """

    shape: float = positive(free=False)
    rate: float = positive(free=False)

    def __attrs_post_init__(self) -> None:
        """Refuse shapes whose mode would leave the parameter space."""
        if self.shape < 1:
            raise ParameterError(f"shape is {self.shape:.6g}, expected at least 1: the posterior mode must exist")

    def log_density(self, rates: Array) -> float:
        """Return the log density of independent rates of any shape, nats, up to a constant."""
        return float(((self.shape - 1) * np.log(rates) - self.rate * rates).sum())
