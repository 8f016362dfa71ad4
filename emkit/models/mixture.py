"""The finite mixture: weights, and emissions of any kind."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, Self, TypeVar

import attrs
import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array, condition, draw_states, log_condition
from emkit.data import Weighted, as_weighted, split_weight
from emkit.declarations import fixed, simplex
from emkit.emissions import asking, starting
from emkit.emissions.protocol import (
    Emissions,
    Family,
    HasExpectedLogDensity,
    MixtureStep,
    SamplesGivenStates,
    StepsMixtures,
)
from emkit.execution.chunks import unit_bytes, units_in_a_chunk
from emkit.incomplete import Incomplete
from emkit.model import Complaint, LatentVariableModel, has
from emkit.models.mixture_statistics import MixtureStatistics
from emkit.parameters import n_free_parameters
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import Dirichlet, check_possible, log_prior_of, mode_of_shares
from emkit.starts import Start, as_responsibilities, k_means
from emkit.statistics import Expectation
from emkit.values import replace, update, value

E = TypeVar("E", bound=Emissions[Any])

WEIGHTLESS = 1e-12
"""A component below this weight has, in effect, no observation."""


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
    emissions: E = attrs.field(validator=asking.check_emissions)
    weights_prior: Dirichlet | None = optional_prior(Dirichlet)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse a prior that would move weights which are zero by structure."""
        check_possible(f"{type(self).__name__}.weights", self.weights, self.weights_prior)

    def prepare(self, data: Any) -> Weighted[Any]:
        """Return the data checked and weighted; every unit counts once unless they are `Weighted`.

        Raises:
            ValueError, TypeError: the emissions refuse the data; the message names row and column.
        """
        x, weight = split_weight(data)
        return as_weighted(asking.prepare(self.emissions, x), weight)

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` data, and `Incomplete` ones: by cell where the emissions do, by row where not."""
        return wrapper in (Weighted, Incomplete)

    def e_step(self, data: Weighted[Any]) -> Expectation[MixtureStatistics[Any]]:
        """Return expected counts and emission statistics of prepared data. Reference: Bishop (2006), equation 9.13."""
        return self._e_step(data, asking.mixture_step)

    def compiled_e_step(self, data: Weighted[Any]) -> Callable[[Self, Weighted[Any]], Expectation[Any]] | None:
        """Return the E-step in compiled code, where the emissions have it and the data are worth it.

        A subclass with an E-step of its own keeps that.
        """
        if type(self).e_step is not Mixture.e_step:
            return None
        step = asking.compiled_mixture_step(self.emissions, data.data)
        return None if step is None else lambda model, chunk: model._e_step(chunk, step)

    def chunk_size(self, data: Weighted[Any]) -> int:
        """Return how many units go well together: by their work, or by their size where a posterior is held."""
        count = len(self.weights)
        if has(self.emissions, StepsMixtures):
            return units_in_a_chunk((16 * count + n_free_parameters(self.emissions)) // 3)
        return units_in_a_chunk(unit_bytes(data) + 3 * self.weights.itemsize * count)

    def _e_step(self, data: Weighted[Any], mixture_step: Callable[..., MixtureStep]) -> Expectation[Any]:
        step = mixture_step(self.emissions, self.weights, data.data, data.weight)
        learnt = MixtureStatistics(step.count, step.statistics)
        conditioning = asking.conditioning(self.emissions) + step.error
        return Expectation.of(step.log_marginal, learnt, data.weight, conditioning=conditioning)

    def m_step(self, statistics: MixtureStatistics[Any]) -> Self:
        """Return the mode of weights and emissions given expected counts. Reference: Bishop (2006), equation 9.26."""
        weights = self.weights_given(statistics.count)
        emissions = asking.m_step(self.emissions, statistics.emissions, hold="emissions" in self.fixed)
        return update(self, weights=weights, emissions=emissions)

    def weights_given(self, count: Array) -> Array:
        """Return the mode of the weights (K,) given expected counts (K,)."""
        return mode_of_shares(count, self.weights_prior, otherwise=self.weights)

    def log_marginal(self, data: Any) -> Array:
        """Return log p(x_n), (N,), nats."""
        return self._condition(data)[0]

    def posterior(self, data: Any) -> Array:
        """Return the responsibilities p(z_n = k | x_n), (N, K)."""
        return self._condition(data)[1]

    def posterior_divergence(self, other: Self, data: Any) -> Array:
        """Return how far the posterior of components, and what is latent in them, is from another mixture's, (N,)."""
        x = self.prepare(data).data
        tables = (log_condition(one.weights, asking.log_density(one.emissions, x)) for one in (self, other))
        return asking.posterior_divergence(self.emissions, other.emissions, x, *tables)

    def predict(self, data: Any) -> npt.NDArray[np.intp]:
        """Return the most probable component of each observation, (N,)."""
        return np.argmax(self.posterior(data), axis=1)

    def log_prior(self) -> float:
        """Return the log prior density of weights and emissions, nats; 0 without priors."""
        return log_prior_of(self.weights, self.weights_prior) + asking.log_prior(self.emissions)

    def expected_log_joint(self, statistics: MixtureStatistics[Any]) -> float:
        """Return Q(self given statistics) = Σ_k n_k log w_k + the emissions' part, nats.

        Raises:
            MissingPowerError: the emissions have no `expected_log_density`.
        """
        emissions = asking.need(self.emissions, HasExpectedLogDensity, "expected_log_density")
        weights = float(xlogy(statistics.count, self.weights).sum())
        return weights + float(emissions.expected_log_density(statistics.emissions))

    def configurations(self, unit: Any) -> Iterator[tuple[float, MixtureStatistics[Any]]]:
        """Yield, for data of one row, log p(x, z = k) and the complete-data statistics for each k.

        Raises:
            MissingPowerError: the emissions have no `complete`.
        """
        prepared = self.prepare(unit)
        for k, (log_density, statistics) in enumerate(asking.complete(self.emissions, prepared.data)):
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
        return asking.need(self.emissions, SamplesGivenStates, "sample").sample(states, generator)

    def impute(self, data: Any) -> Array:
        """Return `Incomplete` data (N, D) with missing values replaced by their expectation given what is seen.

        Raises:
            MissingPowerError: the emissions have no `impute`.
        """
        prepared = self._incomplete(data)
        return asking.impute(self.emissions, prepared, self.posterior(prepared))

    def sample_missing(self, data: Any, rng: Seed) -> Array:
        """Return `Incomplete` data (N, D) with missing values drawn given what is seen, with a seed or a generator.

        Raises:
            MissingPowerError: the emissions have no `sample_missing`.
        """
        prepared, generator = self._incomplete(data), as_generator(rng)
        cumulative = np.cumsum(self.posterior(prepared), axis=1)  # (N, K)
        states = draw_states(cumulative, generator.random(len(prepared)))
        return asking.sample_missing(self.emissions, prepared, states, generator)

    def complaints(self, statistics: MixtureStatistics[Any]) -> list[Complaint]:
        """Return which components are empty, and what the emissions complain of."""
        empty = [
            (f"component {k}", f"is empty: weight {self.weights[k]:.3g}")
            for k in np.flatnonzero(self.weights < WEIGHTLESS)
        ]
        return empty if "emissions" in self.fixed else empty + asking.complaints(self.emissions, statistics.emissions)

    def remarks(self, statistics: MixtureStatistics[Any]) -> list[Complaint]:
        """Return what the emissions remark on: estimates on a boundary."""
        return [] if "emissions" in self.fixed else asking.remarks(self.emissions, statistics.emissions)

    def partial_m_step(self) -> bool:
        """Return whether the emissions' M-step is partial."""
        return asking.partial_m_step(self.emissions)

    # Where a fit begins.

    family: ClassVar[Family | None] = None
    """The emissions of a start that names none."""

    @classmethod
    def start(
        cls,
        x: Any,
        n_components: int,
        *,
        rng: Seed,
        emissions: Family | None = None,
        how: Start = k_means,
        weights_prior: Dirichlet | None = None,
        **options: Any,
    ) -> Self:
        """Return a mixture from which to begin a fit.

        Args:
            x: what the emissions take, such as rows (N, D), or `Weighted`, or `Incomplete`.
            n_components: K, at least 1 and at most the number of distinct rows.
            rng: a seed, or a generator.
            emissions: a class such as `FullGaussian` or `Poisson`, or a recipe such as `Product.of(...)`.
            how: where responsibilities come from; a function of `emkit.starts` or one like it. Where rows are many it
                is asked for those of a sample, if the emissions take one.
            weights_prior: of the weights.
            options: what the emissions' `around` takes, such as `prior`.

        Raises:
            ValueError, TypeError: the data or an argument are refused.
            ParameterError: the data leave a component of the start without valid parameters.
        """
        family, generator = cls._family(emissions), as_generator(rng)

        def make(rows: Weighted[Any], settled: dict[str, Any]) -> starting.Begun:
            return starting.shared_out(family, rows, n_components, how, generator, settled)

        rows = starting.weighed(family, x)
        return cls._of(starting.begun(family, rows, n_components, generator, options, make), weights_prior)

    @classmethod
    def from_responsibilities(
        cls,
        x: Any,
        responsibilities: npt.ArrayLike,
        *,
        emissions: Family | None = None,
        weights_prior: Dirichlet | None = None,
        **options: Any,
    ) -> Self:
        """Return the M-step's mixture given responsibilities, from any clustering.

        Args:
            x: as for `start`.
            responsibilities: (N, K) rows that sum to one, or (N,) whole numbers, a cluster 0 .. K - 1 for each row.
            emissions, weights_prior, options: as for `start`.

        Raises:
            ValueError: wrong shape, negative or not summing to one, or a component without any responsibility.
        """
        family = cls._family(emissions)
        rows = starting.with_weight(starting.weighed(family, x))
        posterior = as_responsibilities(responsibilities, split_weight(x)[1], len(rows))  # (N, K)
        share = posterior * rows.weight[:, None]
        return cls._of((starting.made(family, rows.data, share, options), share.sum(axis=0)), weights_prior)

    @classmethod
    def _family(cls, emissions: Family | None) -> Family:
        if emissions is None and cls.family is None:
            raise TypeError(f"{cls.__name__}.start: say which emissions, for example emissions=emkit.Poisson")
        return starting.check_family(cls.family if emissions is None else emissions)

    @classmethod
    def _of(cls, begun: starting.Begun, prior: Dirichlet | None) -> Self:
        """Return the mixture of emissions and the weight (K,) that each of them begins with."""
        emissions, count = begun
        equal = cls(np.full(len(count), 1 / len(count)), emissions, prior)
        return replace(equal, weights=equal.weights_given(count))

    def _incomplete(self, data: Any) -> Incomplete:
        rows = self.prepare(data).data
        if not isinstance(rows, Incomplete):
            raise TypeError(f"data: expected emkit.Incomplete rows, found {type(rows).__name__}: nothing is missing")
        return rows

    def _condition(self, data: Any) -> tuple[Array, Array]:
        return condition(self.weights, asking.log_density(self.emissions, self.prepare(data).data))
