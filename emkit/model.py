"""The protocol: what you write for a latent variable model, and what each optional power unlocks.

You write three methods, `e_step`, `m_step` and `log_marginal`, on a class that *is* its parameters: a frozen value.
You get the driver: `emkit.fit`, its trace and outcomes, chunks of data, restarts, the audit of monotone ascent.

Everything more is a power, a small protocol of its own. A model has it by having the method; nothing is registered:

    log_prior               maximum a posteriori: the objective is log likelihood + log prior
    prepare                 validate and convert data once, before the loop
    accepts                 data may come wrapped, as `Weighted`
    summary, e_step_of      compress the data once; iterations cost nothing in N
    chunk_size              how many units one E-step takes best, where the driver may choose
    compiled_e_step         the same E-step in compiled code, for data that are worth it
    posterior               what is known of the latent variables
    posterior_divergence    how far that moves from one model to the next: the gain of EM that comes free
    expected_log_joint      Q, the bound that an M-step raises
    configurations          every latent configuration of a tiny data set: the oracle of the conformance kit
    sample                  simulation
    complaints              the model sits on an edge where EM means nothing: the outcome `degenerate`
    remarks                 a sound estimate on a boundary, named in the message of the outcome
    redundant_parameters    directions in which the distribution does not change (a rotation of factors)
    partial_m_step          an M-step that raises Q without maximising it (GEM, ECM) says so
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from emkit.arrays import Array
from emkit.statistics import Expectation

S = TypeVar("S")
Data_contra = TypeVar("Data_contra", contravariant=True)


class LatentVariableModel(Protocol[Data_contra, S]):
    """A latent variable model: exactly three members, on a value that is its own parameters.

    Subclass it, or write a class that merely has these methods: both run. No step may change the model or the data.
    Reference: Dempster, Laird and Rubin (1977), Journal of the Royal Statistical Society B 39, 1-38.
    """

    @abstractmethod
    def e_step(self, data: Data_contra, /) -> Expectation[S]:
        """Return E[s(x, z) | x, self], summed over units, with the log likelihood that falls out of it.

        s are the complete-data statistics: all that an M-step needs to know of observed x and latent z.

        Must be additive: the E-step of a ++ b is the sum of the E-steps of a and b.
        """
        ...

    @abstractmethod
    def m_step(self, statistics: S, /) -> Self:
        """Return the model that maximises Q + log prior given the statistics, or any that raises it.

        Must depend on the statistics alone, but for hyperparameters and for blocks that learnt nothing.
        """
        ...

    @abstractmethod
    def log_marginal(self, data: Data_contra, /) -> Array:
        """Return log p(x_n; self), shape (N,), nats, one for each independent unit; weights are not applied."""
        ...


def has(thing: Any, power: type) -> bool:
    """Return whether something has the methods of a power; `isinstance` asks the same of a protocol, but slowly."""
    return all(callable(getattr(thing, name, None)) for name in _methods(power))


@cache
def _methods(power: type) -> tuple[str, ...]:
    return tuple(name for name in vars(power) if not name.startswith("_"))


class MissingPowerError(TypeError):
    """A model has a power only where its parts have what it needs, and one of them does not."""


Complaint: TypeAlias = tuple[str, str]
"""Which part of a model sits on an edge, and why."""


@runtime_checkable
class HasPrior(Protocol):
    """Power: a prior density over the parameters, part of the objective."""

    def log_prior(self) -> float:
        """Return the log prior density at this model, nats, up to a constant that no parameter enters."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """Power: data validated and converted once, before the loop.

    Idempotent; preparing chunk by chunk equals preparing the whole; float64 arrays are not copied. `log_marginal` and
    `posterior` of such a model call it themselves, so that they accept raw data.
    """

    def prepare(self, data: Any, /) -> Any:
        """Return the data as `e_step` wants them, or raise ValueError or TypeError with the row at fault."""
        ...


@runtime_checkable
class Accepts(Protocol):
    """Power: data may come in a wrapper, such as `Weighted`. Models without it refuse wrapped data by name."""

    def accepts(self, wrapper: type, /) -> bool:
        """Return whether data wrapped in this class are understood."""
        ...


@runtime_checkable
class Summarises(Protocol):
    """Power: data compressed once, before the loop, to something that adds: e_step(x) == e_step_of(summary(x))."""

    def summary(self, data: Any, /) -> Any:
        """Return all that an E-step of any parameters needs to know of the data."""
        ...

    def e_step_of(self, summary: Any, /) -> Expectation[Any]:
        """Return the E-step, from a summary."""
        ...


@runtime_checkable
class SizesChunks(Protocol):
    """Power: how much of the data one E-step handles best, where the driver may choose."""

    def chunk_size(self, data: Any, /) -> int:
        """Return a number of units, given prepared data; it depends on the size of units and parameters alone."""
        ...


@runtime_checkable
class Compiles(Protocol):
    """Power: an E-step in compiled code, for data that are worth it."""

    def compiled_e_step(self, data: Any, /) -> Callable[[Any, Any], Expectation[Any]] | None:
        """Return a function of a model and a chunk that does what `e_step` does, or None; asked once, of all data."""
        ...


@runtime_checkable
class HasPosterior(Protocol):
    """Power: what is known of the latent variables given the data."""

    def posterior(self, data: Any, /) -> Any:
        """Return the posterior of the latent variables of each unit: (N, K) responsibilities, for a mixture."""
        ...


@runtime_checkable
class HasPosteriorDivergence(Protocol):
    """Power: how far the posterior of all that is latent moves from one model to another."""

    def posterior_divergence(self, other: Self, data: Any, /) -> Array:
        """Return KL(p(z | x_n; self) || p(z | x_n; other)), (N,), nats, one for each unit; weights are not applied.

        z is all that is latent in `expected_log_joint`, missing values included. Computed from the two posteriors: as
        a difference of log marginals and of Q it would prove nothing.
        """
        ...


@runtime_checkable
class HasExpectedLogJoint(Protocol):
    """Power: Q(self given statistics), the function that an M-step maximises."""

    def expected_log_joint(self, statistics: Any, /) -> float:
        """Return E[log p(x, z; self)], nats, up to a constant that no parameter enters."""
        ...


@runtime_checkable
class Enumerates(Protocol):
    """Power: every latent configuration, one by one; an oracle that shares no helper with the E-step."""

    def configurations(self, unit: Any, /) -> Iterator[tuple[float, Any]]:
        """Yield, for data of one unit, log p(x, z; self) and the complete-data statistics of every z."""
        ...


@runtime_checkable
class Samples(Protocol):
    """Power: simulation."""

    def sample(self, n: int, rng: np.random.Generator, /) -> Any:
        """Return n units drawn from the model."""
        ...


@runtime_checkable
class Complains(Protocol):
    """Power: the model says itself when it sits on an edge of its parameter space."""

    def complaints(self, statistics: Any, /) -> Sequence[Complaint]:
        """Return which component or column is degenerate, and why; empty for a healthy model.

        The statistics are those of the E-step at this model: they tell what it learnt from how much.
        """
        ...


@runtime_checkable
class Remarks(Protocol):
    """Power: the model says where its estimate, though sound, lies on a boundary: a probability of zero."""

    def remarks(self, statistics: Any, /) -> Sequence[Complaint]:
        """Return which part lies on a boundary, and how; the outcome of a fit stays as it is."""
        ...


@runtime_checkable
class HasRedundantParameters(Protocol):
    """Power: free coordinates that outnumber the dimensions of the family of distributions."""

    def redundant_parameters(self) -> int:
        """Return how many directions in the free coordinates leave the distribution as it is."""
        ...


@runtime_checkable
class MayBePartial(Protocol):
    """Power: an M-step that raises Q + log prior without maximising it declares itself."""

    def partial_m_step(self) -> bool:
        """Return whether the M-step stops short of the maximum."""
        ...
