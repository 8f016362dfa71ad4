"""Poisson emissions: counts in independent columns."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from emkit.arrays import EPS, TINY, Array, average
from emkit.declarations import fixed, positive
from emkit.emissions import textbook
from emkit.emissions.choices import vanishing
from emkit.emissions.columns import Columns
from emkit.emissions.edges import coincident, unlearnt
from emkit.emissions.totals import Totals
from emkit.entries import COUNT, Entries, cells
from emkit.model import Complaint
from emkit.priors.conjugate import optional_prior
from emkit.priors.gamma import GammaPrior
from emkit.starts import features_of
from emkit.values import update, value


@final
@value
class Poisson(Columns):
    """Counts x (N, D), independent given the state: p(x_d | k) = λ_kd^x exp(-λ_kd) / x!.

    Args:
        rates: (K, D), positive.
        prior: `GammaPrior` of every rate, or None for maximum likelihood.
        fixed: {"rates"} to hold them.

    Data are whole numbers, zero or more, (N, D), or `Incomplete`: missing cells are left out.
    Reference: McLachlan and Peel (2000), Finite Mixture Models, section 5.2.
    """

    rates: Array = positive("K", "D")  # λ
    prior: GammaPrior | None = optional_prior(GammaPrior)
    fixed: frozenset[str] = fixed()

    entries: ClassVar[Entries] = COUNT

    @property
    def means(self) -> Array:
        """The rates λ, (K, D)."""
        return self.rates

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return square roots of the counts, (N, D): their spread does not depend on their mean."""
        return np.sqrt(features_of(x))

    @classmethod
    def around(cls, x: Any, posterior: Array, *, prior: GammaPrior | None = None) -> Self:
        """Return the M-step's rates given counts (N, D) and posterior (N, K); all zeros count as half an event."""
        totals = Totals.of(x, posterior)
        some = Totals(totals.weight, np.where(totals.total > 0, totals.total, 0.5))
        return cls(np.ones_like(totals.total), prior).m_step(some)

    def log_density(self, x: Any) -> Array:
        """Return log p(x_n | k) of the cells seen, (N, K), nats."""
        counts, seen = cells(x)  # a missing cell stands as a count of 0
        constant = gammaln(counts + 1).sum(axis=1)  # (N,)
        return counts @ np.log(self.rates).T - seen @ self.rates.T - constant[:, None]

    def statistics(self, x: Any, posterior: Array) -> Totals:
        """Return how many counts each state saw and their sums, given posterior (N, K)."""
        return Totals.of(x, posterior)

    def m_step(self, statistics: Totals) -> Self:
        """Return rates total / weight, with a prior (total + shape - 1) / (weight + rate).

        Where all that a state sees is zero, its rate is the smallest positive number.
        """
        events, exposure = (0.0, 0.0) if self.prior is None else (self.prior.shape - 1, self.prior.rate)
        rates = average(statistics.total + events, statistics.weight + exposure, otherwise=self.rates)
        learnt = np.where(statistics.weight + events > 0, rates, self.rates)
        return update(self, rates=np.maximum(learnt, TINY))

    def expected_log_density(self, statistics: Totals) -> float:
        """Return Σ x log λ - λ over the counts shared out, nats, without log x!, which no rate enters."""
        return float((statistics.total * np.log(self.rates) - statistics.weight * self.rates).sum())

    def log_prior(self) -> float:
        """Return the log prior density of the rates, nats; 0 without a prior."""
        return 0.0 if self.prior is None else self.prior.log_density(self.rates)

    def complaints(self, statistics: Totals) -> list[Complaint]:
        """Return which states coincide and, without a prior, which columns are never observed."""
        width = np.minimum(self.rates, np.sqrt(self.rates))
        return coincident((self.rates, width)) + unlearnt(statistics.weight, self.prior)

    def remarks(self, statistics: Totals) -> list[Complaint]:
        """Return which rates run to zero."""
        return vanishing(self.rates, "the rate")

    def conditioning(self) -> float:
        """Return eps Σ_d λ (1 + |log λ|) of the largest rates, nats per row: terms of this size cancel."""
        return EPS * float((self.rates * (1 + np.abs(np.log(self.rates)))).sum(axis=1).max())

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row of counts for each state (N,); returns (N, D)."""
        return rng.poisson(self.rates[states]).astype(np.float64)

    def complete(self, row: Any) -> Iterator[tuple[float, Totals]]:
        """Yield the log density of one row and its complete-data totals, for each state."""
        for k, counts, log_density in textbook.by_state(row, textbook.poisson, self.rates):
            yield log_density, Totals.one(counts, k, len(self.rates))
