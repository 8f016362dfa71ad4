"""Planted bugs of the E-step, of the statistics and of the data: each is a healthy model with one thing wrong."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import attrs
import numpy as np

import emkit
from emkit import Array, Expectation, Weighted
from tests.testing.healthy import PoissonMixture, Sums


class Unnormalised(PoissonMixture):
    """The posterior is the joint, not divided by its sum."""

    def share(self, x: Array) -> tuple[Array, Array]:
        log_marginal, posterior = super().share(x)
        return log_marginal, posterior * np.exp(log_marginal)[:, None]


class Hardened(PoissonMixture):
    """Every observation goes wholly to its most probable component."""

    def share(self, x: Array) -> tuple[Array, Array]:
        log_marginal, posterior = super().share(x)
        return log_marginal, np.eye(posterior.shape[1])[posterior.argmax(1)]


class OldPosterior(PoissonMixture):
    """`posterior` uses the weights of some earlier model."""

    def posterior(self, data: Any) -> Array:
        return emkit.condition(np.array([0.5, 0.5]), self.log_density(self.prepare(data).data))[1]


class MarginalWithoutConstant(PoissonMixture):
    """`log_marginal` drops a constant that e_step keeps."""

    def log_marginal(self, data: Any) -> Array:
        return super().log_marginal(data) + 0.5 * np.log(2 * np.pi)


class DensityWithoutConstant(PoissonMixture):
    """The density drops -log x! everywhere."""

    def log_density(self, x: Array) -> Array:
        return x[:, None] * np.log(self.rates) - self.rates


class MarginalAsColumn(PoissonMixture):
    """`log_marginal` has shape (N, 1)."""

    def log_marginal(self, data: Any) -> Array:
        return super().log_marginal(data)[:, None]


class ClaimsRounding(PoissonMixture):
    """The E-step claims that rounding explains any fall."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        return emkit.replace(super().e_step(data), rounding=1e9)


class Averages(PoissonMixture):
    """The E-step divides by the number of units."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        learnt = super().e_step(data)
        return emkit.replace(learnt, statistics=learnt.statistics * (1 / learnt.units))


class FirstCountsTwice(PoissonMixture):
    """What a unit contributes depends on where it stands."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        learnt, first = super().e_step(data), super().e_step(data[:1])
        return emkit.replace(learnt, statistics=learnt.statistics + first.statistics)


class RandomEStep(PoissonMixture):
    """The E-step is not the same twice."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        learnt = super().e_step(data)
        return emkit.replace(learnt, statistics=learnt.statistics * float(np.random.default_rng().uniform(0.9, 1.1)))


class ForgetsConfiguration(PoissonMixture):
    """One latent configuration is missing."""

    def configurations(self, unit: Any) -> Iterator[tuple[float, Sums]]:
        yield from list(super().configurations(unit))[1:]


class SortsData(PoissonMixture):
    """The E-step sorts the data in place."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        data.data.sort()
        return super().e_step(data)


class IgnoresWeights(PoissonMixture):
    """Weights are accepted and not used."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        return super().e_step(Weighted(data.data, np.ones(len(data))))


class SquaresWeights(PoissonMixture):
    """Weights are multiplied in twice."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        return super().e_step(Weighted(data.data, data.weight**2))


class FloorsWeights(PoissonMixture):
    """A weight of zero counts a little."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Sums]:
        return super().e_step(Weighted(data.data, np.maximum(data.weight, 1e-3)))


class PreparesTwice(PoissonMixture):
    """Every call of `prepare` adds one."""

    def prepare(self, data: Any) -> Weighted[Array]:
        ready = super().prepare(data)
        return Weighted(ready.data + 1, ready.weight)


class SubtractsSmallest(PoissonMixture):
    """`prepare` looks at all rows."""

    def prepare(self, data: Any) -> Weighted[Array]:
        ready = super().prepare(data)
        return Weighted(ready.data - ready.data.min(), ready.weight)


class PrepareCopies(PoissonMixture):
    """`prepare` copies what it need not."""

    def prepare(self, data: Any) -> Weighted[Array]:
        ready = super().prepare(data)
        return Weighted(ready.data.copy(), ready.weight)


@emkit.value
class HoldsLambda(PoissonMixture):
    """A field holds a function without a name."""

    callback: Callable[[], None] = attrs.field(default=lambda: None)


@emkit.value
class LeftMean(Sums):
    """Statistics whose `+` takes the square from the left."""

    def __add__(self, other: Self) -> Self:
        return type(self)(self.weight + other.weight, self.total + other.total, self.square)


@emkit.value
class ForgetfulScale(Sums):
    """Statistics whose `*` leaves a field alone."""

    def __mul__(self, factor: float) -> Self:
        return type(self)(self.weight * factor, self.total * factor, self.square)


class OrderedStatistics(PoissonMixture):
    """The order in which statistics are added matters."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Any]:
        learnt = super().e_step(data)
        s = learnt.statistics
        return emkit.replace(learnt, statistics=LeftMean(s.weight, s.total, s.square))


class ScaledStatistics(PoissonMixture):
    """Statistics scale in part."""

    def e_step(self, data: Weighted[Array]) -> Expectation[Any]:
        learnt = super().e_step(data)
        s = learnt.statistics
        return emkit.replace(learnt, statistics=ForgetfulScale(s.weight, s.total, s.square))
