"""Verdicts on a run that no stopping rule sees: what is not finite, falls, or leaves the parameter space."""

from typing import Any

import numpy as np

from emkit.algorithm import Ascent
from emkit.declarations import ParameterError
from emkit.execution.evaluate import Evaluator
from emkit.model import Complains, Remarks
from emkit.powers import packs
from emkit.run import Blame, Step
from emkit.stopping import Outcome, Verdict
from emkit.trace import Record, Trace, fall_threshold, fell


def not_finite(step: Step[Any]) -> Verdict | None:
    """Reject an objective that is not a finite number."""
    if np.isfinite(step.objective):
        return None
    why = (
        "some observation is impossible under the model (log marginal -inf); start elsewhere, or look at "
        "model.log_marginal(data) for which"
        if step.objective == -np.inf
        else "look for 0/0, log of a negative number or overflow in e_step and m_step"
    )
    where = "the start" if step.iteration == 0 else f"iteration {step.iteration}, which was rejected"
    return Verdict(Outcome.NON_FINITE, f"the objective is {step.objective} at {where}: {why}")


def fall(last: Step[Any], step: Step[Any], before: Record, after: Record, evaluator: Evaluator) -> Verdict | None:
    """Convict a fall beyond rounding, if the objectives re-evaluated through log_marginal fall too.

    A bound is that of the algorithm and not of `log_marginal`: its fall is convicted as it is.
    """
    if not fell(before, after):
        return None
    threshold = fall_threshold(before, after)
    with Blame(step.iteration, step.model, "log_marginal"):
        convicted = after.ascends is Ascent.BOUND or (
            evaluator.careful_objective(step.model) - evaluator.careful_objective(last.model) < -threshold
        )
    if not convicted:
        return None
    edge = complaints(last)
    if edge:
        return Verdict(
            Outcome.DEGENERATE, f"degenerate at iteration {last.iteration}: {edge}; the {after.ascends} fell from there"
        )
    return Verdict(
        Outcome.DECREASED,
        f"the {after.ascends} fell from {before.objective:.12g} to {after.objective:.12g} at iteration "
        f"{step.iteration}, by {before.objective - after.objective:.3g} nats where rounding explains "
        f"{threshold:.3g}; the better model, from iteration {last.iteration}, is returned. Exact EM cannot fall: look "
        "for an m_step that does not "
        "maximise Q + log prior (a constant added to a variance, a stale mean), a penalty missing from log_prior, or "
        "an e_step whose posterior is not that of the current model, or sums that lose their digits (raw squares far "
        "from the mean); emkit.lab.audit(model, data) tells which",
    )


def left_the_space(error: ParameterError, iteration: int) -> Verdict:
    """Explain a parameter that its constructor refused, inside the loop."""
    outcome = Outcome.DEGENERATE if error.finite else Outcome.NON_FINITE
    return Verdict(
        outcome,
        f"iteration {iteration} left the parameter space: {error}. The model is the last valid one. Another start, "
        "a smaller model or a prior may keep it inside; a variance that turns negative has lost its digits: sum "
        "squares about the mean",
    )


def unfinished(trace: Trace, tol: float, model: Any) -> str:
    """Say what is still to be gained, where that is known to be more than `tol` per unit; else nothing."""
    if not trace.unfinished(tol):
        return ""
    message = f". Stopped early: about {trace.remaining:.3g} nats are still to come"
    if trace.ratio is None:
        return message
    advice = "; algorithm=emkit.Squarem() may need far fewer" if packs(model) else ""
    return f"{message}, since each iteration gains {trace.ratio:.4g} times as much as the one before{advice}"


def interrupted(last: Step[Any], *, settled: bool = True) -> Verdict:
    """Explain Ctrl-C, and that the last objective is still a bound if it struck before that was settled."""
    bound = "" if settled else ", and its objective a lower bound: the pass that tells it was interrupted"
    return Verdict(
        Outcome.INTERRUPTED,
        f"interrupted after iteration {last.iteration}; the model is the last complete one{bound}. Go on from "
        "fit.model",
    )


def degenerate(last: Step[Any]) -> Verdict | None:
    """End a run at the first model that complains."""
    found = complaints(last)
    return Verdict(Outcome.DEGENERATE, f"degenerate at iteration {last.iteration}: {found}") if found else None


def complaints(at: Step[Any]) -> str:
    """Return what the model complains of, as text; empty for a healthy model."""
    return _said(at, Complains, "complaints")


def with_complaints(verdict: Verdict, last: Step[Any]) -> Verdict:
    """Report a model that ran on while degenerate, unless something worse happened; and add its remarks."""
    if verdict.outcome not in (Outcome.CONVERGED, Outcome.MAX_ITER, Outcome.STALLED):
        return verdict
    remarks = _said(last, Remarks, "remarks")
    message = f"{verdict.message}. Note: {remarks}" if remarks else verdict.message
    found = complaints(last)
    if not found:
        return Verdict(verdict.outcome, message)
    return Verdict(Outcome.DEGENERATE, f"{found}. The run ended as {verdict.outcome}: {message}")


def _said(at: Step[Any], power: Any, method: str) -> str:
    """Return what a model says of itself through a power, as text; empty where it says nothing."""
    if not isinstance(at.model, power):
        return ""
    with Blame(at.iteration, at.model, method):
        found = list(getattr(at.model, method)(at.point.expectation.statistics))
        if not all(isinstance(one, tuple) and len(one) == 2 for one in found):
            raise TypeError(f"expected pairs such as ('component 2', 'is empty'), found {found!r:.80}")
        return "; ".join(f"{where}: {why}" for where, why in found)
