"""What models of a table of counts share: each unit is seen in one of C cells, and the counts are all that it tells."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from scipy.special import xlogy

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array
from emkit.data import Labels, Weighted, as_labels, as_weighted, split_weight, total_by
from emkit.model import LatentVariableModel
from emkit.priors.dirichlet import Dirichlet, log_prior_of
from emkit.statistics import Expectation, Statistics
from emkit.values import value


@value
class ShareCounts(Statistics):
    """Expected number of draws of each share."""

    count: Array  # (S,)


class Cells(LatentVariableModel[Weighted[Labels], ShareCounts]):
    """Each unit is in one of Z complete cells, some of which look alike: what is seen is one of C cells.

    The probability of a complete cell is a product of shares that sum to one. A model of this kind writes `shares`,
    `log_cells`, `complete_given_cell`, `complete_cells`, `e_step_of` and `m_step`.

    Data are cell numbers from 0 to C - 1, one for each unit; `Weighted(np.arange(C), counts)` is a table of counts.
    """

    prior: Dirichlet | None

    @abstractmethod
    def shares(self) -> Array:
        """Return the shares, (S,), which sum to one."""
        ...

    @abstractmethod
    def log_cells(self) -> Array:
        """Return the log probability of each cell, (C,), nats."""
        ...

    @abstractmethod
    def complete_given_cell(self) -> Array:
        """Return the probability of each complete cell given the cell seen, rows (C, Z) that sum to one."""
        ...

    @abstractmethod
    def complete_cells(self) -> Iterable[tuple[int, float, ShareCounts]]:
        """Return, for each complete cell, as which it is seen, its probability, and what it tells."""
        ...

    @abstractmethod
    def e_step_of(self, seen: Array) -> Expectation[ShareCounts]:
        """Return the E-step, given how many units were seen in each cell, (C,)."""
        ...

    def prepare(self, data: Any) -> Weighted[Labels]:
        """Return cell numbers checked and weighted.

        Raises:
            ValueError, TypeError: not the number of a cell; the message names the row.
        """
        cells, weight = split_weight(data)
        size = len(self.log_cells())
        advice = f"; a table of counts is Weighted(np.arange({size}), counts)"
        return as_weighted(as_labels(cells, size, advice=advice), weight)

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` data."""
        return wrapper is Weighted

    def summary(self, data: Weighted[Labels]) -> Array:
        """Return how many units were seen in each cell, (C,)."""
        return total_by(data.data, data.weight, len(self.log_cells()))

    def e_step(self, data: Weighted[Labels]) -> Expectation[ShareCounts]:
        """Return the E-step of prepared data."""
        return self.e_step_of(self.summary(data))

    def log_marginal(self, data: Any) -> Array:
        """Return the log probability of each unit's cell, (N,), nats."""
        return self.log_cells()[self.prepare(data).data]

    def posterior(self, data: Any) -> Array:
        """Return the probability of each complete cell for each unit, (N, Z)."""
        return self.complete_given_cell()[self.prepare(data).data]

    def log_prior(self) -> float:
        """Return the log prior density of the shares, nats; 0 without a prior."""
        return log_prior_of(self.shares(), self.prior)

    def expected_log_joint(self, statistics: ShareCounts) -> float:
        """Return Q(self given statistics): counts of shares times log shares, nats."""
        return float(xlogy(statistics.count, self.shares()).sum())

    def sample(self, n: int, rng: Seed) -> Labels:
        """Draw the cells of n units, (n,), with a seed or a generator."""
        probabilities = np.exp(self.log_cells())
        return as_generator(rng).choice(len(probabilities), size=check_count("n", n), p=probabilities)

    def configurations(self, unit: Any) -> Iterator[tuple[float, ShareCounts]]:
        """Yield, for data of one unit, log p(x, z) and the complete-data statistics of each complete cell z."""
        prepared = self.prepare(unit)
        for cell, probability, statistics in self.complete_cells():
            possible = cell == prepared.data[0] and probability > 0
            yield float(np.log(probability)) if possible else -np.inf, statistics * float(prepared.weight[0])
