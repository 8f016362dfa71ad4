"""Genetic linkage: the first example of Dempster, Laird and Rubin (1977), and the model to read first.

Each animal is seen in one of four cells. Cell 0 is two cells that look alike, a half and a quarter:

    seen in       0, the half    0, the quarter    1            2            3
    probability   1/2            θ/4               (1 - θ)/4    (1 - θ)/4    θ/4

Could the two be told apart, θ would be a share: of all animals outside the half, those in the quarter or in cell 3.
The E-step splits cell 0 as is to be expected; the M-step takes the share.
"""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from emkit.arrays import TINY, Array
from emkit.declarations import ParameterError, fixed, probability
from emkit.model import Complaint
from emkit.models.genetics.cells import Cells, ShareCounts
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import Dirichlet, check_possible, mode_of_shares
from emkit.statistics import Expectation
from emkit.values import replace, update, value

EDGE = 1e-6
"""A θ nearer to 0 or 1 is told from it by no sample of fewer than some million animals."""


@value
class Linkage(Cells):
    """Four cells of probability (2 + θ)/4, (1 - θ)/4, (1 - θ)/4 and θ/4; data are as for `Cells`.

    Args:
        theta: θ, from 0 to 1.
        prior: a `Dirichlet` on (θ, 1 - θ), which is a beta distribution; None is maximum likelihood.
        fixed: "theta" to hold it.

    Reference: Dempster, Laird and Rubin (1977), Journal of the Royal Statistical Society B 39, 1-38, section 1.

    Raises (on construction):
        ParameterError: θ is not a probability, or impossible under the prior.
    """

    theta: float = probability()
    prior: Dirichlet | None = optional_prior(Dirichlet)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse a prior that is not on two shares, or under which θ is impossible."""
        if self.prior is not None and len(self.prior.concentration) != 2:
            raise ParameterError(f"Linkage.prior: expected 2 concentrations, found {len(self.prior.concentration)}")
        check_possible("Linkage: (theta, 1 - theta)", self.shares(), self.prior)

    @classmethod
    def start(cls, data: Any, prior: Dirichlet | None = None) -> Self:
        """Return the model at the unbiased estimate θ = (n₀ - n₁ - n₂ + n₃)/n, moved inside 0.01 to 0.99."""
        middle = cls(0.5, prior)
        seen = middle.summary(middle.prepare(data))
        estimate = seen @ [1, -1, -1, 1] / max(seen.sum(), TINY)
        return replace(middle, theta=np.clip(estimate, 0.01, 0.99))

    def shares(self) -> Array:
        """Return θ and 1 - θ."""
        return np.array([self.theta, 1 - self.theta])

    def log_cells(self) -> Array:
        """Return the log probability of each cell, (4,), nats."""
        t = self.theta
        with np.errstate(divide="ignore"):
            return np.log(np.array([2 + t, 1 - t, 1 - t, t]) / 4)

    def complete_given_cell(self) -> Array:
        """Return the probability of half, quarter, 1, 2 and 3 given the cell seen, (4, 5)."""
        quarter = self.theta / (2 + self.theta)  # of the animals in cell 0
        return np.array([[1 - quarter, quarter, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]])

    def e_step_of(self, seen: Array) -> Expectation[ShareCounts]:
        """Return expected counts, given how many animals were seen in each cell, (4,)."""
        _, quarter, one, two, three = seen @ self.complete_given_cell()
        return Expectation.of(self.log_cells(), ShareCounts(np.array([quarter + three, one + two])), seen)

    def m_step(self, statistics: ShareCounts) -> Self:
        """Return the model at the mode of θ given expected counts."""
        return update(self, theta=mode_of_shares(statistics.count, self.prior, otherwise=self.shares())[0])

    def complete_cells(self) -> Iterator[tuple[int, float, ShareCounts]]:
        """Yield half, quarter, 1, 2 and 3: as which each is seen, its probability, and what it tells."""
        t = self.theta
        yield 0, 1 / 2, ShareCounts(np.array([0.0, 0.0]))
        yield 0, t / 4, ShareCounts(np.array([1.0, 0.0]))
        yield 1, (1 - t) / 4, ShareCounts(np.array([0.0, 1.0]))
        yield 2, (1 - t) / 4, ShareCounts(np.array([0.0, 1.0]))
        yield 3, t / 4, ShareCounts(np.array([1.0, 0.0]))

    def complaints(self, statistics: ShareCounts) -> list[Complaint]:
        """Return whether θ is at an edge of its space."""
        if "theta" in self.fixed or min(self.shares()) >= EDGE:
            return []
        return [("theta", f"is at an edge of its space: {self.theta:.3g}")]
