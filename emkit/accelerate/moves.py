"""One EM step as a move in free coordinates: what every accelerator extrapolates, and whether to go there."""

from collections.abc import Callable
from typing import Generic, TypeGuard, TypeVar

import numpy as np

from emkit.algorithm import Evaluate, M, Point
from emkit.arrays import Array
from emkit.parameters import pack
from emkit.values import value

T = TypeVar("T")

REMEMBERS = 0.9
"""By how much the slowest rate of late, as 1 / (1 - λ), shrinks each time: by it forecasts judge what is to come."""

UNSEEN = 2.0
"""How many times the rounding of an objective the next one, less its own rounding, may be lower."""


@value
class Move(Generic[M]):
    """Where the M-step takes a model, in free coordinates."""

    to: M  # the M-step's model
    origin: Array  # (P,) of the model it starts from
    end: Array  # (P,) of `to`; shorter where a parameter became a structural zero on the way

    @classmethod
    def of(cls, at: Point[M], evaluate: Evaluate[M]) -> "Move[M]":
        """Take the M-step from a point, without a pass over the data."""
        to = evaluate.m_step(at.model, at.expectation.statistics)
        return cls(to, pack(at.model), pack(to))

    @property
    def step(self) -> Array:
        """EM's step, (P,)."""
        return self.end - self.origin

    def joins(self, other: Array) -> bool:
        """Return whether both ends have the coordinates of a third point."""
        return len(self.origin) == len(self.end) == len(other)


def rises(point: Point[M] | None, at: Point[M]) -> TypeGuard[Point[M]]:
    """Return whether an attempt succeeded and its objective is no lower, but for rounding where the run already is.

    The rounding of the attempt itself counts against it: where numbers blow up it may hide any fall.
    """
    if point is None:
        return False
    return point.objective - point.rounding >= at.objective - UNSEEN * at.rounding


def beyond(point: Point[M] | None, move: Move[M], evaluate: Evaluate[M]) -> Move[M] | None:
    """Return EM's step from a rejected point; None where there is none that can be compared with one from before."""
    found = None if point is None else if_possible(lambda: Move.of(point, evaluate))
    return found if found is not None and found.joins(move.origin) else None


def if_possible(learn: Callable[[], T]) -> T | None:
    """Return what is learnt where only an extrapolation led; None where the model raises there."""
    with np.errstate(all="ignore"):
        try:
            return learn()
        except Exception:  # no reason to end a run that does not go there
            return None
