"""SQUAREM: squared extrapolation along two EM steps."""

from typing import Any, Literal, Self

import attrs
import numpy as np

from emkit.accelerate.moves import Move, check_declares
from emkit.algorithm import Evaluate, M, Point
from emkit.arrays import TINY, Array
from emkit.values import replace, value

FORGETS = 0.5
"""By how much the remembered size of EM steps shrinks each time."""

LIMIT = 4.0
"""The greatest step length at first. Where it is taken it grows by as much if the objective rose, else shrinks."""


@value
class Squarem:
    """SQUAREM: one plain EM step, then one extrapolated from it and the next; two passes over the data a cycle.

    From θ, with r = M(θ) - θ and v = M(M(θ)) - 2 M(θ) + θ in free coordinates, it goes to θ + 2 a r + a² v. The length
    a is -|r|² / r·v, -r·v / |v|² or |r| / |v| by scheme 1, 2 or 3, up to a limit. Where that does not raise the
    objective, M(M(θ)) is taken: three passes. Each coordinate is measured in units of its recent EM steps, so that a
    does not depend on the units of the data.

    Args:
        scheme: 1, 2 or 3; the authors recommend the third.

    Reference: R. Varadhan and C. Roland (2008), Simple and globally convergent methods for accelerating the convergence
    of any EM algorithm, Scandinavian Journal of Statistics 35, 335-353, section 6.
    """

    scheme: Literal[1, 2, 3] = attrs.field(default=3, validator=attrs.validators.in_((1, 2, 3)))
    origin: Array | None = attrs.field(default=None, repr=False)  # θ, where the last step was a plain one from there
    scale: Array | None = attrs.field(default=None, repr=False)  # (P,) the size of recent EM steps
    limit: float = attrs.field(default=LIMIT, repr=False)  # of the step length
    gain: float = attrs.field(default=0.0, repr=False)  # of the last plain step, nats
    ahead: float | None = attrs.field(default=None, repr=False)  # nats still to be gained
    plain: bool = attrs.field(default=False, repr=False)

    def check(self, model: Any, /) -> None:
        """Refuse a model that declares no parameters."""
        check_declares(self, model)

    def is_plain(self) -> bool:
        """Return whether the last step was one of plain EM."""
        return self.plain

    def remaining(self) -> float | None:
        """Return the gain still to come if all that is left shrinks as the last EM steps did, nats."""
        return self.ahead

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Take an extrapolated step after a plain one, where that raises the objective; else a plain one."""
        move = Move.of(at)
        if self.origin is None or move.step is None or len(self.origin) != len(move.step):
            return self._plain(at, move, evaluate)
        first = move.origin - self.origin  # r
        bend = move.step - first  # v
        scale = np.abs(first)
        if self.scale is not None and len(self.scale) == len(scale):
            scale = np.maximum(scale, FORGETS * self.scale)
        length = self._length(first, bend, np.maximum(scale, TINY))
        known = replace(self, scale=scale, ahead=self.gain * max(1.0, (length - 1) ** 2 / (2 * length - 1)))
        if not length > 1:
            return known._plain(at, move, evaluate)
        taken = min(length, self.limit)
        by = LIMIT if taken == self.limit else 1.0
        point = evaluate.attempt(self.origin + 2 * taken * first + taken**2 * bend, like=move.to)
        if point is not None and point.objective >= at.objective:
            return replace(known, origin=None, limit=self.limit * by, plain=False), point
        return replace(known, origin=None, limit=max(self.limit / by, LIMIT), plain=True), evaluate(move.to)

    def _plain(self, at: Point[M], move: Move[M], evaluate: Evaluate[M]) -> tuple[Self, Point[M]]:
        point = evaluate(move.to)
        return replace(self, origin=move.origin, gain=point.objective - at.objective, plain=True), point

    def _length(self, first: Array, bend: Array, scale: Array) -> float:
        """Return the step length a; at 1 the step is that of plain EM."""
        r, v = first / scale, bend / scale
        lengths = {1: (r @ r, -(r @ v)), 2: (-(r @ v), v @ v), 3: (np.sqrt(r @ r), np.sqrt(v @ v))}
        over, under = map(float, lengths[self.scheme])
        return over / under if over > under > 0 else 1.0
