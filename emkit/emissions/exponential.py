"""Exponential emissions: waiting times in independent columns."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, Array, average, first_index
from emkit.declarations import ParameterError, fixed, positive
from emkit.emissions import textbook
from emkit.emissions.columns import Columns
from emkit.emissions.edges import coincident, unlearnt
from emkit.emissions.totals import Totals
from emkit.entries import NONNEGATIVE, Entries, cells
from emkit.model import Complaint
from emkit.moments import OVERFLOWS
from emkit.priors.conjugate import optional_prior
from emkit.priors.gamma import GammaPrior
from emkit.starts import features_of
from emkit.values import update, value

SHORTEST = 1e-3
"""No state of a start has a mean below this share of the whole column's."""


@final
@value
class Exponential(Columns):
    """Waiting times x (N, D), independent given the state: p(x_d | k) = λ_kd exp(-λ_kd x).

    Args:
        rates: (K, D) events per unit of time, positive.
        prior: `GammaPrior` of every rate, or None for maximum likelihood.
        fixed: {"rates"} to hold them.

    Data are numbers, zero or more, (N, D), or `Incomplete`: missing cells are left out. A state that comes to see zeros
    only has an unbounded likelihood, which is the outcome `degenerate`; a prior prevents it.
    Reference: McLachlan and Peel (2000), Finite Mixture Models, section 5.3.
    """

    rates: Array = positive("K", "D")  # λ
    prior: GammaPrior | None = optional_prior(GammaPrior)
    fixed: frozenset[str] = fixed()

    entries: ClassVar[Entries] = NONNEGATIVE

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return cube roots, (N, D): those of exponential times are nearly normal."""
        return np.cbrt(features_of(x))

    @classmethod
    def around(cls, x: Any, posterior: Array, *, prior: GammaPrior | None = None) -> Self:
        """Return the M-step's rates given times (N, D) and posterior (N, K); none is much faster than all together.

        Raises:
            ValueError: a column of zeros, where no rate is large enough.
        """
        found = Totals.of(x, posterior)
        weight, total = found.weight.sum(axis=0), found.total.sum(axis=0)  # (D,)
        if prior is None and not total.all():
            raise ValueError(f"data: column {int(np.argmin(total))} is all zeros; drop the column, or give a prior")
        seed = np.divide(weight, total, out=np.ones_like(total), where=total > 0)  # (D,)
        least = found.weight / seed * np.where(total > 0, SHORTEST, 0.0)  # (K, D)
        longer = Totals(found.weight, np.maximum(found.total, least))
        return cls(np.tile(seed, (len(longer.total), 1)), prior).m_step(longer)

    @property
    def means(self) -> Array:
        """The mean waiting times 1 / λ, (K, D)."""
        return 1 / self.rates

    def log_density(self, x: Any) -> Array:
        """Return log p(x_n | k) of the cells seen, (N, K), nats."""
        times, seen = cells(x)  # a missing cell stands as a time of 0
        return seen @ np.log(self.rates).T - times @ self.rates.T

    def statistics(self, x: Any, posterior: Array) -> Totals:
        """Return how many times each state saw and their sums, given posterior (N, K)."""
        return Totals.of(x, posterior)

    @OVERFLOWS
    def m_step(self, statistics: Totals) -> Self:
        """Return rates weight / total, with a prior (weight + shape - 1) / (total + rate).

        Raises:
            ParameterError: a state sees zeros only, and its rate is unbounded.
        """
        events, time = (0.0, 0.0) if self.prior is None else (self.prior.shape - 1, self.prior.rate)
        weight, total = statistics.weight + events, statistics.total + time
        unbounded = (weight > 0) & (total == 0)
        if unbounded.any() and "rates" not in self.fixed:
            k, d = first_index(unbounded)
            raise ParameterError(
                f"Exponential.rates[{k}, {d}] is unbounded: all that component {k} sees in column {d} is zero; "
                "ask for fewer components, hold the rates, or give a prior"
            )
        rates = average(weight, total, otherwise=self.rates)
        return update(self, rates=np.where(weight > 0, rates, self.rates))

    def expected_log_density(self, statistics: Totals) -> float:
        """Return Σ log λ - λ x over the times shared out, nats."""
        return float((statistics.weight * np.log(self.rates) - statistics.total * self.rates).sum())

    def log_prior(self) -> float:
        """Return the log prior density of the rates, nats; 0 without a prior."""
        return 0.0 if self.prior is None else self.prior.log_density(self.rates)

    def complaints(self, statistics: Totals) -> list[Complaint]:
        """Return which states coincide and, without a prior, which columns are never observed."""
        return coincident((self.rates, self.rates)) + unlearnt(statistics.weight, self.prior)

    def conditioning(self) -> float:
        """Return eps Σ_d (1 + |log λ|) of the largest rates, nats per row: columns of unlike scales cancel."""
        return EPS * float((1 + np.abs(np.log(self.rates))).sum(axis=1).max())

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row of times for each state (N,); returns (N, D)."""
        return rng.exponential(self.means[states])

    def complete(self, row: Any) -> Iterator[tuple[float, Totals]]:
        """Yield the log density of one row and its complete-data totals, for each state."""
        for k, times, log_density in textbook.by_state(row, textbook.exponential, self.rates):
            yield log_density, Totals.one(times, k, len(self.rates))
