"""The finite mixture: weights, and emissions of any kind."""

from collections.abc import Iterator
from typing import Any, Generic, Self, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array, condition
from emkit.data import Weighted, split_weight
from emkit.declarations import ParameterError, fixed, simplex
from emkit.emissions.protocol import (
    Emissions,
    EnumeratesStates,
    HasExpectedLogDensity,
    KnowsConditioning,
    SamplesGivenStates,
)
from emkit.model import Complains, Complaint, HasPrior, LatentVariableModel, MayBePartial, MissingPowerError, Prepares
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import Dirichlet
from emkit.statistics import Expectation, Statistics
from emkit.values import update, value

S = TypeVar("S")
E = TypeVar("E", bound=Emissions[Any])

WEIGHTLESS = 1e-12
"""A component below this weight has, in effect, no observation."""


@value
class MixtureStatistics(Statistics, Generic[S]):
    """Expected counts of each component, and what its emissions learn."""

    count: Array  # (K,)
    emissions: S


def _check_emissions(_: Any, field: "attrs.Attribute[Any]", emissions: Any) -> None:
    if isinstance(emissions, type) or not isinstance(emissions, Emissions):
        raise TypeError(f"{field.name}: expected emissions such as emkit.FullGaussian(...), found {emissions!r:.60}")


@value
class Mixture(LatentVariableModel[Weighted[Any], MixtureStatistics[Any]], Generic[E]):
    """Each observation comes from one of K components, drawn with probability `weights`.

    Args:
        weights: (K,) on the simplex; exact zeros stay zero.
        emissions: the K distributions; any value of the `Emissions` protocol.
        weights_prior: a `Dirichlet`, or None for maximum likelihood.
        fixed: names of what an M-step leaves as it is: "weights", "emissions" or both.

    Data are whatever the emissions take, or `Weighted`; `prepare` turns them into `Weighted`, as `e_step` expects.
    Reference: Bishop (2006), Pattern Recognition and Machine Learning, section 9.2 and 9.3.

    Raises (on construction):
        ParameterError: the weights do not sum to one, or K differs between weights and emissions.
    """

    weights: Array = simplex("K")
    emissions: E = attrs.field(validator=_check_emissions)
    weights_prior: Dirichlet | None = optional_prior(Dirichlet)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse a prior that would move weights which are zero by structure."""
        if self.weights_prior is not None and self.weights_prior.log_density(self.weights) == -np.inf:
            raise ParameterError(
                f"{type(self).__name__}.weights[{int(np.argmin(self.weights))}] is 0, impossible under the Dirichlet "
                "prior; leave the component out, or give it a concentration of 1"
            )

    def prepare(self, data: Any) -> Weighted[Any]:
        """Return the data checked and weighted; every unit counts once unless they are `Weighted`.

        Raises:
            ValueError, TypeError: the emissions refuse the data; the message names row and column.
        """
        x, weight = split_weight(data)
        if isinstance(self.emissions, Prepares):
            x = self.emissions.prepare(x)
        return Weighted(x, np.broadcast_to(1.0, len(x)) if weight is None else weight)

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` data."""
        return wrapper is Weighted

    def e_step(self, data: Weighted[Any]) -> Expectation[MixtureStatistics[Any]]:
        """Return expected counts and emission statistics of prepared data. Reference: Bishop (2006), equation 9.13."""
        log_marginal, posterior = condition(self.weights, self.emissions.log_density(data.data))
        posterior *= data.weight[:, None]  # (N, K), weights in it from here on
        learnt = MixtureStatistics(posterior.sum(axis=0), self.emissions.statistics(data.data, posterior))
        loss = self.emissions.conditioning() if isinstance(self.emissions, KnowsConditioning) else 0.0
        return Expectation.of(log_marginal, learnt, data.weight, conditioning=loss)

    def m_step(self, statistics: MixtureStatistics[Any]) -> Self:
        """Return the mode of weights and emissions given expected counts. Reference: Bishop (2006), equation 9.26."""
        weights = self.weights_given(statistics.count)
        return update(self, weights=weights, emissions=self.emissions.m_step(statistics.emissions))

    def weights_given(self, count: Array) -> Array:
        """Return the mode of the weights (K,) given expected counts (K,)."""
        return count / count.sum() if self.weights_prior is None else self.weights_prior.mode(count)

    def log_marginal(self, data: Any) -> Array:
        """Return log p(x_n), (N,), nats."""
        return self._condition(data)[0]

    def posterior(self, data: Any) -> Array:
        """Return the responsibilities p(z_n = k | x_n), (N, K)."""
        return self._condition(data)[1]

    def predict(self, data: Any) -> npt.NDArray[np.intp]:
        """Return the most probable component of each observation, (N,)."""
        return np.argmax(self.posterior(data), axis=1)

    def log_prior(self) -> float:
        """Return the log prior density of weights and emissions, nats; 0 without priors."""
        weights = 0.0 if self.weights_prior is None else self.weights_prior.log_density(self.weights)
        return weights + (self.emissions.log_prior() if isinstance(self.emissions, HasPrior) else 0.0)

    def expected_log_joint(self, statistics: MixtureStatistics[Any]) -> float:
        """Return Q(self given statistics) = Σ_k n_k log w_k + the emissions' part, nats.

        Raises:
            MissingPowerError: the emissions have no `expected_log_density`.
        """
        emissions = self._need(HasExpectedLogDensity, "expected_log_density")
        some = statistics.count > 0
        with np.errstate(divide="ignore"):
            weights = float(statistics.count[some] @ np.log(self.weights[some]))
        return weights + emissions.expected_log_density(statistics.emissions)

    def configurations(self, unit: Any) -> Iterator[tuple[float, MixtureStatistics[Any]]]:
        """Yield, for data of one row, log p(x, z = k) and the complete-data statistics for each k.

        Raises:
            MissingPowerError: the emissions have no `complete`.
        """
        prepared = self.prepare(unit)
        states = self._need(EnumeratesStates, "complete").complete(prepared.data)
        for k, (log_density, statistics) in enumerate(states):
            count = np.zeros(len(self.weights))
            count[k] = 1.0
            log_weight = float(np.log(self.weights[k])) if self.weights[k] > 0 else -np.inf
            yield log_weight + log_density, MixtureStatistics(count, statistics) * float(prepared.weight[0])

    def sample(self, n: int, rng: Seed) -> Any:
        """Draw n observations, with a seed or a generator.

        Raises:
            MissingPowerError: the emissions have no `sample`.
        """
        generator = as_generator(rng)
        states = generator.choice(len(self.weights), size=check_count("n", n), p=self.weights / self.weights.sum())
        return self._need(SamplesGivenStates, "sample").sample(states, generator)

    def complaints(self, statistics: MixtureStatistics[Any]) -> list[Complaint]:
        """Return which components are empty, and what the emissions complain of."""
        empty = [
            (f"component {k}", f"is empty: weight {self.weights[k]:.3g}")
            for k in np.flatnonzero(self.weights < WEIGHTLESS)
        ]
        if not isinstance(self.emissions, Complains):
            return empty
        return empty + list(self.emissions.complaints(statistics.emissions))

    def partial_m_step(self) -> bool:
        """Return whether the emissions' M-step is partial."""
        return isinstance(self.emissions, MayBePartial) and self.emissions.partial_m_step()

    def _condition(self, data: Any) -> tuple[Array, Array]:
        return condition(self.weights, self.emissions.log_density(self.prepare(data).data))

    def _need(self, power: Any, name: str) -> Any:
        if not isinstance(self.emissions, power):
            raise MissingPowerError(f"{type(self.emissions).__name__} has no `{name}`, which this needs: write it")
        return self.emissions
