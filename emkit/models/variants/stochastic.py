"""Stochastic EM: every unit goes to a component drawn from its posterior."""

from functools import partial
from typing import Any, Self, final

import attrs
import numpy as np

from emkit.algorithm import Ascent
from emkit.arguments import Seed, check_count
from emkit.arrays import Array, condition, draw_states
from emkit.data import Labels, Weighted, split_weight
from emkit.emissions import asking
from emkit.model import Complaint
from emkit.models.mixture_statistics import MixtureStatistics
from emkit.models.variants.base import M, Variant, expectation
from emkit.models.variants.numbered import LARGEST_KEY, Numbered, uniforms
from emkit.statistics import Expectation
from emkit.values import replace, value


@final
@value
class Stochastic(Variant[M]):
    """A mixture fitted by stochastic EM: each E-step draws one component for each unit, from its posterior.

    Models do not settle: they wander about the maximum likelihood estimate, as far as the labels that are missing leave
    it open, and away from poor local maxima. Nothing ascends and no stopping rule applies, so that `fit` takes
    `max_iter` steps; take means over late steps of `emkit.steps`, or go on by plain EM from `fit.model.mixture`.
    `log_marginal` is that of the mixture, and so are the log likelihoods in the trace.

    The draw of unit n in iteration t depends on `seed`, t and n alone: results are the same for all chunks and workers
    (but for the rounding of sums over other chunks), and a fit that stops goes on from `fit.model` as if it had not.

    Args:
        mixture: where to start; any `Mixture`.
        seed: of all draws, from 0 to 2^64 - 1.
        iteration: M-steps taken so far, t.

    A unit of weight w is one draw: all of w goes to one component, so that here a weight is not as many copies. A
    component that draws no unit is gone: its weight falls to the smallest number there is, its emissions stay, and the
    fit ends as degenerate, with a message that it is empty; one that draws very few may end a fit, by a variance of
    zero, where no prior holds it up. A prior of the weights keeps components alive. What is latent within a component,
    such as missing cells, is not drawn.

    Reference: G. Celeux and J. Diebolt (1985), The SEM algorithm: a probabilistic teacher algorithm derived from the EM
    algorithm for the mixture problem, Computational Statistics Quarterly 2, 73-82.

    Raises (on construction):
        TypeError: not a mixture, or one with an E-step of its own; not whole numbers.
        ValueError: numbers out of range.
    """

    seed: int = attrs.field(converter=partial(check_count, "Stochastic.seed", least=0))
    iteration: int = attrs.field(default=0, converter=partial(check_count, "Stochastic.iteration", least=0))

    def __attrs_post_init__(self) -> None:
        """Refuse numbers that Philox has no room for."""
        for name in ("seed", "iteration"):
            if getattr(self, name) > LARGEST_KEY:
                raise ValueError(f"Stochastic.{name}: expected at most 2^64 - 1, found {getattr(self, name)}")

    def prepare(self, data: Any) -> Weighted[Numbered]:
        """Return the data as the mixture prepares them, numbered from 0 unless they are so already.

        Raises:
            ValueError, TypeError: whatever the mixture finds wrong with the data.
        """
        given, weight = split_weight(data)
        if isinstance(given, Numbered):
            rows = self.mixture.prepare(given.rows if weight is None else Weighted(given.rows, weight))
            return Weighted(Numbered(rows.data, given.numbers), rows.weight)
        rows = self.mixture.prepare(data)
        return Weighted(Numbered(rows.data, np.arange(len(rows))), rows.weight)

    def chunk_size(self, data: Weighted[Numbered]) -> int:
        """Return how many units go well together in the mixture."""
        return self.mixture.chunk_size(_plain(data))

    def ascends(self) -> Ascent:
        """Return that steps ascend nothing."""
        return Ascent.NOTHING

    def e_step(self, data: Weighted[Numbered]) -> Expectation[MixtureStatistics[Any]]:
        """Return counts and emission statistics of prepared data by drawn component, and the log likelihood."""
        log_marginal, posterior = self._condition(data)
        drawn = np.eye(posterior.shape[1])[self._drawn(data, posterior)]  # (N, K)
        return expectation(self.mixture, _plain(data), log_marginal, drawn)

    def m_step(self, statistics: MixtureStatistics[Any]) -> Self:
        """Return the mode of weights and emissions given the draws, one iteration on."""
        return replace(self, mixture=self.mixture.m_step(statistics), iteration=self.iteration + 1)

    def log_marginal(self, data: Any) -> Array:
        """Return log p(x_n) of the mixture, (N,), nats."""
        return self.mixture.log_marginal(_plain(self.prepare(data)))

    def posterior(self, data: Any) -> Array:
        """Return the responsibilities of the mixture (N, K), from which components are drawn."""
        return self.mixture.posterior(_plain(self.prepare(data)))

    def draw(self, data: Any) -> Labels:
        """Return the component that the next E-step draws for each unit, (N,)."""
        prepared = self.prepare(data)
        return self._drawn(prepared, self._condition(prepared)[1])

    def sample(self, n: int, rng: Seed) -> Any:
        """Draw n observations from the mixture, with a seed or a generator.

        Raises:
            MissingPowerError: the emissions have no `sample`.
        """
        return self.mixture.sample(n, rng)

    def complaints(self, statistics: MixtureStatistics[Any]) -> list[Complaint]:
        """Return which components are empty, and what the emissions complain of."""
        return self.mixture.complaints(statistics)

    def _condition(self, data: Weighted[Numbered]) -> tuple[Array, Array]:
        return condition(self.mixture.weights, asking.log_density(self.mixture.emissions, data.data.rows))

    def _drawn(self, data: Weighted[Numbered], posterior: Array) -> Labels:
        """Return components (N,) drawn from a posterior (N, K) of prepared data."""
        numbers = uniforms(self.seed, self.iteration, data.data.numbers)
        return draw_states(np.cumsum(posterior, axis=1), numbers)


def _plain(data: Weighted[Numbered]) -> Weighted[Any]:
    """Return prepared data without their numbers."""
    return Weighted(data.data.rows, data.weight)
