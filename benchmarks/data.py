"""The shapes of the contest, their data and where EM starts; files in a folder that every contestant reads."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """N rows of D features and K components."""

    name: str
    rows: int
    features: int
    components: int

    @property
    def pairs(self) -> int:
        """How many log densities one iteration takes, N K."""
        return self.rows * self.components

    def divided(self, by: int) -> "Shape":
        """Return the shape with fewer rows, but enough of them for K covariance matrices."""
        return replace(self, rows=max(self.rows // by, 4 * self.features * self.components))

    def __str__(self) -> str:
        """Name the shape as tables do."""
        return f"{self.name} {self.rows:,} x {self.features}, K = {self.components}"


SHAPES = {
    "A": Shape("A", 1_000_000, 2, 3),
    "B": Shape("B", 1_000_000, 2, 16),
    "C": Shape("C", 200_000, 16, 16),
    "D": Shape("D", 100_000, 64, 16),
    "E": Shape("E", 20_000, 256, 8),
    "F": Shape("F", 100_000, 16, 128),
}
"""Each is run with full and with diagonal covariances: twelve cases."""

COVARIANCES = ("full", "diagonal")


@dataclass(frozen=True)
class Problem:
    """Data and the parameters that EM starts from."""

    x: Array  # (N, D)
    weights: Array  # (K,)
    means: Array  # (K, D)
    covariances: Array  # (K, D, D)

    @property
    def variances(self) -> Array:
        """The start's variances where covariances are diagonal, (K, D)."""
        return np.ascontiguousarray(np.diagonal(self.covariances, axis1=1, axis2=2))

    def save(self, folder: Path) -> Path:
        """Write one file per array."""
        for name, array in vars(self).items():
            np.save(folder / f"{name}.npy", array)
        return folder

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        return cls(*(np.load(folder / f"{name}.npy") for name in cls.__dataclass_fields__))


def mixture(shape: Shape, seed: int = 0) -> Problem:
    """Return rows of an overlapping random mixture, and a start that leaves EM much to do.

    Components begin with the covariance of all rows and with means a fraction of a standard deviation apart, so that
    responsibilities are soft and change for many iterations. From a start near the truth, EM at D = 256 would have
    converged to the last bit within five, and a library that notices would stop early.
    """
    rng = np.random.default_rng(seed)
    n, d, k = shape.rows, shape.features, shape.components
    means = rng.normal(size=(k, d)) * 2 / np.sqrt(d)
    factors = np.eye(d) + rng.normal(size=(k, d, d)) / np.sqrt(4 * d)
    component = rng.integers(k, size=n)
    x = rng.normal(size=(n, d))
    for one in range(k):
        chosen = component == one
        x[chosen] = means[one] + x[chosen] @ factors[one].T
    covariance = np.cov(x.T).reshape(d, d)
    step = rng.normal(size=(k, d)) / np.sqrt(d) @ np.linalg.cholesky(covariance).T
    return Problem(x, np.full(k, 1 / k), x.mean(axis=0) + step, np.tile(covariance, (k, 1, 1)))


@dataclass(frozen=True)
class Chain(Problem):
    """Sequences, one after the other in x, and the hidden Markov model that EM starts from; weights are initial."""

    transition: Array  # (K, K)
    lengths: npt.NDArray[np.int64]  # (sequences,)


def chain(steps: int, sequences: int, states: int = 8, features: int = 4, seed: int = 0) -> Chain:
    """Return T = `steps` rows of a hidden Markov model, cut into equal sequences, and a start beside the truth."""
    rng = np.random.default_rng(seed)
    transition = 0.8 * np.eye(states) + 0.2 * rng.dirichlet(np.ones(states), states)
    lengths = np.full(sequences, steps // sequences)
    cumulative = transition.cumsum(axis=1)
    draws = rng.random((lengths[0], sequences))
    state = np.empty((lengths[0], sequences), dtype=np.intp)
    state[0] = rng.integers(states, size=sequences)
    for t in range(1, lengths[0]):
        passed = draws[t, :, None] > cumulative[state[t - 1]]  # (sequences, K)
        state[t] = np.minimum(passed.sum(axis=1), states - 1)
    means = rng.normal(size=(states, features)) * 1.5
    x = means[state.T.ravel()] + rng.normal(size=(lengths.sum(), features))
    start = means + rng.normal(size=means.shape) / 2
    flat = np.full(states, 1 / states)
    covariances = np.tile(2 * np.eye(features), (states, 1, 1))
    return Chain(x, flat, start, covariances, (np.eye(states) + flat) / 2, lengths)


def factors(rows: int, features: int, number: int, seed: int = 0) -> Array:
    """Return rows (N, D) that depend on each other through a few factors, with noise of its own in each column."""
    rng = np.random.default_rng(seed)
    loadings = rng.normal(size=(features, number))
    noise = np.sqrt(rng.uniform(0.5, 4.0, size=features))
    return rng.normal(size=(rows, number)) @ loadings.T + rng.normal(size=(rows, features)) * noise
