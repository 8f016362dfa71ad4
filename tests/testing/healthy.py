"""Two healthy models with every power: they must pass all laws, and planted bugs derive from them."""

from collections.abc import Iterator
from typing import Any, Self

import attrs
import numpy as np
from scipy.special import gammaln
from scipy.stats import norm, poisson

import emkit
from emkit import Array, Weighted


@emkit.value
class Sums(emkit.Statistics):
    """Expected sums of each component."""

    weight: Array  # (K,)
    total: Array  # (K,) of x
    square: Array  # (K,) of x²


@emkit.value
class Gamma:
    """A gamma prior on rates or precisions: density ∝ λ^(shape - 1) exp(-rate λ)."""

    shape: float = emkit.positive(free=False)
    rate: float = emkit.positive(free=False)


class OneDimensional(emkit.LatentVariableModel[Any, Sums]):
    """What both mixtures share: numbers (N,), weighted, one of K components each."""

    weights: Array

    def log_density(self, x: Array) -> Array:
        """Return log p(x_n | k), (N, K)."""
        raise NotImplementedError

    def draw(self, states: Any, rng: np.random.Generator) -> Array:
        """Return one number for each state."""
        raise NotImplementedError

    def prepare(self, data: Any) -> Weighted[Array]:
        if isinstance(data, Weighted):
            return Weighted(np.asarray(data.data, dtype=np.float64), data.weight)
        return Weighted(np.asarray(data, dtype=np.float64), np.ones(len(data)))

    def accepts(self, wrapper: type) -> bool:
        return wrapper is Weighted

    def share(self, x: Array) -> tuple[Array, Array]:
        """Return log marginals (N,) and posterior (N, K)."""
        return emkit.condition(self.weights, self.log_density(x))

    def e_step(self, data: Weighted[Array]) -> emkit.Expectation[Sums]:
        x = data.data
        log_marginal, posterior = self.share(x)
        weighted = posterior * data.weight[:, None]
        return emkit.Expectation.of(
            log_marginal, Sums(weighted.sum(0), x @ weighted, np.square(x) @ weighted), data.weight
        )

    def log_marginal(self, data: Any) -> Array:
        return self.share(self.prepare(data).data)[0]

    def posterior(self, data: Any) -> Array:
        return self.share(self.prepare(data).data)[1]

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self.draw(rng.choice(len(self.weights), n, p=self.weights), rng)


@emkit.value
class PoissonMixture(OneDimensional):
    """K Poisson components."""

    weights: Array = emkit.simplex("K")
    rates: Array = emkit.positive("K")
    prior: Gamma | None = None  # of the rates
    fixed: frozenset[str] = emkit.fixed()

    def log_density(self, x: Array) -> Array:
        return np.asarray(poisson.logpmf(x[:, None], self.rates))

    def m_step(self, s: Sums) -> Self:
        shape, rate = (1.0, 0.0) if self.prior is None else (self.prior.shape, self.prior.rate)
        return emkit.update(
            self,
            weights=s.weight / s.weight.sum(),
            rates=emkit.average(s.total + shape - 1, s.weight + rate, otherwise=self.rates),
        )

    def log_prior(self) -> float:
        if self.prior is None:
            return 0.0
        return float(((self.prior.shape - 1) * np.log(self.rates) - self.prior.rate * self.rates).sum())

    def expected_log_joint(self, s: Sums) -> float:
        return float(s.weight @ np.log(self.weights) + s.total @ np.log(self.rates) - s.weight @ self.rates)

    def configurations(self, unit: Any) -> Iterator[tuple[float, Sums]]:
        data = self.prepare(unit)
        for k, (share, rate) in enumerate(zip(self.weights, self.rates, strict=True)):
            (x,) = data.data
            one = np.eye(len(self.weights))[k]
            log_joint = np.log(share) + x * np.log(rate) - rate - gammaln(x + 1)
            yield float(log_joint), Sums(one, one * x, one * x * x) * float(data.weight[0])

    def draw(self, states: Any, rng: np.random.Generator) -> Array:
        return rng.poisson(self.rates[states]).astype(float)


@emkit.value
class NormalMixture(OneDimensional):
    """K normal components on the line."""

    weights: Array = emkit.simplex("K")
    means: Array = emkit.real("K")
    variances: Array = emkit.positive("K")
    ridge: float = attrs.field(default=0.0)  # ν: log prior -ν/2 Σ (log σ² + 1 / σ²)

    def log_density(self, x: Array) -> Array:
        return np.asarray(norm.logpdf(x[:, None], self.means, np.sqrt(self.variances)))

    def m_step(self, s: Sums) -> Self:
        means = s.total / s.weight
        scatter = s.square - s.weight * means**2
        variances = (scatter + self.ridge) / (s.weight + self.ridge)
        return emkit.replace(self, weights=s.weight / s.weight.sum(), means=means, variances=variances)

    def log_prior(self) -> float:
        return float(-0.5 * self.ridge * (np.log(self.variances) + 1 / self.variances).sum())

    def expected_log_joint(self, s: Sums) -> float:
        scatter = s.square - 2 * s.total * self.means + s.weight * self.means**2
        spread = s.weight @ np.log(self.variances) + (scatter / self.variances).sum()
        return float(s.weight @ np.log(self.weights) - 0.5 * spread)

    def configurations(self, unit: Any) -> Iterator[tuple[float, Sums]]:
        data = self.prepare(unit)
        for k, share in enumerate(self.weights):
            (x,) = data.data
            one = np.eye(len(self.weights))[k]
            distance = (x - self.means[k]) ** 2 / self.variances[k]
            log_joint = np.log(share) - 0.5 * (np.log(2 * np.pi * self.variances[k]) + distance)
            yield float(log_joint), Sums(one, one * x, one * x * x) * float(data.weight[0])

    def draw(self, states: Any, rng: np.random.Generator) -> Array:
        return rng.normal(self.means[states], np.sqrt(self.variances[states]))


YEARS = np.random.default_rng(9).normal([1990.0] * 20 + [1998.0] * 10, 2.0)
"""Thirty numbers in two clusters of standard deviation 2, far from zero: squares lose six digits of sixteen."""

COUNTS = np.array([0, 1, 1, 2, 2, 2, 3, 3, 4, 1, 0, 7, 8, 9, 9, 10, 11, 8, 12, 7, 9, 10, 3, 6], dtype=float)
"""Numbers of something, few and many."""

NUMBERS = np.random.default_rng(8).normal([-2.0] * 15 + [3.0] * 15, [0.5] * 15 + [2.0] * 15)
"""Thirty numbers in two clusters, of standard deviations 0.5 and 2."""

POISSON = (np.array([0.4, 0.6]), np.array([2.0, 9.0]))
FAR = (np.array([0.6, 0.4]), np.array([1990.0, 1998.0]), np.array([4.0, 4.0]))
NORMAL = (np.array([0.4, 0.6]), np.array([-2.0, 3.0]), np.array([0.3, 4.0]))
