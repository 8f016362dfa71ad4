"""When to stop: rules that read the trace and return a verdict, or nothing."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Literal, TypeAlias, get_args

import numpy as np

from emkit.algorithm import Ascent
from emkit.arguments import check_count
from emkit.trace import FALL_FACTOR, Record, fall_threshold, remaining
from emkit.values import value

Stop = Literal["remaining", "increment", "parameters"]


class Outcome(StrEnum):
    """How a fit ended."""

    CONVERGED = "converged"
    MAX_ITER = "max_iter"
    STALLED = "stalled"
    DECREASED = "decreased"
    DEGENERATE = "degenerate"
    NON_FINITE = "non_finite"
    INTERRUPTED = "interrupted"


@value
class Verdict:
    """Why a fit ends: an outcome, what it means and what to try."""

    outcome: Outcome
    message: str


Rule: TypeAlias = Callable[[Sequence[Record]], Verdict | None]
"""The records so far, at least one; a verdict ends the fit."""


@value
class Remaining:
    """Converged: less than `tol` nats per unit are still to come.

    The algorithm foresees how much, or Aitken's estimate says it: for plain EM by the last two gains, for others by the
    slower of the last three's ratios. Where gains grow nothing is known; where rounding hides the last one, it is all.
    """

    tol: float

    def __call__(self, records: Sequence[Record]) -> Verdict | None:
        """Estimate what is still to come."""
        if len(records) < 2:
            return None
        before, last = records[-2:]
        gain, hidden = abs(last.objective - before.objective), fall_threshold(before, last) / FALL_FACTOR
        left = remaining(records)
        if gain <= hidden and (left is None or (last.plain and np.isinf(left))):
            left = gain
        elif left is None and not last.plain and len(records) > 3:
            left = _tail(*(after.objective - before.objective for before, after in pairwise(records[-4:])))
        if left is None or not left / last.units < self.tol:  # nan is no convergence
            return None
        return Verdict(
            Outcome.CONVERGED,
            f"some {left / last.units:.3g} nats per unit are still to come, less than tol = {self.tol:.3g}",
        )


def _tail(*gains: float) -> float | None:
    """Return the sum of gains to come, if they shrink as slowly as the slowest of these did; None if those grow."""
    if not all(0 < after < before for before, after in pairwise(gains)):
        return None
    slowest = max(after / before for before, after in pairwise(gains))
    return gains[-1] * slowest / (1 - slowest)


@value
class Increment:
    """Converged: the mean objective per unit rose by less than `tol` nats in one iteration."""

    tol: float

    def __call__(self, records: Sequence[Record]) -> Verdict | None:
        """Compare the last two objectives."""
        if len(records) < 2:
            return None
        gain = abs(records[-1].objective - records[-2].objective) / records[-1].units
        if not gain < self.tol:  # nan is no convergence
            return None
        return Verdict(
            Outcome.CONVERGED,
            f"the last iteration gained {gain:.3g} nats per unit, less than tol = {self.tol:.3g}. EM can crawl: "
            "where the digits matter, go on from fit.model with a smaller tol",
        )


@value
class Parameters:
    """Converged: no free coordinate x moved by more than `tol` times max(1, |x|) in one iteration."""

    tol: float

    def __call__(self, records: Sequence[Record]) -> Verdict | None:
        """Look at how far the last iteration moved."""
        moved = records[-1].moved
        if len(records) < 2 or moved is None or not moved < self.tol:
            return None
        return Verdict(
            Outcome.CONVERGED,
            f"the last iteration moved no free coordinate by more than {moved:.3g} of itself, less than tol = "
            f"{self.tol:.3g}",
        )


@value
class Stall:
    """Stalled: no new highest objective in the last three iterations; floating point has no more to give."""

    patience: int = 3

    def __call__(self, records: Sequence[Record]) -> Verdict | None:
        """Compare the last few objectives with the one before them."""
        if len(records) <= self.patience:
            return None
        recent = max(record.objective for record in records[-self.patience :])
        if recent > records[-self.patience - 1].objective:
            return None
        return Verdict(
            Outcome.STALLED,
            f"the objective has not risen for {self.patience} iterations: this is as far as floating point goes. "
            "The model is as good as converged; tol asks for more digits than there are",
        )


@value
class MaxIter:
    """The allowed number of iterations is used up."""

    max_iter: int

    def __call__(self, records: Sequence[Record]) -> Verdict | None:
        """Count the iterations."""
        if len(records) <= self.max_iter:
            return None
        done, last = f"max_iter = {self.max_iter} iterations done", records[-1]
        if last.ascends is Ascent.NOTHING:
            why = "The last one ascends nothing, so that no gain tells what is still to come. Go on from fit.model"
            return Verdict(Outcome.MAX_ITER, f"{done}. {why}")
        gain = (last.objective - records[-2].objective) / last.units
        return Verdict(
            Outcome.MAX_ITER,
            f"{done}, the last one still gained {gain:.3g} nats per unit. Go on from fit.model, or raise max_iter",
        )


def check_rules(tol: float, max_iter: int, stop: Stop = "remaining") -> tuple[Rule, ...]:
    """Return the rules of a fit, or say which argument is out of range.

    Raises:
        TypeError: tol or max_iter is not a number.
        ValueError: tol is negative or not finite, max_iter is below 1, or stop is none of the three.
    """
    if isinstance(tol, bool) or not isinstance(tol, (int, float, np.floating, np.integer)):
        raise TypeError(f"tol: expected a number, nats per unit, found {tol!r}")
    if not (np.isfinite(tol) and tol >= 0):
        raise ValueError(f"tol: expected a finite number, zero or more, found {tol}")
    if stop not in get_args(Stop):
        raise ValueError(f"stop: expected one of {', '.join(map(repr, get_args(Stop)))}, found {stop!r}")
    rules: dict[str, Callable[[float], Rule]] = {
        "remaining": Remaining,
        "increment": Increment,
        "parameters": Parameters,
    }
    return rules[stop](float(tol)), Stall(), MaxIter(check_count("max_iter", max_iter))
