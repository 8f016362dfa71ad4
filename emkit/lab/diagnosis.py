"""From what an audit saw to what is wrong: each rule in the order in which it can be trusted."""

from collections.abc import Callable, Iterator
from typing import Any

from emkit.execution.evaluate import log_prior
from emkit.lab import penalties
from emkit.lab.answers import Broken
from emkit.lab.blame import error_of_m_step
from emkit.lab.causes import Cause, Finding
from emkit.lab.examination import Examination, Look
from emkit.lab.purity import held_that_moved
from emkit.lab.subject import Subject
from emkit.lab.watch import Walk

SLACK = 1e-4
"""Natural units by which a solver that stops early may miss a maximum: of a standard error, a hundredth or less."""

STOPPED = (
    "a solver that stops early: ask it for more digits; or a small constant added afterwards; an M-step that means to "
    "stop short of the maximum declares `partial_m_step`"
)


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
    follows = {Cause.RAISED, Cause.LEFT} if walk.violations else set()  # of a run that went astray before
    if subject.broken_q is not None:
        yield Finding(Cause.Q, 0, f"expected_log_joint {subject.broken_q}")
    if subject.broken_configurations is not None:
        text = f"configurations {subject.broken_configurations}"
        yield Finding(Cause.RAISED, 0, text, hint="yield (log joint, statistics) for each, given a slice of one unit")
    sure = [finding for finding in walk.findings if finding.cause not in follows]
    yield from sure
    if sure and not walk.iterations:  # nothing else was seen
        return
    if seen.additive.broken:
        yield _finding(Cause.PENALTY if "log prior" in _text(seen.additive) else Cause.E_STEP, seen.additive)
        return  # what is computed of parts of the data proves nothing then
    if seen.enumeration.broken:
        yield _finding(Cause.E_STEP, seen.enumeration, _blocks(seen.fisher))
    if seen.enumerated_q.broken or (seen.fisher_near_rest.broken and seen.rest.holds):  # the E-step is right
        yield _finding(Cause.Q, seen.fisher)
        return
    if seen.fisher.broken and seen.m_step.broken and not walk.violations and not seen.enumeration.broken:
        why = "; nor is it zero at the M-step's result, and the objective never fell: one wrong Q explains it all"
        yield Finding(Cause.Q, seen.fisher.iteration, _text(seen.fisher) + why, _blocks(seen.fisher))
        return
    moved = held_that_moved(subject, walk)
    if moved:
        text = f"m_step changed {', '.join(moved)}, which is held fixed"
        yield Finding(Cause.M_STEP, 0, text, moved, hint="end m_step in emkit.update(self, ...), or read self.fixed")
    if seen.m_step.broken or walk.lowered is not None:
        yield _attempted(lambda: _of_m_step(subject, walk, seen), seen, Cause.M_STEP)
    if seen.fisher.broken:
        yield _finding(Cause.E_STEP, seen.fisher)
    blamed = sure or walk.lowered or any(look.broken for look in (seen.enumeration, seen.m_step, seen.fisher))
    if not (blamed or moved) and (walk.violations or seen.rest.broken):
        yield _attempted(lambda: _of_objective(subject, walk, seen), seen, Cause.EITHER)
    elif not (blamed or moved or walk.findings) and seen.failed:
        yield Finding(Cause.RAISED, 0, seen.failed)


def _attempted(of: Callable[[], Finding], seen: Examination, otherwise: Cause) -> Finding:
    """Return a finding, or a plainer one where a step raised on what no run of EM hands it."""
    try:
        return of()
    except Exception as error:
        text = _text(seen.m_step) or _text(seen.rest) or "the objective fell"
        return Finding(otherwise, 0, f"{text} (a closer look raised {type(error).__name__}: {error})")


def _of_m_step(subject: Subject, walk: Walk, seen: Examination) -> Finding:
    """Blame the M-step, or a penalty that it and `log_prior` do not share."""
    place, answer = seen.m_step.place, seen.m_step.answer
    if place is None or not isinstance(answer, Broken):
        assert walk.lowered is not None
        return _penalty_by_amount(subject, walk) or _penalty_by_q(subject, walk) or _lowered(walk.lowered, walk)
    learnt, model = place.point.expectation, place.model
    result = model.m_step(learnt.statistics)
    error = error_of_m_step(subject, result, learnt)
    blocks = () if error is None else error.blocks
    if error is not None and error.away < SLACK:
        text = f"{answer.text}; the result is {error.away:.1g} natural units away from the maximum"
        return Finding(Cause.M_STEP, place.iteration, text, blocks, hint=STOPPED)
    applied = penalties.prior_applied(
        subject, lambda other: float(other.expected_log_joint(learnt.statistics)), result, learnt.units
    )
    if applied is not None:
        text = f"m_step maximises Q {_plus(applied)}, and not Q + log_prior"
        return Finding(Cause.PENALTY, place.iteration, text, blocks)
    if penalties.fades(subject, model, learnt):
        other = "another penalty than log_prior states" if subject.has_prior else "a penalty that no log_prior states"
        text = f"m_step would be right if the same data came a million times over: it applies {other}"
        return Finding(Cause.PENALTY, place.iteration, text, blocks)
    return Finding(Cause.M_STEP, place.iteration, answer.text, blocks)


def _lowered(finding: Finding, walk: Walk) -> Finding:
    """Return that the M-step lowered Q + log prior, and what else may be wrong where the objective never fell."""
    if walk.violations:
        return finding
    doubt = f"{finding.found}; the objective never fell, though: it may be expected_log_joint that is wrong"
    return Finding(finding.cause, finding.iteration, doubt, finding.blocks)


def _of_objective(subject: Subject, walk: Walk, seen: Examination) -> Finding:
    """Blame what can be blamed where the objective falls, or rests at no stationary point, and no more is known."""
    worst = max(walk.violations, key=lambda one: one.fall, default=None)
    blocks = _blocks(seen.rest)
    if worst is not None:
        text = f"the objective fell by {worst.fall:.3g} nats, where rounding explains {worst.threshold:.3g}"
        iteration = worst.iteration
    else:
        text, iteration = _text(seen.rest), walk.iterations
    if worst is not None and seen.blurred:
        hint = "digits cancel: sum squares about the mean (emkit.moments), not raw squares of numbers far from zero"
        return Finding(Cause.ROUNDING, iteration, f"{text}; digits cancel in Q, and may in the steps", hint=hint)
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
    if (
        subject.has_prior
        and worst is not None
        and worst.log_likelihood > worst.threshold
        and _fades_without_q(subject, walk)
    ):
        alone = f"{text}, and the log likelihood alone rose: m_step does not apply the prior that log_prior counts"
        return Finding(Cause.PENALTY, iteration, alone, blocks)
    penalty = _penalty_by_amount(subject, walk)
    if penalty is not None:
        return penalty
    if seen.enumeration.holds:
        return Finding(Cause.M_STEP, iteration, f"{text}; the E-step agrees with enumeration", blocks)
    return Finding(Cause.EITHER, iteration, text, blocks)


def _fades_without_q(subject: Subject, walk: Walk) -> bool:
    """Return whether, before the worst fall, an M-step of the same data many times over raises the log likelihood."""
    place = walk.worst
    return place is not None and penalties.ascends_by_many(subject, place.model)


def _penalty_by_amount(subject: Subject, walk: Walk) -> Finding | None:
    """Return a penalty that shows in what an M-step makes of the same data many times over, with no prior stated."""
    start = walk.start
    if subject.has_prior or start is None:
        return None
    if not penalties.depends_on_amount(subject, start.model, start.point.expectation):
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
    if not penalties.ascends_by_many(subject, place.model):
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

    return penalties.prior_applied(subject, likelihood, last.model, last.point.expectation.units)


def _plus(times: float) -> str:
    """Say what a log prior that is applied so many times adds."""
    return "alone" if times == 0 else f"{times:+.3g} log_prior"


def _blocks(look: Look) -> tuple[str, ...]:
    return look.answer.blocks if isinstance(look.answer, Broken) else ()


def _text(look: Look) -> str:
    return look.answer.text if isinstance(look.answer, Broken) else ""


def _finding(cause: Cause, look: Look, blocks: tuple[str, ...] = ()) -> Finding:
    hint = look.answer.hint if isinstance(look.answer, Broken) else ""
    return Finding(cause, look.iteration, _text(look), blocks or _blocks(look), hint)
