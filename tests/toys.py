"""Small models that tests share: the example of the documentation, a stranger's class, and models that misbehave."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from scipy.stats import poisson

import emkit
from emkit import Array


@emkit.value
class Counts(emkit.Statistics):  # field-wise `+` and `*`
    weight: Array  # (K,) expected number of observations per component
    total: Array  # (K,) expected sum of their counts


@emkit.value
class PoissonMixture(emkit.LatentVariableModel[Array, Counts]):
    weights: Array = emkit.simplex("K")
    rates: Array = emkit.positive("K")

    def _log_density(self, x: Array) -> Array:  # (N, K)
        return np.asarray(poisson.logpmf(x[:, None], self.rates))

    def e_step(self, x: Array) -> emkit.Expectation[Counts]:
        log_marginal, posterior = emkit.condition(self.weights, self._log_density(x))  # (N,), (N, K)
        return emkit.Expectation.of(log_marginal, Counts(posterior.sum(0), x @ posterior))

    def m_step(self, s: Counts) -> "PoissonMixture":
        return PoissonMixture(s.weight / s.weight.sum(), emkit.average(s.total, s.weight, otherwise=self.rates))

    def log_marginal(self, x: Array) -> Array:
        return emkit.condition(self.weights, self._log_density(x))[0]


def counts(seed: int = 0, n: int = 60) -> Array:
    """Draw counts from two well separated Poisson components."""
    rng = np.random.default_rng(seed)
    return rng.poisson(np.where(rng.random(n) < 0.4, 2.0, 9.0)).astype(np.float64)


class TwoCoins:
    """A stranger's model: each unit is the heads in ten throws of one of two coins. It inherits nothing."""

    throws = 10

    def __init__(self, first: float, second: float) -> None:
        self.heads = np.array([first, second])

    def _log_joint(self, x: Array) -> Array:
        tails = self.throws - x[:, None]
        return x[:, None] * np.log(self.heads) + tails * np.log1p(-self.heads) + np.log(0.5)

    def e_step(self, x: Array) -> emkit.Expectation[Array]:
        log_marginal = self.log_marginal(x)
        posterior = np.exp(self._log_joint(x) - log_marginal[:, None])
        return emkit.Expectation.of(log_marginal, np.stack([x @ posterior, posterior.sum(0)]))

    def m_step(self, s: Array) -> "TwoCoins":
        return TwoCoins(*s[0] / (self.throws * s[1]))

    def log_marginal(self, x: Array) -> Array:
        return np.logaddexp(*self._log_joint(x).T)


@emkit.value
class Linkage(emkit.LatentVariableModel[Array, Counts]):
    """Genetic linkage, Dempster, Laird and Rubin (1977), section 1: cells (2 + t)/4, (1 - t)/4, (1 - t)/4, t/4.

    Data are cell numbers 0 to 3, one per animal; the summary is how many fell in each cell.
    """

    theta: float = emkit.probability()

    def summary(self, x: Array) -> Array:
        return np.bincount(x.astype(np.int64), minlength=4).astype(np.float64)

    def e_step_of(self, summary: Array) -> emkit.Expectation[Counts]:
        hidden = summary[0] * self.theta / (2 + self.theta)
        learnt = Counts(np.array([summary[1] + summary[2]]), np.array([hidden + summary[3]]))
        return emkit.Expectation.of(self._log_cells(), learnt, summary)

    def e_step(self, x: Array) -> emkit.Expectation[Counts]:
        return self.e_step_of(self.summary(x))

    def m_step(self, s: Counts) -> "Linkage":
        return Linkage(float(s.total[0] / (s.total[0] + s.weight[0])))

    def log_marginal(self, x: Array) -> Array:
        return self._log_cells()[x.astype(np.int64)]

    def _log_cells(self) -> Array:
        return np.log(np.array([2 + self.theta, 1 - self.theta, 1 - self.theta, self.theta]) / 4)


Happening: TypeAlias = Callable[["Scripted"], Any]


@dataclass(frozen=True)
class Scripted:
    """A model that follows a script: after i M-steps every unit has log marginal `levels[i]`, or the last of them.

    `truth` is what `log_marginal` says, where it differs from the E-step; `on_e_step` and `on_m_step` are called
    with the model before it answers, and may raise.
    """

    levels: tuple[float, ...]
    truth: tuple[float, ...] | None = None
    iteration: int = 0
    on_e_step: Happening = field(default=lambda model: None)
    on_m_step: Happening = field(default=lambda model: None)
    edges: dict[int, str] = field(default_factory=dict)

    def e_step(self, data: Array) -> emkit.Expectation[Array]:
        self.on_e_step(self)
        return emkit.Expectation.of(self._follow(self.levels, data), np.array([float(len(data))]))

    def m_step(self, s: Array) -> "Scripted":
        self.on_m_step(self)
        return replace(self, iteration=self.iteration + 1)

    def log_marginal(self, data: Array) -> Array:
        return self._follow(self.levels if self.truth is None else self.truth, data)

    def complaints(self, statistics: Any) -> list[tuple[str, str]]:
        return [("component 0", self.edges[self.iteration])] if self.iteration in self.edges else []

    def _follow(self, levels: tuple[float, ...], data: Array) -> Array:
        return np.full(len(data), levels[min(self.iteration, len(levels) - 1)])


def raise_at(iteration: int, error: BaseException) -> Happening:
    """Return what makes a `Scripted` model raise at this iteration."""

    def happen(model: Scripted) -> None:
        if model.iteration == iteration:
            raise error

    return happen


def objective(model: Any, data: Any) -> float:
    """Evaluate log likelihood + log prior of a model from its own `log_marginal`, not through the driver."""
    prior = model.log_prior() if hasattr(model, "log_prior") else 0.0
    if isinstance(data, emkit.Weighted):
        some = data.weight > 0
        return float(data.weight[some] @ model.log_marginal(data.data)[some] + prior)
    return float(np.sum(model.log_marginal(data)) + prior)
