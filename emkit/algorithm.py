"""Algorithms: how one accepted point follows another. Plain EM is the simplest."""

from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

from emkit.model import LatentVariableModel
from emkit.statistics import Expectation
from emkit.values import value

M = TypeVar("M", bound=LatentVariableModel[Any, Any])


@value
class Point(Generic[M]):
    """A model, and what its one pass over the data said."""

    model: M
    expectation: Expectation[Any]
    objective: float  # log likelihood + log prior, nats


Evaluate: TypeAlias = Callable[[M], Point[M]]
"""One pass over the data: a model becomes a point."""


@runtime_checkable
class Algorithm(Protocol):
    """An algorithm is a frozen value that is its own state: advancing returns its successor."""

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Return the algorithm's next state and the next accepted point."""
        ...


@runtime_checkable
class StepsPlainly(Protocol):
    """Power of an algorithm: each point is one step of plain EM from the last, so that increments tell its rate."""

    def is_plain(self) -> bool:
        """Return whether the step that led to this state was one."""
        ...


@value
class EM:
    """Expectation-maximization as it was published: the M-step's model, always accepted.

    Reference: Dempster, Laird and Rubin (1977), section 2.
    """

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple["EM", Point[M]]:
        """Take one M-step and evaluate it."""
        return self, evaluate(at.model.m_step(at.expectation.statistics))

    def is_plain(self) -> bool:
        """Return True."""
        return True
