"""More planted bugs: of posteriors and priors, and of hidden Markov models."""

import itertools
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import xlogy
from scipy.stats import poisson

import emkit
from emkit import Array
from tests.testing.healthy import NormalMixture, PoissonMixture, Sums


class Tempered(PoissonMixture):
    """The posterior is flattened, as in annealing."""

    def share(self, x: Array) -> tuple[Array, Array]:
        log_marginal, posterior = super().share(x)
        flat = np.sqrt(posterior)
        return log_marginal, flat / flat.sum(axis=1, keepdims=True)


class PriorOfTheWrongSign(PoissonMixture):
    """The objective subtracts the log prior."""

    def log_prior(self) -> float:
        return -super().log_prior()


class WeightsReversed(PoissonMixture):
    """The M-step gives each component the weight of another."""

    def m_step(self, s: Sums) -> Self:
        full = super().m_step(s)
        return emkit.replace(full, weights=full.weights[::-1])


class DeviationForVariance(NormalMixture):
    """The M-step takes the root of each variance."""

    def m_step(self, s: Sums) -> Self:
        full = super().m_step(s)
        return emkit.replace(full, variances=np.sqrt(full.variances))


class ReadsWhatIsLeft(PoissonMixture):
    """The M-step reads a posterior that the E-step left behind"""

    left: ClassVar[Any] = None

    def e_step(self, data: Any) -> emkit.Expectation[Sums]:
        learnt = super().e_step(data)
        ReadsWhatIsLeft.left = learnt.statistics
        return learnt

    def m_step(self, s: Sums) -> Self:
        return super().m_step(self.left)


class ReusesABuffer(PoissonMixture):
    """The E-step returns one buffer again and again"""

    buffer: ClassVar[Array] = np.zeros(2)

    def e_step(self, data: Any) -> emkit.Expectation[Any]:
        learnt = super().e_step(data)
        ReusesABuffer.buffer[:] = learnt.statistics.total
        return emkit.replace(learnt, statistics=Shared(learnt.statistics.weight, ReusesABuffer.buffer))


class Shared:
    """Statistics that keep the array they are given."""

    def __init__(self, weight: Array, total: Array) -> None:
        self.weight, self.total, self.square = weight, total, total

    def __add__(self, other: "Shared") -> "Shared":
        return Shared(self.weight + other.weight, self.total + other.total)


class QRaises(PoissonMixture):
    """`expected_log_joint` raises"""

    def expected_log_joint(self, s: Sums) -> float:
        raise KeyError("rates")


class NegativeLogLikelihood(PoissonMixture):
    """The E-step returns the negative of its log likelihood"""

    def e_step(self, data: Any) -> emkit.Expectation[Sums]:
        learnt = super().e_step(data)
        return emkit.replace(learnt, log_likelihood=-learnt.log_likelihood)


@emkit.value
class Counts(emkit.Statistics):
    """Expected counts of a chain, and sums of what it emits."""

    initial: Array  # (K,)
    transition: Array  # (K, K)
    weight: Array  # (K,)
    total: Array  # (K,)


@emkit.value
class Chain(emkit.LatentVariableModel[Any, Counts]):
    """A healthy hidden Markov model of counts; data are a list of sequences."""

    initial: Array = emkit.simplex("K")
    transition: Array = emkit.simplex("K", "K")
    rates: Array = emkit.positive("K")

    def density(self, x: Array) -> Array:
        """Return p(x_t | k), (T, K)."""
        return np.asarray(poisson.pmf(x[:, None], self.rates))

    def forward(self, x: Array) -> tuple[Array, Array]:
        """Return the filtered states (T, K) and the scale of each step (T,)."""
        density = self.density(x)
        filtered, scale = np.empty_like(density), np.empty(len(x))
        ahead = self.initial
        for t in range(len(x)):
            joint = ahead * density[t]
            scale[t] = joint.sum()
            filtered[t] = joint / scale[t]
            ahead = filtered[t] @ self.transition
        return filtered, scale

    def backward(self, x: Array, scale: Array) -> Array:
        """Return what is ahead of each step says of its state, (T, K), scaled."""
        density, ahead = self.density(x), np.ones((len(x), len(self.rates)))
        for t in range(len(x) - 2, -1, -1):
            ahead[t] = self.transition @ (density[t + 1] * ahead[t + 1]) / scale[t + 1]
        return ahead

    def told(self, x: Array) -> tuple[float, Counts]:
        """Return the log likelihood and the expected counts of one sequence."""
        filtered, scale = self.forward(x)
        ahead = self.backward(x, scale)
        smoothed = filtered * ahead
        come = self.density(x)[1:] * ahead[1:] / scale[1:, None]
        moves = np.einsum("ti,ij,tj->ij", filtered[:-1], self.transition, come)
        return float(np.log(scale).sum()), Counts(smoothed[0], moves, smoothed.sum(axis=0), x @ smoothed)

    def e_step(self, data: Any) -> emkit.Expectation[Counts]:
        log_likelihoods, counts = zip(*(self.told(x) for x in data), strict=True)
        total = counts[0]
        for one in counts[1:]:
            total = total + one
        return emkit.Expectation.of(np.array(log_likelihoods), total, conditioning=1e-11)

    def m_step(self, s: Counts) -> Self:
        moves = s.transition / s.transition.sum(axis=1, keepdims=True)
        return type(self)(s.initial / s.initial.sum(), moves, s.total / s.weight)

    def log_marginal(self, data: Any) -> Array:
        return np.array([self.told(x)[0] for x in data])

    def expected_log_joint(self, s: Counts) -> float:
        chain = xlogy(s.initial, self.initial).sum() + xlogy(s.transition, self.transition).sum()
        return float(chain + s.total @ np.log(self.rates) - s.weight @ self.rates)

    def configurations(self, unit: Any) -> Iterator[tuple[float, Counts]]:
        (x,) = unit
        eye = np.eye(len(self.rates))
        for path in itertools.product(range(len(self.rates)), repeat=len(x)):
            log_joint = np.log(self.initial[path[0]])
            moves = np.zeros_like(self.transition)
            for i, j in itertools.pairwise(path):
                log_joint += np.log(self.transition[i, j])
                moves[i, j] += 1
            for t, k in enumerate(path):
                log_joint += poisson.logpmf(x[t], self.rates[k])
            states = eye[list(path)]
            yield float(log_joint), Counts(states[0], moves, states.sum(axis=0), x @ states)


class ScalingForgotten(Chain):
    """The forward pass multiplies probabilities and does not scale them."""

    def forward(self, x: Array) -> tuple[Array, Array]:
        density, joint = self.density(x), self.initial
        for t in range(len(x)):
            joint = (joint if t == 0 else joint @ self.transition) * density[t]
        with np.errstate(divide="ignore"):
            filtered, scale = super().forward(x)
            scale[-1] *= joint.sum() / np.prod(scale)  # nothing over nothing, in long sequences
        return filtered, scale

    def told(self, x: Array) -> tuple[float, Counts]:
        with np.errstate(all="ignore"):
            return super().told(x)


class FiltersForSmooths(Chain):
    """The E-step leaves out the backward pass."""

    def backward(self, x: Array, scale: Array) -> Array:
        return np.ones((len(x), len(self.rates)))


CHAIN = (np.array([0.5, 0.5]), np.array([[0.8, 0.2], [0.3, 0.7]]), np.array([1.0, 6.0]))

SHORT = [np.random.default_rng(seed).poisson([2, 2, 5, 6, 4, 2]).astype(float) for seed in range(20)]
"""Twenty sequences of six counts, in which states are not clear."""

LONG = [np.random.default_rng(1).poisson(np.repeat([1, 6, 1, 7, 2] * 40, 5)).astype(float)]
"""A sequence of a thousand counts."""
