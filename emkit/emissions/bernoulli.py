"""Bernoulli emissions: binary items, independent given the state; their mixture is latent class analysis."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt
from scipy.special import xlog1py, xlogy

from emkit.arrays import EPS, TINY, Array, average, first_index
from emkit.declarations import ParameterError, fixed, probability
from emkit.emissions import textbook
from emkit.emissions.choices import log_probability, vanishing
from emkit.emissions.columns import Columns
from emkit.emissions.edges import coincident, unlearnt
from emkit.emissions.totals import Totals
from emkit.entries import BINARY, Entries, cells
from emkit.model import Complaint
from emkit.priors.beta import BetaPrior
from emkit.priors.conjugate import optional_prior
from emkit.starts import features_of
from emkit.values import update, value


@final
@value
class Bernoulli(Columns):
    """Zeros and ones x (N, D), independent given the state: p(x_d = 1 | k) = p_kd.

    Args:
        probabilities: (K, D) of a one; exact zeros and ones stay in free coordinates.
        prior: `BetaPrior` of every probability, or None for maximum likelihood.
        fixed: {"probabilities"} to hold them.

    Data are 0 and 1, (N, D), or `Incomplete`: missing cells are left out.
    Reference: P. F. Lazarsfeld and N. W. Henry (1968), Latent Structure Analysis; Bishop (2006), equation 9.59.
    """

    probabilities: Array = probability("K", "D")
    prior: BetaPrior | None = optional_prior(BetaPrior)
    fixed: frozenset[str] = fixed()

    entries: ClassVar[Entries] = BINARY

    @property
    def means(self) -> Array:
        """The probabilities of a one, (K, D)."""
        return self.probabilities

    def __attrs_post_init__(self) -> None:
        """Refuse a prior that would move probabilities which are 0 or 1 by structure."""
        if self.log_prior() == -np.inf:
            k, d = first_index((self.probabilities == 0) | (self.probabilities == 1))
            raise ParameterError(
                f"Bernoulli.probabilities[{k}, {d}] is {self.probabilities[k, d]:g}, impossible under the beta prior; "
                "start inside, or give no prior"
            )

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return the zeros and ones themselves, (N, D)."""
        return features_of(x)

    @classmethod
    def around(cls, x: Any, posterior: Array, *, prior: BetaPrior | None = None) -> Self:
        """Return probabilities given data (N, D) and posterior (N, K), with one average row added to each state.

        The row keeps them away from 0 and 1, which EM could not leave.
        """
        totals = Totals.of(x, posterior)
        overall = (totals.total.sum(axis=0) + 0.5) / (totals.weight.sum(axis=0) + 1.0)  # (D,)
        return cls((totals.total + overall) / (totals.weight + 1.0), prior)

    def log_density(self, x: Any) -> Array:
        """Return log p(x_n | k) of the cells seen, (N, K), nats. Reference: Bishop (2006), equation 9.48."""
        ones, seen = cells(x)
        return log_probability([(ones, self.probabilities), (seen - ones, 1 - self.probabilities)])

    def statistics(self, x: Any, posterior: Array) -> Totals:
        """Return how many answers each state gave and how many ones, given posterior (N, K)."""
        return Totals.of(x, posterior)

    def m_step(self, statistics: Totals) -> Self:
        """Return probabilities total / weight, with a prior (total + a - 1) / (weight + a + b - 2).

        Zeros and ones are structure, without free coordinates: rounding must not add to them.
        """
        ones, zeros = (0.0, 0.0) if self.prior is None else (self.prior.a - 1, self.prior.b - 1)
        weight = statistics.weight + ones + zeros
        share = average(statistics.total + ones, weight, otherwise=self.probabilities)
        free = (self.probabilities > 0) & (self.probabilities < 1)
        return update(self, probabilities=np.where(free, np.clip(share, TINY, 1 - EPS), np.minimum(share, 1.0)))

    def expected_log_density(self, statistics: Totals) -> float:
        """Return Σ x log p + (1 - x) log(1 - p) over the answers shared out, nats."""
        zeros = np.maximum(statistics.weight - statistics.total, 0.0)  # (K, D)
        return float((xlogy(statistics.total, self.probabilities) + xlog1py(zeros, -self.probabilities)).sum())

    def log_prior(self) -> float:
        """Return the log prior density of the probabilities, nats; 0 without a prior."""
        return 0.0 if self.prior is None else self.prior.log_density(self.probabilities)

    def complaints(self, statistics: Totals) -> list[Complaint]:
        """Return which states coincide and, without a prior, which columns are never observed."""
        return coincident((self.probabilities, self.probabilities)) + unlearnt(statistics.weight, self.prior)

    def remarks(self, statistics: Totals) -> list[Complaint]:
        """Return which probabilities run to 0 or to 1."""
        return vanishing(self.probabilities, "the probability") + vanishing(1 - self.probabilities, "one minus that")

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row of zeros and ones for each state (N,); returns (N, D)."""
        return (rng.random((len(states), self.probabilities.shape[1])) < self.probabilities[states]).astype(np.float64)

    def complete(self, row: Any) -> Iterator[tuple[float, Totals]]:
        """Yield the log density of one row and its complete-data totals, for each state."""
        for k, answers, log_density in textbook.by_state(row, textbook.bernoulli, self.probabilities):
            yield log_density, Totals.one(answers, k, len(self.probabilities))
