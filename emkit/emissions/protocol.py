"""What one latent state emits: the inner protocol, shared by every structure with a discrete latent state.

You write three methods on a frozen value that holds the parameters of all K states; a mixture takes it, and so does
any other structure. Powers of models (`prepare`, `accepts`, `log_prior`, `complaints`, `partial_m_step`) work here too;
those below belong to emissions alone. A class that is also a `Family` can be started from data.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import Weighted
from emkit.incomplete import Incomplete
from emkit.starts import Start

S = TypeVar("S")


@runtime_checkable
class Emissions(Protocol[S]):
    """The distributions of an observation given each of K latent states; S are their complete-data statistics."""

    @abstractmethod
    def log_density(self, x: Any, /) -> Array:
        """Return log p(x_n | z_n = k), shape (N, K), nats."""
        ...

    @abstractmethod
    def statistics(self, x: Any, posterior: Array, /) -> S:
        """Return the statistics of x shared out among the states by posterior (N, K), weights already in it."""
        ...

    @abstractmethod
    def m_step(self, statistics: S, /) -> Self:
        """Return the emissions that maximise the expected log density + log prior; states without weight stay."""
        ...


@attrs.frozen(eq=False)
class MixtureStep:
    """What the E-step of a mixture learns of rows, whichever way it is computed."""

    log_marginal: Array  # (N,) nats
    count: Array  # (K,) expected rows of each component, weights in it
    statistics: Any  # of the emissions
    error: float = 0.0  # nats that a log marginal may be off beyond the rounding of its terms


@runtime_checkable
class StepsMixtures(Protocol):
    """Power: the densities, posterior and statistics of a mixture in one go, never holding (N, K) numbers at once."""

    def mixture_step(self, weights: Array, x: Any, weight: Array, /) -> MixtureStep | None:
        """Return what rows tell, given weights of components (K,) and of rows (N,); None where that is not for them."""
        ...


@runtime_checkable
class CompilesMixtureStep(Protocol):
    """Power: the same in compiled code, for data that are worth it."""

    def compiled_mixture_step(self, x: Any, /) -> Callable[[Any, Array, Any, Array], MixtureStep | None] | None:
        """Return a function of emissions, weights, rows and weights of rows, or None; asked once, of all rows."""
        ...


@runtime_checkable
class Family(Protocol):
    """Emissions that can be made from data: a class with these class methods, or a recipe with these methods."""

    @abstractmethod
    def read(self, x: Any, /) -> Any:
        """Return data checked, before any parameter is known."""
        ...

    @abstractmethod
    def features(self, x: Any, /) -> Array:
        """Return the numbers (N, F), none missing, by which a start tells how far apart units are."""
        ...

    @abstractmethod
    def around(self, *args: Any, **options: Any) -> Any:
        """Return the emissions of K states, given checked data and posterior (N, K) with weights in it.

        Keyword arguments are those that a structure's `start` passes on, such as `prior`.
        """
        ...


@runtime_checkable
class SharesOut(Protocol):
    """Power of a family: states that differ in kind, so that a start cannot exchange them."""

    def share_out(self, rows: Weighted[Any], n_states: int, how: Start, rng: np.random.Generator, /) -> Array:
        """Return responsibilities (N, K) of checked rows, by `how` where states can be exchanged."""
        ...


@runtime_checkable
class SamplesGivenStates(Protocol):
    """Power: simulation, given the states."""

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator, /) -> Any:
        """Return one observation for each of the states (N,)."""
        ...


@runtime_checkable
class HasExpectedLogDensity(Protocol):
    """Power: E[log p(x | z; self)] given the statistics, the emissions' part of Q."""

    def expected_log_density(self, statistics: Any, /) -> float:
        """Return Σ_n Σ_k p_nk log p(x_n | k; self), nats."""
        ...


@runtime_checkable
class HasLatentDivergence(Protocol):
    """Power: emissions with latent variables of their own, such as missing cells or scales."""

    def latent_divergence(self, other: Self, x: Any, /) -> Array:
        """Return KL(p(u | x_n, k; self) || p(u | x_n, k; other)) of all that is latent within a state, (N, K), nats."""
        ...


@runtime_checkable
class KnowsConditioning(Protocol):
    """Power: emissions that lose more digits than the size of their log densities tells."""

    def conditioning(self) -> float:
        """Return by how much, in nats per unit, the objective may be off beyond the rounding of its terms."""
        ...


@runtime_checkable
class EnumeratesStates(Protocol):
    """Power: an oracle for one observation in one state, in plain loops that share no helper with the rest."""

    def complete(self, row: Any, /) -> Iterator[tuple[float, Any]]:
        """Yield, for data of one row and each state k, log p(x | k; self) and the complete-data statistics."""
        ...


@runtime_checkable
class Imputes(Protocol):
    """Power: what is missing, from what is seen."""

    def impute(self, x: Incomplete, posterior: Array, /) -> Array:
        """Return x (N, D), missing cells replaced by their expectation, with states shared out by posterior (N, K)."""
        ...

    def sample_missing(self, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator, /) -> Array:
        """Return x (N, D), missing cells drawn given the seen cells of their row and its state."""
        ...
