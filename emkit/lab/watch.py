"""What an audit sees along a run of EM: each objective twice, each Q before and after, and how the run ended."""

import math
from typing import Any

import attrs

from emkit.algorithm import EM
from emkit.declarations import ParameterError
from emkit.lab.causes import Cause, Finding
from emkit.lab.report import Violation
from emkit.lab.subject import Subject, rounding_of
from emkit.run import Blame, ModelError, Step, run
from emkit.statistics import Expectation
from emkit.trace import FALL_FACTOR

RESTS = 1e-8
"""Natural units by which EM may still move a model that has come to rest."""

AGREE = 1e-9
"""Relative, of the E-step's log likelihood and the sum of log_marginal."""

MOST_ROUNDING = 1e-6
"""Of a log likelihood, relative to its size: an E-step that claims more would hide any fall."""

STILL = 3
"""Iterations in which the objective neither rises above all before nor falls, after which a run has come to rest."""


@attrs.define
class Walk:
    """A run of EM as an audit saw it."""

    start: Step[Any] | None = None  # None where not even the first E-step went well
    last: Step[Any] | None = None
    careful: float = 0.0  # the objective of the last by `log_marginal`
    away: float = 0.0  # natural units by which the last iteration moved the model, where that is known
    violations: list[Violation] = attrs.field(factory=list)
    worst: Step[Any] | None = None  # the point before the largest fall
    findings: list[Finding] = attrs.field(factory=list)  # of which there is no doubt
    lowered: Finding | None = None  # Q + log prior fell
    lowered_from: Step[Any] | None = None  # the point before
    slipped: Finding | None = None  # a fall within rounding

    @property
    def iterations(self) -> int:
        """How many were run."""
        return 0 if self.last is None else self.last.iteration

    @property
    def places(self) -> list[Step[Any]]:
        """The points where a closer look is worth it: the start, before the largest fall, and the last."""
        return list({step.iteration: step for step in (self.start, self.worst, self.last) if step is not None}.values())


def watch(subject: Subject, iterations: int) -> Walk:
    """Run EM for some iterations, or until it comes to rest or cannot go on, and keep what was seen."""
    walk = Walk()
    path = run(subject.model, subject.evaluator, EM())
    highest, since = -math.inf, 0
    while not (since >= STILL and walk.away <= RESTS) and (walk.last is None or walk.last.iteration < iterations):
        try:
            step = next(path)
            careful = _look(subject, step, walk)
        except (ModelError, ParameterError) as error:
            walk.findings.append(_raised(error, 0 if walk.last is None else walk.last.iteration + 1))
            break
        if not math.isfinite(step.objective):
            walk.findings.append(Finding(Cause.NOT_FINITE, step.iteration, f"the objective is {step.objective}"))
            break
        moves = step.objective > highest
        if walk.last is not None:
            _compare(subject, walk.last, step, walk.careful - careful, walk)
            moves |= walk.last.objective - step.objective > rounding_of(step.point.expectation)
            walk.away = subject.moved(walk.last.model, step.model)
        since = 0 if moves else since + 1
        highest = max(highest, step.objective)
        walk.start, walk.last, walk.careful = walk.start or step, step, careful
    return walk


def _look(subject: Subject, step: Step[Any], walk: Walk) -> float:
    """Look at one point; return its objective by `log_marginal`."""
    learnt = step.point.expectation
    with Blame(step.iteration, step.model, "log_marginal"):
        careful = subject.evaluator.careful_objective(step.model)
    off = careful - step.objective
    text = hint = ""
    if learnt.rounding > MOST_ROUNDING * (abs(learnt.log_likelihood) + learnt.units):
        text = f"the E-step claims a rounding of {learnt.rounding:.3g} nats, which would hide any fall"
        hint = "leave it to `Expectation.of`, and add no more than the model knows of its conditioning"
    elif math.isfinite(step.objective) and not abs(off) <= _allowed(learnt):
        said = learnt.log_likelihood
        text = f"the E-step's log likelihood is {said:.12g}, and the sum of log_marginal {said + off:.12g}"
        hint = "compute both from one function: the same constants, the same weights, the same posterior"
    if text and not any(finding.cause is Cause.E_STEP for finding in walk.findings):
        walk.findings.append(Finding(Cause.E_STEP, step.iteration, text, hint=hint))
    return careful


def _allowed(learnt: Expectation[Any]) -> float:
    """Return by how much two ways to one log likelihood may differ, nats: algebra loses more digits than sums do."""
    return max(2 * FALL_FACTOR * rounding_of(learnt), AGREE * (abs(learnt.log_likelihood) + learnt.units))


def _compare(subject: Subject, before: Step[Any], after: Step[Any], careful_fall: float, walk: Walk) -> None:
    """Compare two points that follow each other; by `log_marginal` the objective fell by `careful_fall`."""
    learnt = before.point.expectation
    honest = min(rounding_of(learnt), MOST_ROUNDING * (abs(learnt.log_likelihood) + learnt.units))
    threshold = 2 * FALL_FACTOR * honest
    raised: float | None = None
    rose = False
    if subject.knows_q:
        raised, rounding = subject.raised(before.model, after.model, learnt)
        if raised < -rounding and walk.lowered is None:
            rounding = max(rounding, subject.noise_of_q(before.model, learnt))  # which is dear to know
        rose = raised > rounding
        if raised < -rounding and walk.lowered is None:
            text = f"the M-step changed Q + log prior by {raised:.3g} nats, and must not lower it"
            walk.lowered, walk.lowered_from = Finding(Cause.M_STEP, after.iteration, text), before
    fall = before.objective - after.objective
    if fall > threshold and careful_fall > threshold:
        likelihood = after.point.expectation.log_likelihood - learnt.log_likelihood
        walk.violations.append(Violation(after.iteration, fall, threshold, likelihood, raised, rose))
        if fall >= max(violation.fall for violation in walk.violations):
            walk.worst = before
    elif 0 < fall <= threshold and walk.slipped is None:
        text = f"the objective fell by {fall:.3g} nats, where rounding explains {threshold:.3g}"
        walk.slipped = Finding(Cause.ROUNDING, after.iteration, text)


def _raised(error: Exception, iteration: int) -> Finding:
    """Return what an exception in the middle of a run means."""
    cause = error.__cause__
    if isinstance(cause, ValueError) and "read-only" in str(cause):
        return Finding(Cause.IMPURE, iteration, f"a step wrote to what it was given: {str(error).split(': ', 1)[-1]}")
    if isinstance(error, ParameterError):
        kind = Cause.NOT_FINITE if not error.finite else Cause.LEFT
        return Finding(kind, iteration, f"the M-step returned {error}")
    return Finding(Cause.RAISED, iteration, str(error).split(": ", 1)[-1])
