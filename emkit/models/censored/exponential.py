"""Censored exponential times: waiting times of which only limits are known."""

from typing import Any, Self, final

import numpy as np

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array
from emkit.censoring import Censored, TrueValues, as_censored, informative, midpoints
from emkit.data import Weighted
from emkit.declarations import fixed, positive
from emkit.model import Complaint, LatentVariableModel
from emkit.moments import OVERFLOWS
from emkit.priors.conjugate import optional_prior
from emkit.priors.gamma import GammaPrior
from emkit.statistics import Expectation, Statistics
from emkit.truncated import truncated_exponential, truncated_exponential_divergence
from emkit.values import update, value


@value
class TotalTime(Statistics):
    """Expected total of the true times, and what bounds the rate on either side."""

    weight: float  # Σ w
    total: float  # Σ w E[t]
    ended: float  # Σ w of times with an upper limit: without any the rate goes to zero
    survived: float  # Σ w · lower limit: without any the rate goes to infinity


@final
@value
class CensoredExponential(LatentVariableModel[Weighted[Censored], TotalTime]):
    """Exponential times, p(t) = rate · exp(-rate t), known exactly or within limits.

    The latent variable is the true time. The log likelihood adds log densities of exact times and log probabilities of
    the others' intervals: only differences between models of the same data in the same units mean anything.

    Args:
        rate: events per unit of time.
        prior: `GammaPrior`, or None for maximum likelihood.
        fixed: "rate" to hold it.

    Data are `Censored` without covariates and without negative times, or that `Weighted`; a lower limit of -inf counts
    as 0. Reference: D. R. Cox and D. Oakes (1984), Analysis of Survival Data, section 3.2.
    """

    rate: float = positive()
    prior: GammaPrior | None = optional_prior(GammaPrior)
    fixed: frozenset[str] = fixed()

    @classmethod
    def start(cls, data: Any, *, prior: GammaPrior | None = None) -> Self:
        """Return the rate of events per time at risk, intervals ending at their midpoints.

        Args:
            data: `Censored`, or that `Weighted`.
            prior: as for the class.

        Raises:
            ValueError: the likelihood has no maximum: all times are right-censored, or none is known to exceed 0.
        """
        any_rate = cls(1.0, prior)
        rows = informative(any_rate.prepare(data))
        times = Censored(np.maximum(rows.data.lower, 0.0), rows.data.upper)
        learnt = _total_time(rows, midpoints(times).mean)
        found = any_rate.complaints(learnt)
        if found:
            raise ValueError("; ".join(f"data: the {where} {why}" for where, why in found))
        return any_rate.m_step(TotalTime(learnt.ended, learnt.total, learnt.ended, learnt.survived))

    def prepare(self, data: Any) -> Weighted[Censored]:
        """Return the data weighted; every time counts once unless they are `Weighted`.

        Raises:
            TypeError: not `Censored`.
            ValueError: covariates, a negative time, or an upper limit of 0; the message names the row.
        """
        prepared = as_censored(data, 0)
        lower, upper = prepared.data.lower, prepared.data.upper
        negative = ((lower < 0) & np.isfinite(lower)) | (upper < 0) | ((upper == 0) & (lower < 0))
        if negative.any():
            row = int(np.argmax(negative))
            raise ValueError(
                f"data: row {row} lies between {lower[row]:.6g} and {upper[row]:.6g}; expected times from 0 on"
            )
        return prepared

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` data."""
        return wrapper is Weighted

    def e_step(self, data: Weighted[Censored]) -> Expectation[TotalTime]:
        """Return the expected total time of prepared data."""
        log_marginal, known = self._condition(data.data)
        return Expectation.of(log_marginal, _total_time(data, known.mean), data.weight)

    def m_step(self, statistics: TotalTime) -> Self:
        """Return the rate, times over total time; a prior adds its events and its exposure."""
        events, exposure = self._pseudo()
        with np.errstate(divide="ignore"):  # an infinite rate is refused by the constructor, by name
            return update(self, rate=np.divide(statistics.weight + events, statistics.total + exposure))

    def log_marginal(self, data: Any) -> Array:
        """Return log densities of exact times and log probabilities of the intervals of the others, (N,), nats."""
        return self._condition(self.prepare(data).data)[0]

    def posterior(self, data: Any) -> TrueValues:
        """Return mean and variance of each true time given its limits."""
        return self._condition(self.prepare(data).data)[1]

    def posterior_divergence(self, other: Self, data: Any) -> Array:
        """Return how far the distribution of each true time moves to another model's, (N,), nats; 0 where exact."""
        x = self.prepare(data).data
        moved, some = np.zeros(len(x)), ~x.exact
        lower = np.maximum(x.lower[some], 0.0)
        moved[some] = truncated_exponential_divergence(self.rate, other.rate, lower, x.upper[some])
        return moved

    @property
    def mean(self) -> float:
        """The mean time, 1 / rate."""
        return 1 / self.rate

    def log_prior(self) -> float:
        """Return the log prior density of the rate, nats, up to a constant; 0 without a prior."""
        return 0.0 if self.prior is None else self.prior.log_density(np.array([self.rate]))

    def expected_log_joint(self, statistics: TotalTime) -> float:
        """Return Q(self given statistics) = Σ w (log rate - rate E[t]), nats."""
        return statistics.weight * float(np.log(self.rate)) - statistics.total * self.rate

    def sample(self, n: int, rng: Seed) -> Censored:
        """Draw n exact times."""
        times = as_generator(rng).exponential(1 / self.rate, check_count("n", n))
        return Censored(times, times)

    def complaints(self, statistics: TotalTime) -> list[Complaint]:
        """Return whether the likelihood has its maximum at a rate of zero or infinity."""
        events, exposure = self._pseudo()
        if "rate" in self.fixed:
            return []
        if statistics.ended + events == 0:
            return [("rate", "goes to zero: all times are right-censored; observe longer, or add a GammaPrior")]
        if statistics.survived + exposure == 0:
            return [("rate", "goes to infinity: no time is known to exceed 0; observe sooner, or add a GammaPrior")]
        return []

    def _condition(self, x: Censored) -> tuple[Array, TrueValues]:
        """Return log marginals (N,), and what is known of the true times."""
        lower, some = np.maximum(x.lower, 0.0), ~x.exact
        log_marginal = np.log(self.rate) - self.rate * lower  # (N,)
        mean, variance = lower.copy(), np.zeros(len(x))
        log_marginal[some], mean[some], variance[some] = truncated_exponential(self.rate, lower[some], x.upper[some])
        return log_marginal, TrueValues(mean, variance)

    def _pseudo(self) -> tuple[float, float]:
        """Return the events and the exposure that a prior stands for."""
        return (0.0, 0.0) if self.prior is None else (self.prior.shape - 1, self.prior.rate)


@OVERFLOWS
def _total_time(data: Weighted[Censored], times: Array) -> TotalTime:
    """Return the sums over known or expected times (N,)."""
    return TotalTime(
        float(data.weight.sum()),
        float(data.weight @ times),
        float(data.weight @ np.isfinite(data.data.upper)),
        float(data.weight @ np.maximum(data.data.lower, 0.0)),
    )
