"""Algorithms: how one accepted point follows another. Plain EM is the simplest."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from emkit.arrays import EPS, Array
from emkit.model import LatentVariableModel
from emkit.statistics import Expectation
from emkit.values import value

M = TypeVar("M", bound=LatentVariableModel[Any, Any])


@value
class Point(Generic[M]):
    """A model, and what its one pass over the data said."""

    model: M
    expectation: Expectation[Any]
    objective: float  # log likelihood + log prior, nats; or a lower bound, where the algorithm says so

    @property
    def rounding(self) -> float:
        """How far the objective may be off, nats."""
        learnt = self.expectation
        return learnt.rounding + EPS * abs(self.objective - learnt.log_likelihood)


class Evaluate(Protocol[M]):
    """Passes over the data, counted: a model becomes a point."""

    def __call__(self, model: M, /) -> Point[M]:
        """Run the E-step of a model over the data, once."""
        ...

    def m_step(self, model: M, statistics: Any, /) -> M:
        """Return the M-step's model; what it raises names the step and the iteration."""
        ...

    def attempt(self, free: Array, /, *, like: M) -> Point[M] | None:
        """Evaluate the model at free coordinates that nobody vouches for.

        Returns:
            The point; None where the coordinates leave the parameter space, the E-step raises, or the objective is not
            finite.
        """
        ...

    def parts(self, n: int, /) -> Sequence[Callable[[M], Expectation[Any]]]:
        """Return the E-steps of n parts of the data, one for each unit if there are fewer units.

        The parts are contiguous, in order, and of the same number of units or one more. As many E-steps as there are
        parts count as one pass.
        """
        ...


@runtime_checkable
class Algorithm(Protocol):
    """An algorithm is a frozen value that is its own state: advancing returns its successor."""

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Return the algorithm's next state and the next accepted point."""
        ...


class Ascent(StrEnum):
    """What never falls from one accepted point to the next."""

    OBJECTIVE = "objective"
    BOUND = "bound"
    CLASSIFICATION = "classification likelihood"
    NOTHING = "nothing"


@runtime_checkable
class Ascends(Protocol):
    """Power of an algorithm, or of a model: it says what its steps ascend. Without it, that is the objective."""

    def ascends(self) -> Ascent:
        """Return what the step that led to this state of an algorithm ascends; what steps from this model do."""
        ...


def ascends_nothing(thing: Any) -> bool:
    """Return whether an algorithm or a model declares that its steps ascend nothing."""
    return isinstance(thing, Ascends) and thing.ascends() is Ascent.NOTHING


@runtime_checkable
class Bounds(Protocol):
    """Power of an algorithm: the objective of its points may be a lower bound of that of their models."""

    def is_bound(self) -> bool:
        """Return whether that of the last point is, so that the objective of its model takes one more pass."""
        ...


@runtime_checkable
class StepsPlainly(Protocol):
    """Power of an algorithm: each point is one step of plain EM from the last, so that increments tell its rate."""

    def is_plain(self) -> bool:
        """Return whether the step that led to this state was one."""
        ...


@runtime_checkable
class Foresees(Protocol):
    """Power of an algorithm: an estimate of what is still to be gained."""

    def remaining(self) -> float:
        """Return how many nats the objective is below its optimum; inf where the state cannot tell.

        The estimate is of the point that the last step led to, or of the one before it.
        """
        ...


@runtime_checkable
class ChecksModel(Protocol):
    """Power of an algorithm: it needs more of a model than three methods, and says so before any work."""

    def check(self, model: Any, /) -> None:
        """Raise a TypeError that names what the model lacks."""
        ...


@value
class EM:
    """Expectation-maximization as it was published: the M-step's model, always accepted.

    Reference: Dempster, Laird and Rubin (1977), section 2.
    """

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple["EM", Point[M]]:
        """Take one M-step and evaluate it."""
        return self, evaluate(evaluate.m_step(at.model, at.expectation.statistics))

    def is_plain(self) -> bool:
        """Return True."""
        return True
