"""Planted bugs of the M-step and of the prior: each is a healthy model with one thing wrong."""

from typing import Any, Self

import numpy as np

import emkit
from emkit import Array
from tests.testing.healthy import NormalMixture, PoissonMixture, Sums


class ReturnsItself(PoissonMixture):
    """The M-step gives back the current model."""

    def m_step(self, s: Sums) -> Self:
        return self


class PartialReturnsItself(ReturnsItself):
    """Declared partial, the M-step still raises nothing."""

    def partial_m_step(self) -> bool:
        return True


class ReadsCurrentRates(PoissonMixture):
    """The M-step goes half of the way and does not say so."""

    def m_step(self, s: Sums) -> Self:
        full = super().m_step(s)
        return emkit.replace(full, rates=(full.rates + self.rates) / 2)


class OvershootingRates(PoissonMixture):
    """The M-step makes rates half as large again."""

    def m_step(self, s: Sums) -> Self:
        full = super().m_step(s)
        return emkit.replace(full, rates=1.5 * full.rates)


class PriorNotCounted(PoissonMixture):
    """The M-step applies the prior, the objective leaves it out."""

    def log_prior(self) -> float:
        return 0.0


class PriorNotApplied(PoissonMixture):
    """The objective counts the prior, the M-step ignores it."""

    def m_step(self, s: Sums) -> Self:
        return emkit.replace(self, weights=s.weight / s.weight.sum(), rates=s.total / s.weight)


class OverwritesHeld(PoissonMixture):
    """The M-step learns rates that are held fixed."""

    def m_step(self, s: Sums) -> Self:
        return emkit.replace(super().m_step(s), rates=s.total / s.weight)


class BesselDenominator(NormalMixture):
    """Variances are divided by n - 1."""

    def m_step(self, s: Sums) -> Self:
        full = super().m_step(s)
        return emkit.replace(full, variances=full.variances * s.weight / (s.weight - 1))


class AddsConstant(NormalMixture):
    """A floor is added to variances after the M-step."""

    def m_step(self, s: Sums) -> Self:
        full = super().m_step(s)
        return emkit.replace(full, variances=full.variances + 1e-3)


class StaleMean(NormalMixture):
    """Variances are taken about the means of the model before."""

    def m_step(self, s: Sums) -> Self:
        scatter = s.square - 2 * s.total * self.means + s.weight * self.means**2
        return emkit.replace(super().m_step(s), variances=scatter / s.weight)


class QWithoutWeights(PoissonMixture):
    """Q leaves out the weights' term."""

    def expected_log_joint(self, s: Sums) -> float:
        return float(s.total @ np.log(self.rates) - s.weight @ self.rates)


class SamplesVariance(NormalMixture):
    """The variance is taken for a standard deviation."""

    def draw(self, states: Any, rng: np.random.Generator) -> Array:
        return rng.normal(self.means[states], self.variances[states])


class SamplesEqually(PoissonMixture):
    """Components are drawn with equal probability."""

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return self.draw(rng.choice(len(self.weights), n), rng)


class FloorsRates(PoissonMixture):
    """The constructor adds a little to every rate."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()  # type: ignore[misc]  # the check of every value
        object.__setattr__(self, "rates", self.rates + 1e-3)


class SamplesOneSeed(PoissonMixture):
    """The generator that `sample` is given is not used."""

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        return super().sample(n, np.random.default_rng(0))


class QWithoutLogVariances(NormalMixture):
    """Q leaves out the variances' normalising term."""

    def expected_log_joint(self, s: Sums) -> float:
        return super().expected_log_joint(s) + float(0.5 * s.weight @ np.log(self.variances))


class ReturnsBaseClass(PoissonMixture):
    """The M-step returns the class that it derives from."""

    def m_step(self, s: Sums) -> Any:
        full = super().m_step(s)
        return PoissonMixture(full.weights, full.rates)


class ReturnsNothing(PoissonMixture):
    """The M-step changes a copy and forgets to return it."""

    def m_step(self, s: Sums) -> Any:
        super().m_step(s)


class NanInStatistics(PoissonMixture):
    """The E-step leaves a nan in its statistics."""

    def e_step(self, data: Any) -> emkit.Expectation[Sums]:
        learnt = super().e_step(data)
        return emkit.replace(learnt, statistics=learnt.statistics * float("nan"))


class PriorInMarginal(PoissonMixture):
    """The prior is counted in the E-step and in `log_marginal`, once for each call."""

    def share(self, x: Array) -> tuple[Array, Array]:
        log_marginal, posterior = super().share(x)
        return log_marginal + self.log_prior() / len(x), posterior
