"""The linear Gaussian state space model: hidden states that move and are observed linearly, with Gaussian noise."""

from collections.abc import Iterator
from functools import cached_property, reduce
from operator import add
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import EPS, Array
from emkit.constraints import unexplained
from emkit.data import Weighted, as_weighted, split_weight
from emkit.declarations import fixed, positive_definite, real
from emkit.entries import REAL, as_entries
from emkit.incomplete import Incomplete, Mask
from emkit.model import Complaint, LatentVariableModel
from emkit.models.state_space.edges import complaints_of
from emkit.models.state_space.kalman import Chain, cholesky, filtered, smoothed
from emkit.models.state_space.moments import StateSpaceStatistics, completed, learn
from emkit.models.state_space.path_divergence import path_divergence
from emkit.models.state_space.start import first_guess
from emkit.models.state_space.symmetries import symmetries
from emkit.sequences import Indices, Sequences, as_lengths
from emkit.statistics import Expectation
from emkit.values import replace, update, value

BLOCKS = (
    ("initial_mean", "initial_covariance"),
    ("transition", "transition_covariance"),
    ("observation", "observation_covariance"),
)
"""Slopes and noise covariance of each of the three regressions that the model is made of."""


@value
class Path:
    """Means and covariances of a Gaussian vector along one sequence."""

    means: Array  # (T, S) of states, (T, D) of observations
    covariances: Array  # (T, S, S) or (T, D, D)


@value
class LinearGaussianStateSpace(LatentVariableModel[Weighted[Sequences], StateSpaceStatistics]):
    """States z_t in S dimensions move linearly, and observations x_t in D dimensions see them linearly.

    z_1 ~ N(initial_mean, initial_covariance), z_t = transition z_{t-1} + N(0, transition_covariance),
    x_t = observation z_t + N(0, observation_covariance).

    Args:
        initial_mean: (S,).
        initial_covariance: (S, S), positive definite.
        transition: (S, S).
        transition_covariance: (S, S), positive definite; for a state without noise hold a tiny one fixed.
        observation: (D, S).
        observation_covariance: (D, D), positive definite.
        fixed: names of what an M-step leaves as it is: any of the six.

    Data are a list of sequences, (T, D) arrays of any lengths or `Incomplete`, or `Weighted` over such a list; the
    independent unit is a whole sequence. `prepare` turns them into `Weighted` `Sequences`, as `e_step` expects.
    There are no constants in the equations: subtract the columns' means, or let a state without noise be the constant.
    From a single sequence nothing is learnt of how starts vary: hold `initial_covariance` fixed, or it shrinks to zero.
    The size of `posterior` and of an E-step's work space is T S² for each distinct length or pattern of missing cells.

    Reference: R. H. Shumway and D. S. Stoffer (1982), Journal of Time Series Analysis 3, 253-264; Bishop (2006),
    Pattern Recognition and Machine Learning, section 13.3, equations 13.75 to 13.78.

    Raises (on construction):
        ParameterError: shapes disagree, or a covariance is not positive definite.
    """

    initial_mean: Array = real("S")
    initial_covariance: Array = positive_definite("S", "S")
    transition: Array = real("S", "S")
    transition_covariance: Array = positive_definite("S", "S")
    observation: Array = real("D", "S")
    observation_covariance: Array = positive_definite("D", "D")
    fixed: frozenset[str] = fixed()

    @classmethod
    def start(cls, data: Any, n_states: int, *, fixed: Any = ()) -> Self:
        """Return a model from which to begin a fit: states are principal components of windows of consecutive rows.

        Args:
            data: a list of sequences, or `Weighted`.
            n_states: S.
            fixed: names of parameters to hold; with one sequence `initial_covariance` is always among them.

        Raises:
            ValueError, TypeError: the data or an argument are refused; a column without variance is named.
        """
        prepared = _prepared(data)
        guess = first_guess(prepared.data, prepared.weight, check_count("n_states", n_states))
        model = cls(*guess, fixed=fixed)
        return replace(model, fixed=model.fixed | {"initial_covariance"}) if len(prepared) == 1 else model

    # The protocol.

    def prepare(self, data: Any) -> Weighted[Sequences]:
        """Return the data checked and weighted; every sequence counts once unless they are `Weighted`.

        Raises:
            ValueError, TypeError: not a list of sequences, or one that is refused; the message names it.
        """
        return _prepared(data, features=len(self.observation))

    def accepts(self, wrapper: type) -> bool:
        """Accept `Weighted` data, and `Incomplete` sequences inside the list."""
        return wrapper in (Weighted, Incomplete)

    def e_step(self, data: Weighted[Sequences]) -> Expectation[StateSpaceStatistics]:
        """Return expected moments of states and observations. Reference: Bishop (2006), equations 13.105-13.107."""
        log_marginal = np.empty(len(data))
        observations = float(data.weight @ data.data.lengths)
        learnt, lost = [], self._rounding() * observations
        for index, x, seen in _alike(data.data):
            weight = data.weight[index]
            some = weight > 0
            past = filtered(self._chain, x, seen)
            log_marginal[index] = past.log_marginal
            lost += EPS * float(weight[some] @ past.magnitude[some])
            learnt.append(learn(self._chain, smoothed(self._chain, past.of(some)), x[some], seen, weight[some]))
        total = data.weight.sum()
        conditioning = lost / total if total > 0 else 0.0
        return Expectation.of(
            log_marginal,
            reduce(add, learnt),
            data.weight,
            conditioning=conditioning,
            observations=observations,
        )

    def m_step(self, statistics: StateSpaceStatistics) -> Self:
        """Return the model of three regressions, each with its noise about the slopes that it found or was given.

        A regression without data stays as it was. Reference: Bishop (2006), equations 13.110 to 13.116.
        """
        learnt = {}
        for (slopes_name, noise_name), regression in zip(BLOCKS, statistics.regressions(), strict=True):
            if regression.weight > 0:
                slopes = self._slopes(slopes_name) if slopes_name in self.fixed else regression.slopes
                residual = regression.residual(slopes)
                learnt[slopes_name] = slopes.reshape(getattr(self, slopes_name).shape)
                learnt[noise_name] = residual.T @ residual / regression.weight
        return update(self, **learnt)

    def log_marginal(self, data: Any) -> Array:
        """Return log p of each whole sequence, (N,), nats; cells that are missing are integrated out."""
        sequences = self.prepare(data).data
        log_marginal = np.empty(len(sequences))
        for index, x, seen in _alike(sequences):
            log_marginal[index] = filtered(self._chain, x, seen).log_marginal
        return log_marginal

    # Powers.

    def posterior(self, data: Any) -> list[Path]:
        """Return, for each sequence, means (T, S) and covariances (T, S, S) of the states given all that was seen."""
        return self._paths(data, smooth=True)

    def posterior_divergence(self, other: Self, data: Any) -> Array:
        """Return how far the posterior of paths, and of missing cells, moves to another model's, (N,), nats."""
        sequences = self.prepare(data).data
        moved = np.empty(len(sequences))
        for index, x, seen in _alike(sequences):
            moved[index] = path_divergence(self._chain, other._chain, x, seen)
        return moved

    def filter(self, data: Any) -> list[Path]:
        """Return, for each sequence, means (T, S) and covariances (T, S, S) of z_t given what was seen up to t."""
        return self._paths(data, smooth=False)

    def impute(self, data: Any) -> list[Array]:
        """Return each sequence (T, D) with missing cells at their expectation given all that was seen of it."""
        sequences = self.prepare(data).data
        filled: dict[int, Array] = {}
        for index, x, seen in _alike(sequences):
            means, covariances, _ = smoothed(self._chain, filtered(self._chain, x, seen))
            for cells in np.unique(seen, axis=0):
                at = (seen == cells).all(axis=1)
                rows, _ = completed(self._chain, means[:, at], covariances[0], x[:, at], cells)
                x[:, at] = rows[:, :, means.shape[2] :]
            filled |= dict(zip(index.tolist(), x, strict=True))
        return [filled[n] for n in range(len(sequences))]

    def forecast(self, data: Any, steps: int = 1) -> list[Path]:
        """Return, for each sequence, means (steps, D) and covariances (steps, D, D) of what follows its last row."""
        check_count("steps", steps)
        found = []
        for path in self.filter(data):
            mean, covariance = path.means[-1], path.covariances[-1]
            means, covariances = [], []
            for _ in range(steps):
                mean = self.transition @ mean
                covariance = self.transition @ covariance @ self.transition.T + self.transition_covariance
                means.append(self.observation @ mean)
                covariances.append(self.observation @ covariance @ self.observation.T + self.observation_covariance)
            found.append(Path(np.array(means), np.array(covariances)))
        return found

    def expected_log_joint(self, statistics: StateSpaceStatistics) -> float:
        """Return Q(self given statistics), nats. Reference: Bishop (2006), equation 13.108."""
        return sum(
            regression.expected_log_density(self._slopes(slopes), getattr(self, noise))
            for (slopes, noise), regression in zip(BLOCKS, statistics.regressions(), strict=True)
        )

    def sample(self, n: int, rng: Seed, *, length: int | npt.ArrayLike = 20) -> list[Array]:
        """Draw n sequences, with a seed or a generator.

        Args:
            n: how many.
            rng: a seed, or a generator.
            length: of every sequence, or n lengths.

        Raises:
            ValueError: a length below 1, or another number of lengths than n.
        """
        generator, chain, lengths = as_generator(rng), self._chain, as_lengths(length, check_count("n", n))
        size = (n, len(self.initial_mean))
        states = [chain.mean + generator.standard_normal(size) @ chain.root.T]  # T of (n, S)
        for _ in range(max(lengths) - 1):
            noise = generator.standard_normal(size) @ chain.transition_root.T
            states.append(states[-1] @ self.transition.T + noise)
        means = np.stack(states, axis=1) @ self.observation.T  # (n, T, D)
        x = means + generator.standard_normal(means.shape) @ cholesky(self.observation_covariance).T
        return [rows[:end].copy() for rows, end in zip(x, lengths, strict=True)]

    def complaints(self, statistics: StateSpaceStatistics) -> list[Complaint]:
        """Return which covariances have collapsed, and of what nothing was learnt."""
        covariances = {name: getattr(self, name) for _, name in BLOCKS if name not in self.fixed}
        return complaints_of(statistics, covariances)

    def redundant_parameters(self) -> int:
        """Return how many free directions move nothing that is seen: S² where nothing is held and S <= D."""
        return symmetries(self._chain, self.fixed)

    @cached_property
    def _chain(self) -> Chain:
        return Chain(
            self.initial_mean,
            cholesky(self.initial_covariance),
            self.transition,
            cholesky(self.transition_covariance),
            self.observation,
            self.observation_covariance,
        )

    def _rounding(self) -> float:
        """Return eps / u, nats per observation: to this the observation noise is known.

        u is the smallest share of a column's noise that the other columns leave unexplained.
        """
        noise = self.observation_covariance
        return EPS / float(unexplained(cholesky(noise), np.diagonal(noise)).min())

    def _slopes(self, name: str) -> Array:
        slopes: Array = getattr(self, name)
        return slopes.reshape(len(slopes), -1)

    def _paths(self, data: Any, *, smooth: bool) -> list[Path]:
        sequences = self.prepare(data).data
        paths: dict[int, Path] = {}
        for index, x, seen in _alike(sequences):
            past = filtered(self._chain, x, seen)
            if smooth:
                means, covariances, _ = smoothed(self._chain, past)
            else:
                means, covariances = past.means, np.stack([step.root @ step.root.T for step in past.steps])
            paths |= {int(n): Path(means[i], covariances) for i, n in enumerate(index)}
        return [paths[n] for n in range(len(sequences))]


def _prepared(data: Any, features: int | None = None) -> Weighted[Sequences]:
    given, weight = split_weight(data)
    sequences = Sequences.of(given).with_rows(lambda rows: as_entries(rows, REAL, features=features))
    return as_weighted(sequences, weight)


def _alike(sequences: Sequences) -> Iterator[tuple[Indices, Array, Mask]]:
    """Yield the sequences of which the same cells are seen: their numbers (G,), rows (G, T, D) and mask (T, D)."""
    rows = sequences.rows.data if isinstance(sequences.rows, Incomplete) else sequences.rows  # (M, D)
    first = np.cumsum(sequences.lengths) - sequences.lengths  # (N,)
    for length in np.unique(sequences.lengths):
        index = np.flatnonzero(sequences.lengths == length)
        x = rows[first[index, None] + np.arange(length)]  # (N', T, D)
        seen = ~np.isnan(x)
        patterns: dict[bytes, list[int]] = {}
        for i, pattern in enumerate(np.packbits(seen.reshape(len(x), -1), axis=1)):
            patterns.setdefault(pattern.tobytes(), []).append(i)
        for alike in patterns.values():
            yield index[alike], x[alike], seen[alike[0]]
