"""Healthy models of other kinds, in no way emkit's own, and two planted bugs among them."""

from typing import Any

import attrs
import numpy as np
from scipy.stats import binom, poisson

import emkit
from emkit import Array, Expectation
from tests.testing.healthy import PoissonMixture, Sums


class Coins:
    """Two coins in a bag, each unit ten tosses of one: a plain class, data in a list, statistics in an array."""

    def __init__(self, heads: Array) -> None:
        self.heads = np.asarray(heads)

    def _condition(self, data: list[int]) -> tuple[Array, Array]:
        return emkit.condition(np.array([0.5, 0.5]), binom.logpmf(np.array(data)[:, None], 10, self.heads))

    def e_step(self, data: list[int]) -> Expectation[Array]:
        log_marginal, posterior = self._condition(data)
        return Expectation.of(log_marginal, np.stack([posterior.sum(0), np.array(data) @ posterior]))

    def m_step(self, statistics: Array) -> "Coins":
        return type(self)(statistics[1] / statistics[0] / 10)

    def log_marginal(self, data: list[int]) -> Array:
        return self._condition(data)[0]


class BecomesCoins(Coins):
    """Planted: the M-step returns the class that it derives from, and no parameter is declared."""

    def m_step(self, statistics: Array) -> Coins:
        return Coins(super().m_step(statistics).heads)


class CoinsToNan(Coins):
    """Planted: the M-step makes nan."""

    def m_step(self, statistics: Array) -> Coins:
        return type(self)(np.full_like(statistics[0], np.nan))


HEADS = [1, 2, 2, 3, 1, 0, 2, 7, 8, 9, 8, 6, 7, 9, 8, 3]


@attrs.frozen(eq=False)
class Rows:
    """Statistics that are the weighted rows themselves; `+` concatenates."""

    x: Array  # (N,)
    share: Array  # (N, K)

    def __add__(self, other: "Rows") -> "Rows":
        return Rows(np.concatenate([self.x, other.x]), np.concatenate([self.share, other.share]))


@emkit.value
class RowsMixture:
    """A Poisson mixture whose statistics grow with the data."""

    rates: Array = emkit.positive("K")

    def _condition(self, x: Array) -> tuple[Array, Array]:
        return emkit.condition(np.array([0.5, 0.5]), poisson.logpmf(x[:, None], self.rates))

    def e_step(self, x: Array) -> Expectation[Rows]:
        log_marginal, posterior = self._condition(x)
        return Expectation.of(log_marginal, Rows(x.copy(), posterior))

    def m_step(self, statistics: Rows) -> "RowsMixture":
        return type(self)(statistics.x @ statistics.share / statistics.share.sum(axis=0))

    def log_marginal(self, x: Array) -> Array:
        return self._condition(x)[0]


class SpendsRows(RowsMixture):
    """The M-step writes to its statistics."""

    def m_step(self, statistics: Rows) -> "RowsMixture":
        share = statistics.share
        share /= share.sum(axis=0)
        return type(self)(statistics.x @ share)


@emkit.value
class Histogram(emkit.Statistics):
    """How much weight each count from 0 to 40 has."""

    weight: Array  # (41,)


class SummarisedPoisson(PoissonMixture):
    """A Poisson mixture that reads its data once."""

    def summary(self, data: Any) -> Histogram:
        ready = self.prepare(data)
        return Histogram(np.bincount(ready.data.astype(int), ready.weight, 41))

    def e_step_of(self, summary: Histogram) -> Expectation[Sums]:
        return self.e_step(emkit.Weighted(np.arange(41.0), summary.weight))


class ForgetfulSummary(SummarisedPoisson):
    """Planted: the summary forgets weights."""

    def summary(self, data: Any) -> Histogram:
        return Histogram(np.minimum(super().summary(data).weight, 1.0))


class HalfWay(PoissonMixture):
    """A healthy partial M-step, declared: halfway to the maximum, in free coordinates."""

    def m_step(self, s: Sums) -> "HalfWay":
        full = emkit.pack(super().m_step(s))
        return emkit.unpack((full + emkit.pack(self)) / 2, like=self)

    def partial_m_step(self) -> bool:
        return True
