"""From what an audit saw to what is wrong: each rule in the order in which it can be trusted."""

from collections.abc import Iterator
from typing import Any

from emkit.execution.evaluate import log_prior
from emkit.lab import probes
from emkit.lab.blame import blocks_at_fault
from emkit.lab.causes import Cause, Finding
from emkit.lab.examination import Examination, Look
from emkit.lab.probes import Broken
from emkit.lab.subject import Subject
from emkit.lab.watch import Walk


def diagnose(subject: Subject, walk: Walk, seen: Examination) -> list[Finding]:
    """Return what is wrong, one finding for each cause, the surest first; and a slip within rounding at the end."""
    found: dict[Cause, Finding] = {}
    for finding in _findings(subject, walk, seen):
        found.setdefault(finding.cause, finding)
    if walk.slipped is not None:
        found[Cause.ROUNDING] = walk.slipped
    return list(found.values())


def _findings(subject: Subject, walk: Walk, seen: Examination) -> Iterator[Finding]:
    if seen.pure is not None:  # beside it, nothing else can be trusted
        yield Finding(Cause.IMPURE, 0, seen.pure)
        return
    follows = {Cause.RAISED} if walk.violations else set()  # of a run that went astray before
    sure = [finding for finding in walk.findings if finding.cause not in follows]
    yield from sure
    if sure and not walk.iterations:  # nothing else was seen
        return
    if seen.additive.broken:
        yield _finding(Cause.PENALTY if "log prior" in _text(seen.additive) else Cause.E_STEP, seen.additive)
        return  # what is computed of parts of the data proves nothing then
    if seen.enumeration.broken:
        yield _finding(Cause.E_STEP, seen.enumeration, _blocks(seen.fisher))
    if seen.fisher.broken and (seen.enumeration.holds or seen.rest.holds):  # so the E-step is right
        yield _finding(Cause.Q, seen.fisher)
        return
    if seen.m_step.broken or walk.lowered is not None:
        yield _of_m_step(subject, walk, seen)
    if seen.fisher.broken:
        yield _finding(Cause.E_STEP, seen.fisher)
    blamed = sure or walk.lowered or any(look.broken for look in (seen.enumeration, seen.m_step, seen.fisher))
    if not blamed and (walk.violations or seen.rest.broken):
        yield _of_objective(subject, walk, seen)


def _of_m_step(subject: Subject, walk: Walk, seen: Examination) -> Finding:
    """Blame the M-step, or a penalty that it and `log_prior` do not share."""
    place, answer = seen.m_step.place, seen.m_step.answer
    if place is None or not isinstance(answer, Broken):
        assert walk.lowered is not None
        return _penalty_by_amount(subject, walk) or _penalty_by_q(subject, walk) or walk.lowered
    learnt, model = place.point.expectation, place.model
    result = model.m_step(learnt.statistics)
    blocks = blocks_at_fault(subject, result, learnt)
    applied = probes.prior_applied(
        subject, lambda other: float(other.expected_log_joint(learnt.statistics)), result, learnt.units
    )
    if applied is not None:
        text = f"m_step maximises Q {_plus(applied)}, and not Q + log_prior"
        return Finding(Cause.PENALTY, place.iteration, text, blocks)
    if probes.fades(subject, model, learnt):
        other = "another penalty than log_prior states" if subject.has_prior else "a penalty that no log_prior states"
        text = f"m_step would be right if the same data came a million times over: it applies {other}"
        return Finding(Cause.PENALTY, place.iteration, text, blocks)
    return Finding(Cause.M_STEP, place.iteration, answer.text, blocks)


def _of_objective(subject: Subject, walk: Walk, seen: Examination) -> Finding:
    """Blame what can be blamed where the objective falls, or rests at no stationary point, and no more is known."""
    worst = max(walk.violations, key=lambda one: one.fall, default=None)
    blocks = _blocks(seen.rest)
    if worst is not None:
        text = f"the objective fell by {worst.fall:.3g} nats, where rounding explains {worst.threshold:.3g}"
        iteration = worst.iteration
    else:
        text, iteration = _text(seen.rest), walk.iterations
    if worst is not None and worst.rose:
        return Finding(Cause.E_STEP, iteration, f"{text}, though the M-step raised Q + log prior", blocks)
    if worst is None and subject.knows_q and not subject.is_exact:
        return Finding(
            Cause.M_STEP, iteration, f"{text}: a partial m_step must raise Q + log prior where it can", blocks
        )
    applied = _applied_at_rest(subject, walk, seen)
    if applied is not None:
        rests = f"{text}; there, the log likelihood {_plus(applied)} is stationary: that is what m_step maximises"
        return Finding(Cause.PENALTY, iteration, rests, blocks)
    if subject.has_prior and worst is not None and worst.log_likelihood > worst.threshold:
        alone = f"{text}, and the log likelihood alone rose: m_step does not apply the prior that log_prior counts"
        return Finding(Cause.PENALTY, iteration, alone, blocks)
    penalty = _penalty_by_amount(subject, walk)
    if penalty is not None:
        return penalty
    if seen.enumeration.holds:
        return Finding(Cause.M_STEP, iteration, f"{text}; the E-step agrees with enumeration", blocks)
    return Finding(Cause.EITHER, iteration, text, blocks)


def _penalty_by_amount(subject: Subject, walk: Walk) -> Finding | None:
    """Return a penalty that shows in what an M-step makes of the same data many times over, with no prior stated."""
    start = walk.start
    if subject.has_prior or start is None:
        return None
    if not probes.depends_on_amount(subject, start.model, start.point.expectation):
        return None
    text = (
        "m_step makes another model of the same data a million times over, as with a prior, and log_prior states none"
    )
    return Finding(Cause.PENALTY, start.iteration, text)


def _penalty_by_q(subject: Subject, walk: Walk) -> Finding | None:
    """Return a penalty that shows in an M-step which lowers Q + log prior, but not of the same data many times over."""
    place = walk.lowered_from
    if walk.lowered is None or place is None or not subject.has_prior:
        return None
    if not probes.raised_by_many(subject, place.model, place.point.expectation):
        return None
    text = f"{walk.lowered.found}; it would not, if the same data came a million times over: its prior is not log_prior"
    return Finding(Cause.PENALTY, walk.lowered.iteration, text)


def _applied_at_rest(subject: Subject, walk: Walk, seen: Examination) -> float | None:
    """Return how many times an M-step applies the log prior, where EM rests and that can be told."""
    last = walk.last
    if last is None or not seen.rest.broken:
        return None

    def likelihood(other: Any) -> float:
        return subject.evaluator.careful_objective(other) - log_prior(other)

    return probes.prior_applied(subject, likelihood, last.model, last.point.expectation.units)


def _plus(times: float) -> str:
    """Say what a log prior that is applied so many times adds."""
    return "alone" if times == 0 else f"{times:+.3g} log_prior"


def _blocks(look: Look) -> tuple[str, ...]:
    return look.answer.blocks if isinstance(look.answer, Broken) else ()


def _text(look: Look) -> str:
    return look.answer.text if isinstance(look.answer, Broken) else ""


def _finding(cause: Cause, look: Look, blocks: tuple[str, ...] = ()) -> Finding:
    return Finding(cause, 0 if look.place is None else look.place.iteration, _text(look), blocks or _blocks(look))
