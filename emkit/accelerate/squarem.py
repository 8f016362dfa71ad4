"""SQUAREM: squared extrapolation along two EM steps."""

from typing import Literal, Self

import attrs
import numpy as np

from emkit.accelerate.accelerator import Accelerator
from emkit.accelerate.moves import REMEMBERS, Move, rises
from emkit.algorithm import Evaluate, M, Point
from emkit.arrays import TINY, Array
from emkit.trace import FORECASTS
from emkit.values import replace, value

FORGETS = 0.7
"""By how much the remembered sizes of EM steps shrink each time."""

LIMIT = 6.0
"""The greatest step length at first. Where it is taken it grows by as much if the objective rose, else shrinks."""


@value
class Squarem(Accelerator):
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
    longest: float = attrs.field(default=1.0, repr=False)  # 1 / (1 - λ), with λ the slowest rate of late
    gain: float = attrs.field(default=0.0, repr=False)  # of the last plain step, nats
    forecasts: tuple[float, ...] = attrs.field(default=(), repr=False)  # of the last cycles: nats still to be gained

    def remaining(self) -> float:
        """Return the gain still to come if all that is left shrinks at the slowest rate of late, nats.

        It is the largest of the last few cycles, and inf where EM's steps grow: that is no way to an optimum.
        """
        return max(self.forecasts) if len(self.forecasts) == FORECASTS else np.inf

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Take an extrapolated step after a plain one, where that raises the objective; else a plain one."""
        move = Move.of(at, evaluate)
        if self.origin is None or not move.joins(self.origin):
            return self._plain(at, move, evaluate)
        first = move.origin - self.origin  # r
        bend = move.step - first  # v
        scale = np.maximum(np.abs(first), np.abs(move.step))
        if self.scale is not None and len(self.scale) == len(scale):
            scale = np.maximum(scale, FORGETS * self.scale)
        units = np.maximum(scale, TINY)
        r, v = first / units, bend / units
        length = _length(self.scheme, r, v)
        longest = max(_length(1, r, v), REMEMBERS * self.longest)
        ahead = self.gain * max(1.0, (longest - 1) ** 2 / (2 * longest - 1)) if r @ v < 0 else np.inf
        known = replace(self, scale=scale, longest=longest, forecasts=(*self.forecasts, ahead)[-FORECASTS:])
        if not length > 1:
            return known._plain(at, move, evaluate)
        taken = min(length, self.limit)
        by = LIMIT if taken == self.limit else 1.0
        point = evaluate.attempt(self.origin + 2 * taken * first + taken**2 * bend, like=move.to)
        if rises(point, at):
            return replace(known, origin=None, limit=self.limit * by, plain=False), point
        return replace(known, origin=None, limit=max(self.limit / by, LIMIT), plain=True), evaluate(move.to)

    def _plain(self, at: Point[M], move: Move[M], evaluate: Evaluate[M]) -> tuple[Self, Point[M]]:
        point = evaluate(move.to)
        return replace(self, origin=move.origin, gain=point.objective - at.objective, plain=True), point


def _length(scheme: int, r: Array, v: Array) -> float:
    """Return the step length a; at 1 the step is that of plain EM."""
    over, under = {1: (r @ r, -(r @ v)), 2: (-(r @ v), v @ v), 3: (np.sqrt(r @ r), np.sqrt(v @ v))}[scheme]
    return float(over / under) if over > under > 0 else 1.0
