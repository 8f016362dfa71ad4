"""Anderson acceleration with the safeguards of DAAREM: damping, restarts, and never downhill."""

from typing import Any, Self

import attrs
import numpy as np
from scipy.optimize import brentq

from emkit.accelerate.accelerator import Accelerator
from emkit.accelerate.moves import REMEMBERS, Move, beyond, rises
from emkit.algorithm import Evaluate, M, Point
from emkit.arguments import check_count
from emkit.arrays import EPS, TINY, Array
from emkit.values import replace, value

BASE, NEEDED = 1.2, 25.0
"""Of the damping: after s more extrapolations accepted than not, 1 / (1 + BASE^(NEEDED - s)) of |c|² is kept."""


@value
class Anderson(Accelerator):
    """Anderson acceleration of EM: the step whose residual, were EM linear, would be the least of all recent steps'.

    Residuals are EM's steps r = M(θ) - θ in free coordinates, each in units of its recent EM steps. From θ it goes to
    M(θ) - Σ c_i (Δθ_i + Δr_i), with c the least squares fit of r by the Δr_i, damped as long as few extrapolations
    were accepted; a step that does not raise the objective is replaced by EM's, at a second pass. The
    differences are forgotten whenever there are `order` of them.

    Args:
        order: the most differences; half the free coordinates, if those are fewer.

    Reference: N. C. Henderson and R. Varadhan (2019), Damped Anderson acceleration with restarts and monotonicity
    control for accelerating EM and EM-like algorithms, Journal of Computational and Graphical Statistics 28, 834-846.
    """

    order: int = attrs.field(default=10, converter=lambda given: check_count("order", given))
    origin: Array | None = attrs.field(default=None, repr=False)  # (P,) θ of the point before
    residual: Array | None = attrs.field(default=None, repr=False)  # (P,) EM's step from there
    moves: Array = attrs.field(default=np.empty((0, 0)), repr=False)  # (m, P) Δθ
    bends: Array = attrs.field(default=np.empty((0, 0)), repr=False)  # (m, P) Δr
    accepted: int = attrs.field(default=0, repr=False)  # extrapolations, less those rejected
    objective: float = attrs.field(default=-np.inf, repr=False)  # of the point before, nats
    longest: float = attrs.field(default=1.0, repr=False)  # 1 / (1 - λ), with λ the slowest rate of late
    ahead: float = attrs.field(default=np.inf, repr=False)  # nats still to be gained

    def remaining(self) -> float:
        """Return the gain still to come, nats: from the last one, and how far the top is at the slowest rate of late.

        It is inf where EM's steps grow: that is no way to an optimum.
        """
        return self.ahead

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Extrapolate from the recent EM steps where that raises the objective; else take an EM step."""
        move = Move.of(at, evaluate)
        if not move.joins(move.origin):
            return type(self)(self.order, plain=True), evaluate(move.to)
        known = self._foresee(at.objective, move)._learn(move)
        if not known.moves.size:
            return replace(known, plain=True), evaluate(move.to)
        step = move.step - known._coefficients(move.step) @ (known.moves + known.bends)
        point = evaluate.attempt(move.origin + step, like=move.to)
        if rises(point, at):
            return replace(known, accepted=known.accepted + 1, plain=False), point
        known = replace(known, accepted=max(known.accepted - 1, -int(NEEDED)))
        rejected = beyond(point, move, evaluate)
        if rejected is not None:
            known = replace(known._learn(rejected), origin=move.origin, residual=move.step)
        return replace(known, plain=True), evaluate(move.to)

    def _foresee(self, objective: float, move: Move[Any]) -> Self:
        """Return the algorithm with an estimate of what is still to come at a point, given its objective and EM's step.

        On a parabola, a point at a distance d that a move of length m came nearer to the top, and gained g by it, has
        g d² / (m² + 2 m d) to come. Along the slowest direction, d is EM's step times 1 / (1 - λ).
        """
        if self.origin is None or self.residual is None or len(self.origin) != len(move.origin):
            return replace(self, objective=objective, ahead=np.inf)
        moved, bend = move.origin - self.origin, move.step - self.residual
        scale = np.max(np.abs([self.residual, move.step, EPS * moved, np.full(len(moved), TINY)]), axis=0)
        moved, bend = moved / scale, bend / scale
        length, shrunk = float(np.linalg.norm(moved)), -float(moved @ bend)
        longest = max(length**2 / shrunk if shrunk > 0 else 1.0, REMEMBERS * self.longest)
        distance = longest * float(np.linalg.norm(move.step / scale))
        ahead = np.inf
        if shrunk > 0:
            ahead = (objective - self.objective) * distance**2 / (length**2 + 2 * length * distance)
        return replace(self, objective=objective, longest=longest, ahead=ahead)

    def _learn(self, move: Move[Any]) -> Self:
        """Return the algorithm with the difference to the point before, or with none after a restart."""
        moves, bends, size = self.moves, self.bends, len(move.origin)
        if self.origin is None or self.residual is None or len(self.origin) != size:
            moves = bends = np.empty((0, size))
        else:
            begin = 0 if len(moves) < min(self.order, -(-size // 2)) else len(moves)
            moves = np.vstack([moves[begin:], move.origin - self.origin])
            bends = np.vstack([bends[begin:], move.step - self.residual])
        return replace(self, origin=move.origin, residual=move.step, moves=moves, bends=bends)

    def _coefficients(self, residual: Array) -> Array:
        """Return the damped least squares coefficients of the residual by the bends, (m,)."""
        scale = np.maximum(np.sqrt(np.mean(np.square([residual, *self.bends]), axis=0)), TINY)
        bends = self.bends / scale
        lengths = np.maximum(np.sqrt((bends**2).sum(axis=1)), TINY)
        left, sizes, right = np.linalg.svd((bends / lengths[:, np.newaxis]).T, full_matrices=False)
        seen = sizes > np.sqrt(EPS) * sizes[0]
        sizes, right, along = sizes[seen], right[seen], left.T[seen] @ (residual / scale)
        kept = 1 / (1 + BASE ** (NEEDED - self.accepted))
        damping = _damping(sizes, along, kept)
        return np.asarray((sizes * along / (sizes**2 + damping)) @ right / lengths)


def _damping(sizes: Array, along: Array, kept: float) -> float:
    """Return the ridge at which the squared length of the solution is `kept` times that of least squares."""
    aim = kept * np.sum((along / sizes) ** 2)
    if not aim > 0:
        return 0.0

    def excess(log_ridge: float) -> float:
        return float(np.sum((sizes * along / (sizes**2 + np.exp(log_ridge))) ** 2) / aim - 1)

    low, high = np.log(EPS * sizes[-1] ** 2), np.log(sizes[0] ** 2 / np.sqrt(kept))
    return float(np.exp(brentq(excess, low, high))) if excess(low) > 0 > excess(high) else 0.0
