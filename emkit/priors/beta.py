"""A beta prior on probabilities."""

from typing import final

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
