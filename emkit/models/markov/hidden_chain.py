"""What hidden Markov models share, however their first state is drawn: everything but the M-step of the chain."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import reduce
from itertools import pairwise, product
from operator import add
from typing import Any, Generic, Self, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import EPS, Array
from emkit.data import Weighted, as_weighted, split_weight
from emkit.emissions import asking, starting
from emkit.emissions.protocol import Emissions, Family, HasExpectedLogDensity, SamplesGivenStates
from emkit.execution.chunks import unit_bytes
from emkit.incomplete import Incomplete
from emkit.model import Complaint, LatentVariableModel
from emkit.models.markov import hidden_start
from emkit.models.markov.chain_statistics import ChainStatistics
from emkit.models.markov.forward_backward import Filtered, forward
from emkit.models.markov.markov_chain import draw_paths, draw_paths_given
from emkit.models.markov.path_divergence import path_divergence
from emkit.models.markov.scaled import smooth_scaled
from emkit.models.markov.smoothing import Recursion, compiled, kept_bytes, smooth
from emkit.models.markov.viterbi import viterbi
from emkit.models.mixture import Mixture
from emkit.sequences import Indices, Sequences, as_lengths
from emkit.starts import Start, k_means
from emkit.statistics import Expectation
from emkit.values import held, update

E = TypeVar("E", bound=Emissions[Any])

Learnt: TypeAlias = Expectation[ChainStatistics[Any]]

CHUNK_BYTES = 2**23
"""What a chunk of sequences, and the numbers made of each observation, come to."""


class HiddenChain(LatentVariableModel[Weighted[Sequences], ChainStatistics[Any]], Generic[E]):
    """A Markov chain of K hidden states, each of which emits an observation; a final class says how chains begin.

    Data are a list of sequences, (T, D) arrays of any lengths or `Incomplete`, or `Weighted` over such a list;
    `prepare` turns them into `Weighted` `Sequences`, as `e_step` expects. The independent unit is a whole sequence.
    """

    initial: Array  # (K,)
    transition: Array  # (K, K)
    emissions: E

    # What a final class says of the chain.

    @abstractmethod
    def chain_given(self, statistics: ChainStatistics[Any]) -> dict[str, Array]:
        """Return the parameters of the chain at their mode, by name."""

    @abstractmethod
    def log_prior_of_chain(self) -> float:
        """Return the log prior density of the chain's parameters, nats; 0 without priors."""

    # The protocol.

    def prepare(self, data: Any) -> Weighted[Sequences]:
        """Return the sequences checked and weighted; every one counts once unless they are `Weighted`.

        Raises:
            ValueError, TypeError: not a list of sequences, or the emissions refuse the rows of one, which is named.
        """
        given, weight = split_weight(data)
        sequences = Sequences.of(given).with_rows(lambda rows: asking.prepare(self.emissions, rows))
        return as_weighted(sequences, weight)

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` sequences, and sequences that are `Incomplete`."""
        return wrapper in (Weighted, Incomplete)

    def e_step(self, data: Weighted[Sequences]) -> Learnt:
        """Return expected counts and emission statistics of prepared data. Reference: Bishop (2006), section 13.2.1."""
        return self._learn(data, smooth_scaled)

    def compiled_e_step(self, data: Weighted[Sequences]) -> Callable[[Self, Weighted[Sequences]], Learnt] | None:
        """Return the E-step with the passes over the chain in compiled code, where the data are worth it."""
        recursion = compiled(int(data.data.lengths.sum()), len(self.initial))
        return None if recursion is None else lambda model, chunk: model._learn(chunk, recursion)

    def chunk_size(self, data: Weighted[Sequences]) -> int:
        """Return how many sequences go well together: by the bytes of a row and of what the passes keep of it."""
        rows = CHUNK_BYTES // (unit_bytes(data.data.rows) + kept_bytes(len(self.initial)))
        return max(1, rows * len(data) // int(data.data.lengths.sum()))

    def m_step(self, statistics: ChainStatistics[Any]) -> Self:
        """Return the mode of chain and emissions given expected counts. Reference: Bishop (2006), equation 13.18."""
        emissions = asking.m_step(self.emissions, statistics.emissions, hold="emissions" in held(self))
        return update(self, **self.chain_given(statistics), emissions=emissions)

    def log_marginal(self, data: Any) -> Array:
        """Return log p of each whole sequence, (N,), nats."""
        prepared = self.prepare(data)
        return prepared.data.sum(self._smooth(prepared)[0])

    # Powers.

    def posterior(self, data: Any) -> list[Array]:
        """Return, for each sequence, p(z_t = k | x_1 .. x_T), a list of (T, K)."""
        prepared = self.prepare(data)
        return prepared.data.split(self._smooth(prepared)[1])

    def posterior_divergence(self, other: Self, data: Any) -> Array:
        """Return how far the posterior of paths, and of what is latent in emissions, moves to another model's, (N,)."""
        x = self.prepare(data).data
        mine, theirs = ((one._filter(x), one.transition) for one in (self, other))
        moved, posterior = (x.steps.back(found) for found in path_divergence(*mine, *theirs, x.steps))
        return x.sum(moved + asking.latent_divergence(self.emissions, other.emissions, x.rows, posterior))

    def decode(self, data: Any) -> list[Indices]:
        """Return the most probable path of each sequence by Viterbi's algorithm, a list of (T,) states."""
        sequences = self.prepare(data).data
        path = viterbi(self.initial, self.transition, self._log_density(sequences), sequences.steps)
        return sequences.split(sequences.steps.back(path))

    def forecast(self, data: Any, ahead: int = 1) -> list[Mixture[E]]:
        """Return the distribution of the observation that follows each sequence, `ahead` steps after its last.

        It is a `Mixture` of the emissions: its weights are the distribution of the state, its `log_marginal` is the
        predictive log density.
        """
        prepared = self.prepare(data)
        move = np.linalg.matrix_power(self.transition, check_count("ahead", ahead))
        states = [smoothed[-1] @ move for smoothed in prepared.data.split(self._smooth(prepared)[1])]
        return [Mixture(weights / weights.sum(), self.emissions) for weights in states]

    def impute(self, data: Any) -> list[Array]:
        """Return the sequences with missing values replaced by their expectation given what is seen of their sequence.

        Raises:
            TypeError: no sequence is `Incomplete`.
            MissingPowerError: the emissions have no `impute`.
        """
        sequences = self._incomplete(data)
        posterior = np.concatenate(self.posterior(sequences))
        return sequences.split(asking.impute(self.emissions, sequences.rows, posterior))

    def sample_missing(self, data: Any, rng: Seed) -> list[Array]:
        """Return the sequences with missing values drawn given all that is seen of their sequence.

        Raises:
            TypeError: no sequence is `Incomplete`.
            MissingPowerError: the emissions have no `sample_missing`.
        """
        sequences, generator = self._incomplete(data), as_generator(rng)
        past = self._filter(sequences)
        states = sequences.steps.back(draw_paths_given(past.log_filtered, self.transition, sequences.steps, generator))
        return sequences.split(asking.sample_missing(self.emissions, sequences.rows, states, generator))

    def log_prior(self) -> float:
        """Return the log prior density of chain and emissions, nats; 0 without priors."""
        return self.log_prior_of_chain() + asking.log_prior(self.emissions)

    def expected_log_joint(self, statistics: ChainStatistics[Any]) -> float:
        """Return Q(self given statistics), nats. Reference: Bishop (2006), equation 13.17.

        Raises:
            MissingPowerError: the emissions have no `expected_log_density`.
        """
        emissions = asking.need(self.emissions, HasExpectedLogDensity, "expected_log_density")
        first = xlogy(statistics.initial, self.initial).sum()
        later = xlogy(statistics.transitions, self.transition).sum()
        return float(first + later + emissions.expected_log_density(statistics.emissions))

    def configurations(self, unit: Any) -> Iterator[tuple[float, ChainStatistics[Any]]]:
        """Yield, for data of one sequence, the log joint and the complete-data statistics of every path.

        Raises:
            MissingPowerError: the emissions have no `complete`.
        """
        prepared = self.prepare(unit)
        (length,), rows = prepared.data.lengths, prepared.data.rows
        emitted = [list(asking.complete(self.emissions, rows[t : t + 1])) for t in range(length)]
        for path in product(range(len(self.initial)), repeat=length):
            chances = [self.initial[path[0]], *(self.transition[i, j] for i, j in pairwise(path))]
            log_path = sum(float(np.log(p)) if p > 0 else -np.inf for p in chances)
            log_densities, statistics = zip(*(emitted[t][k] for t, k in enumerate(path)), strict=True)
            learnt: ChainStatistics[Any] = ChainStatistics.of_path(path, len(self.initial), reduce(add, statistics))
            yield log_path + sum(log_densities), learnt * float(prepared.weight[0])

    def sample(self, n: int, rng: Seed, *, length: int | npt.ArrayLike = 20) -> list[Any]:
        """Draw n sequences, with a seed or a generator.

        Args:
            n: how many.
            rng: a seed, or a generator.
            length: of every sequence, or n lengths.

        Raises:
            ValueError: a length below 1, or another number of lengths than n.
            MissingPowerError: the emissions have no `sample`.
        """
        emissions = asking.need(self.emissions, SamplesGivenStates, "sample")
        generator, lengths = as_generator(rng), as_lengths(length, check_count("n", n))
        steps = Sequences(np.arange(lengths.sum()), lengths).steps
        path = steps.back(draw_paths(self.initial, self.transition, steps, generator))
        return list(Sequences(emissions.sample(path, generator), lengths))

    def complaints(self, statistics: ChainStatistics[Any]) -> list[Complaint]:
        """Return which states are empty or never left, what cannot be learnt, and what the emissions complain of."""
        chain = [] if "transition" in held(self) else statistics.complaints(self.transition)
        return chain if "emissions" in held(self) else chain + asking.complaints(self.emissions, statistics.emissions)

    def remarks(self, statistics: ChainStatistics[Any]) -> list[Complaint]:
        """Return what the emissions remark on: estimates on a boundary."""
        return [] if "emissions" in held(self) else asking.remarks(self.emissions, statistics.emissions)

    def partial_m_step(self) -> bool:
        """Return whether the emissions' M-step is partial."""
        return asking.partial_m_step(self.emissions)

    # Where a fit begins.

    @classmethod
    def start(
        cls, data: Any, n_states: int, *, rng: Seed, emissions: Family, how: Start = k_means, **options: Any
    ) -> Self:
        """Return a model from which to begin a fit: observations are shared out among the states as in a mixture.

        Args:
            data: a list of sequences, `Weighted` or not.
            n_states: K, at least 1 and at most the number of distinct rows.
            rng: a seed, or a generator.
            emissions: a class such as `FullGaussian` or `Poisson`, or a recipe such as `Product.of(...)`.
            how: where responsibilities come from; a function of `emkit.starts` or one like it.
            options: fields of the model, such as the `transition` to begin from, `transition_prior` or `fixed`; and
                what the emissions' `around` takes, such as `prior`.

        Raises:
            ValueError, TypeError: the data or an argument are refused.
            ParameterError: the data leave a state of the start without valid parameters.
        """
        family = starting.check_family(emissions)
        kept, _ = hidden_start.read(family, data)
        rows = Weighted(kept.data.rows, kept.data.repeat(kept.weight))
        shared = starting.responsibilities(family, rows, n_states, how, rng, name="n_states")  # (M, K)
        return hidden_start.begin(cls, family, kept, kept.data.split(shared), options)

    @classmethod
    def from_responsibilities(cls, data: Any, responsibilities: Any, *, emissions: Family, **options: Any) -> Self:
        """Return the M-step's model given responsibilities, for example the stages of a left-to-right model.

        Args:
            data: a list of sequences, `Weighted` or not.
            responsibilities: a list, for each sequence (T, K) rows that sum to one, or (T,) states 0 .. K - 1.
            emissions, options: as for `start`.

        Raises:
            ValueError: wrong shape, negative or not summing to one, or a state without any responsibility.
        """
        return hidden_start.begin(cls, starting.check_family(emissions), data, responsibilities, options)

    # Inside.

    def _incomplete(self, data: Any) -> Sequences:
        sequences = self.prepare(data).data
        if not isinstance(sequences.rows, Incomplete):
            raise TypeError("data: expected sequences that are emkit.Incomplete; nothing is missing")
        return sequences

    def _learn(self, data: Weighted[Sequences], recursion: Recursion) -> Learnt:
        sequences, weight = data.data, data.weight
        log_evidence, posterior, transitions = self._smooth(data, recursion)
        posterior *= sequences.repeat(weight)[:, None]
        initial = posterior[sequences.starts].sum(axis=0)
        learnt = ChainStatistics(initial, transitions, asking.statistics(self.emissions, sequences.rows, posterior))
        rounding, observations = self._rounding(log_evidence, data), float(weight @ sequences.lengths)
        log_marginal = sequences.sum(log_evidence)
        return Expectation.of(log_marginal, learnt, weight, conditioning=rounding, observations=observations)

    def _smooth(self, data: Weighted[Sequences], recursion: Recursion = smooth_scaled) -> tuple[Array, Array, Array]:
        """Return log evidence (M,) and posterior (M, K) by row, and expected transitions (K, K)."""
        log_density = asking.log_density(self.emissions, data.data.rows)  # (M, K)
        return smooth(self.initial, self.transition, log_density, data.data, data.weight, recursion)

    def _log_density(self, sequences: Sequences) -> Array:
        """Return log p(x_t | z_t = k) by time step, (M, K)."""
        return sequences.steps.by_step(asking.log_density(self.emissions, sequences.rows))

    def _filter(self, sequences: Sequences) -> Filtered:
        return forward(self.initial, self.transition, self._log_density(sequences), sequences.steps)

    def _rounding(self, log_evidence: Array, data: Weighted[Sequences]) -> float:
        """Return how far the objective may be off, nats per sequence: the rounding of each step, and of its density."""
        size = np.where(np.isfinite(log_evidence), np.abs(log_evidence), 0.0) + len(self.initial)  # (M,)
        each = data.data.sum(EPS * size + asking.conditioning(self.emissions))  # (N,)
        return float(data.weight @ each / (data.weight.sum() or 1.0))
