"""Quasi-Newton acceleration: EM's step as the first guess of Newton's, bent by what the run has seen of curvature."""

from typing import Any, Self

import attrs
import numpy as np

from emkit.accelerate.accelerator import Accelerator
from emkit.accelerate.checks import check_knows_q
from emkit.accelerate.moves import Move, beyond, if_possible, rises
from emkit.accelerate.score import score
from emkit.accelerate.secants import Secants
from emkit.algorithm import Evaluate, M, Point
from emkit.arguments import check_count
from emkit.arrays import Array
from emkit.values import replace, value

WARM_UP = 2
"""Plain EM steps at the start, where the objective is least like a parabola."""

LEAST, MOST = 0.1, 0.5
"""Of a step that went too far, what the next may be at least and at most."""


@value
class Place:
    """Where a run was: free coordinates, EM's step from there, and the gradient."""

    at: Array
    step: Array
    gradient: Array


@value
class QuasiNewton(Accelerator):
    """Quasi-Newton EM: the step goes K g, with g the gradient and K a BFGS estimate that begins as EM's own step.

    EM's step is I⁻¹ g, with I the complete-data information; pairs of points correct I⁻¹ towards the inverse observed
    information. The gradient costs no pass: it is that of Q + log prior, by two evaluations of Q for each coordinate.
    A step that does not raise the objective is replaced by EM's, and teaches as much as any other; the correction is
    shortened for the next.

    Args:
        memory: how many pairs of points are kept.

    Reference: M. Jamshidian and R. I. Jennrich (1997), Acceleration of the EM algorithm by using quasi-Newton methods,
    Journal of the Royal Statistical Society B 59, 569-587, algorithm QN2.
    """

    memory: int = attrs.field(default=50, converter=lambda given: check_count("memory", given))
    secants: Secants = attrs.field(default=Secants.none(0), repr=False)
    before: Place | None = attrs.field(default=None, repr=False)
    widths: Array | None = attrs.field(default=None, repr=False)  # (P,) of the differences that make the gradient
    taken: int = attrs.field(default=0, repr=False)  # steps
    share: float = attrs.field(default=1.0, repr=False)  # of the correction that is taken
    rounded: bool = attrs.field(default=False, repr=False)  # whether curvature was positive over the last step
    ahead: float = attrs.field(default=np.inf, repr=False)  # nats still to be gained

    def check(self, model: Any, /) -> None:
        """Refuse a model that declares no parameters or does not know Q, or whose steps ascend nothing."""
        super().check(model)
        check_knows_q(self, model, instead="Squarem()")

    def remaining(self) -> float:
        """Return what Newton's step would gain if the objective were a parabola, g·K g / 2, nats.

        It is inf where curvature says that there is no top.
        """
        return self.ahead

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Step along K g where that raises the objective; else by EM."""
        move = Move.of(at, evaluate)
        if not move.joins(move.origin):
            return type(self)(self.memory, plain=True), evaluate(move.to)
        known, here = self._learn(at, move)
        if not np.isfinite(here.gradient).all():
            return type(self)(self.memory)._plain(move, evaluate)
        if known.taken < WARM_UP:
            return known._plain(move, evaluate)
        direction = known.secants.direction(here.gradient, here.step)
        slope = float(direction @ here.gradient)
        if not slope > 0:
            return replace(known, secants=Secants.none(0), ahead=np.inf)._plain(move, evaluate)
        known = replace(known, ahead=slope / 2 if known.rounded else np.inf)
        step = here.step + known.share * (direction - here.step)
        point = evaluate.attempt(here.at + step, like=move.to)
        if rises(point, at):
            return replace(known, share=min(1.0, 2 * known.share), plain=False), point
        known = replace(known, share=known.share * _shorter(at, point, float(step @ here.gradient)))
        rejected = beyond(point, move, evaluate)
        if point is not None and rejected is not None:
            known = replace(if_possible(lambda: known._learn(point, rejected)[0]) or known, before=here)
        return known._plain(move, evaluate)

    def _plain(self, move: Move[M], evaluate: Evaluate[M]) -> tuple[Self, Point[M]]:
        return replace(self, taken=self.taken + 1, plain=True), evaluate(move.to)

    def _learn(self, at: Point[M], move: Move[M]) -> tuple[Self, Place]:
        """Return the algorithm with one more pair of points, and where it is."""
        gradient, widths = score(at.model, at.expectation.statistics, at.expectation.units, self.widths)
        here = Place(move.origin, move.step, gradient)
        secants, before, rounded = self.secants, self.before, False
        if secants.steps.shape[1] != len(here.at):
            secants, before = Secants.none(len(here.at)), None
        if before is not None and self.taken >= WARM_UP:
            step, fall, shrink = here.at - before.at, before.gradient - gradient, before.step - here.step
            added = secants.add(step, fall, shrink, self.memory)
            secants, rounded = added, added is not secants
        return replace(self, secants=secants, before=here, widths=widths, rounded=rounded), here


def _shorter(at: Point[Any], point: Point[Any] | None, slope: float) -> float:
    """Return what part of a rejected step leads to the top of the parabola through both points, within limits."""
    if point is None:
        return LEAST
    return float(np.clip(slope / (2 * (at.objective + slope - point.objective)), LEAST, MOST))
