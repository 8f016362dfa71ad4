"""Point masses: states that emit one known row and nothing else."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.declarations import real
from emkit.emissions.columns import Columns
from emkit.entries import REAL, Entries
from emkit.incomplete import Incomplete
from emkit.statistics import Statistics
from emkit.values import value


@final
@value
class Nothing(Statistics):
    """The statistics of emissions that have nothing to learn."""


@final
@value
class PointMass(Columns):
    """Rows x (N, D) that are exactly the location of their state: p(x | k) = 1 at x = location_k and 0 elsewhere.

    Beside counts, as in `Stacked((PointMass([[0.0]]), Poisson([[2.0]])))`, this is zero inflation. The density is a
    probability. Beside a continuous density the two are compared as numbers although their units differ: a row at a
    location then belongs to the point mass in proportion to its weight, and to a continuous state in proportion to its
    weight times its density there, per unit of the data.

    Args:
        locations: (K, D) known, never learnt.

    Data are finite numbers, (N, D), or `Incomplete`: missing cells are left out. A row at no location, and
    possible in no other state, has log marginal -inf.
    Reference: D. Lambert (1992), Zero-inflated Poisson regression, Technometrics 34, 1-14.
    """

    locations: Array = real("K", "D", free=False)

    entries: ClassVar[Entries] = REAL

    @property
    def means(self) -> Array:
        """The locations, (K, D)."""
        return self.locations

    def log_density(self, x: Any) -> Array:
        """Return 0 where all cells seen are those of the location and -inf elsewhere, (N, K), nats."""
        rows = x.data if isinstance(x, Incomplete) else x
        here = [((rows == location) | np.isnan(rows)).all(axis=1) for location in self.locations]  # K of (N,)
        return np.where(np.stack(here, axis=1), 0.0, -np.inf)

    def statistics(self, x: Any, posterior: Array) -> Nothing:
        """Return nothing."""
        return Nothing()

    def m_step(self, statistics: Nothing) -> Self:
        """Return the point masses as they are."""
        return self

    def expected_log_density(self, statistics: Nothing) -> float:
        """Return 0: a row shared out to a location is there, with probability 1."""
        return 0.0

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return the location of each state (N,); returns (N, D)."""
        return self.locations[states]

    def complete(self, row: Any) -> Iterator[tuple[float, Nothing]]:
        """Yield the log density of one row, 0 or -inf, for each state."""
        (values,) = row.data if isinstance(row, Incomplete) else row
        for location in self.locations:
            here = all(np.isnan(x) or x == place for x, place in zip(values, location, strict=True))
            yield (0.0 if here else -np.inf), Nothing()
