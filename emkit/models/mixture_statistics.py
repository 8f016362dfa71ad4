"""What the E-step of a mixture returns."""

from typing import Generic, TypeVar

from emkit.arrays import Array
from emkit.statistics import Statistics
from emkit.values import value

S = TypeVar("S")


@value
class MixtureStatistics(Statistics, Generic[S]):
    """Expected counts of each component, and what its emissions learn."""

    count: Array  # (K,)
    emissions: S
