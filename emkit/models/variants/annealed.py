"""Deterministic annealing EM: responsibilities begin near uniform and sharpen step by step."""

import math
from functools import partial
from typing import Any, Self, final

import attrs
import numpy as np

from emkit.algorithm import Ascent
from emkit.arguments import Seed, check_count
from emkit.arrays import Array, condition
from emkit.data import Weighted
from emkit.emissions import asking
from emkit.model import Complaint
from emkit.models.mixture_statistics import MixtureStatistics
from emkit.models.variants.base import M, Variant, expectation
from emkit.statistics import Expectation
from emkit.values import replace, value

COLD = 1e-12
"""How far β may be below 1, relatively, and count as 1: rounding in a power of the factor."""


def _number(name: str, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a number, found {given!r:.60}")
    return float(given)


@final
@value
class Annealed(Variant[M]):
    """A mixture fitted by deterministic annealing EM: responsibilities ∝ (w_k p_k(x_n))^β, with β rising to 1.

    β is an inverse temperature: `start` for the first `steps` M-steps, `factor` times as much for each `steps` that
    follow, until it is 1; from there on this is plain EM, whose E-step it has to the last bit. At a small β the
    responsibilities are near uniform and few local maxima are left, so that less depends on where the fit starts.
    `m_step` returns the next stage: a fit that stops half-way goes on from `fit.model` as if it had not.

    At every β, `log_marginal` is that of the mixture at temperature 1, so that the trace shows true log likelihoods;
    they may fall while β < 1, and no stopping rule looks before. Within one temperature
    F_β = 1/β Σ_n log Σ_k (w_k p_k(x_n))^β + log prior never falls.

    Args:
        mixture: where to start; any `Mixture`, its components not all alike.
        start: the first β, above 0 and at most 1, where this is plain EM.
        factor: by which β grows, above 1.
        steps: M-steps at each β, at least 1.
        stage: M-steps taken so far, while β < 1.

    Choose `start` near the β at which the mean of one component begins to split in two, and rather above it. For
    Gaussians that is 1 / λ, with λ the largest eigenvalue of V⁻¹S, where S is the covariance of the data and V the one
    that a component has when it holds all of them: V = S, and so β = 1, for free full covariances, less for the others,
    and least where V is held (Rose, Gurewitz and Fox 1990). Means near one another differ βλ times as much after each
    step: below 1 / λ they come together, above it they part. Components that meet to the last digit never part again,
    and nothing here pushes them: they end as a degenerate fit, whose message says that they coincide. Take a larger
    `start` then, or fewer `steps`; for free full covariances annealing helps little.

    What is latent within a component, such as missing cells or the scales of `StudentT`, is not tempered.

    Reference: N. Ueda and R. Nakano (1998), Deterministic annealing EM algorithm, Neural Networks 11, 271-282, eq. 15;
    K. Rose, E. Gurewitz and G. C. Fox (1990), Physical Review Letters 65, 945-948, for the critical β.

    Raises (on construction):
        TypeError: not a mixture, or one with an E-step of its own; not numbers.
        ValueError: numbers out of range.
    """

    start: float = attrs.field(default=0.5, converter=partial(_number, "Annealed.start"))
    factor: float = attrs.field(default=1.1, converter=partial(_number, "Annealed.factor"))
    steps: int = attrs.field(default=1, converter=partial(check_count, "Annealed.steps"))
    stage: int = attrs.field(default=0, converter=partial(check_count, "Annealed.stage", least=0))

    def __attrs_post_init__(self) -> None:
        """Refuse a schedule that does not rise to 1."""
        if not 0 < self.start <= 1:
            raise ValueError(f"Annealed.start: expected an inverse temperature, above 0 to 1, found {self.start}")
        if not 1 < self.factor < math.inf:
            raise ValueError(f"Annealed.factor: expected a finite number above 1, such as 1.1, found {self.factor}")

    @property
    def beta(self) -> float:
        """The inverse temperature β of the next E-step."""
        rises = self.stage // self.steps
        cold = math.log(self.start) + rises * math.log(self.factor) >= -COLD
        return 1.0 if cold else self.start * self.factor**rises

    def prepare(self, data: Any) -> Weighted[Any]:
        """Return the data as the mixture prepares them, or raise what it raises."""
        return self.mixture.prepare(data)

    def chunk_size(self, data: Weighted[Any]) -> int:
        """Return how many units go well together in the mixture."""
        return self.mixture.chunk_size(data)

    def ascends(self) -> Ascent:
        """Return that steps ascend nothing while β < 1, and the objective from then on."""
        return Ascent.NOTHING if self.beta < 1 else Ascent.OBJECTIVE

    def e_step(self, data: Weighted[Any]) -> Expectation[MixtureStatistics[Any]]:
        """Return tempered counts and emission statistics of prepared data, and the log likelihood as it is."""
        if self.beta == 1:
            return self.mixture.e_step(data)
        log_density = asking.log_density(self.mixture.emissions, data.data)  # (N, K)
        log_marginal, _ = condition(self.mixture.weights, log_density)
        return expectation(self.mixture, data, log_marginal, self._tempered(log_density))

    def m_step(self, statistics: MixtureStatistics[Any]) -> Self:
        """Return the mode of weights and emissions given tempered counts, one stage on."""
        mixture = self.mixture.m_step(statistics)
        return replace(self, mixture=mixture, stage=self.stage + (self.beta < 1))

    def log_marginal(self, data: Any) -> Array:
        """Return log p(x_n) of the mixture, (N,), nats, whatever β is."""
        return self.mixture.log_marginal(data)

    def posterior(self, data: Any) -> Array:
        """Return the tempered responsibilities, (N, K); those of the mixture once β is 1."""
        if self.beta == 1:
            return self.mixture.posterior(data)
        return self._tempered(asking.log_density(self.mixture.emissions, self.prepare(data).data))

    def sample(self, n: int, rng: Seed) -> Any:
        """Draw n observations from the mixture, with a seed or a generator.

        Raises:
            MissingPowerError: the emissions have no `sample`.
        """
        return self.mixture.sample(n, rng)

    def complaints(self, statistics: MixtureStatistics[Any]) -> list[Complaint]:
        """Return what the mixture complains of; nothing while β < 1, where components that coincide may yet part."""
        return [] if self.beta < 1 else self.mixture.complaints(statistics)

    def _tempered(self, log_density: Array) -> Array:
        """Return responsibilities ∝ (w_k p_k(x_n))^β, (N, K), given log densities (N, K)."""
        weights = self.mixture.weights**self.beta
        return condition(weights / weights.sum(), self.beta * log_density)[1]
