"""The closer looks of an audit: which theorems hold at the places of a run where it is worth it."""

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from emkit.declarations import ParameterError
from emkit.lab import probes
from emkit.lab.answers import Answer, Broken, Holds, Unknown
from emkit.lab.purity import impurity
from emkit.lab.subject import Subject
from emkit.lab.watch import RESTS, Walk
from emkit.parameters import pack, unpack
from emkit.run import Step

NEAR = 0.3
"""Natural units, in each coordinate."""

NO_Q = "whether the M-step raises Q: add `expected_log_joint(statistics)` to tell a wrong M-step from a wrong E-step"
NO_PARAMETERS = (
    "gradients: declare the parameters (`@emkit.value`, `emkit.real` ...) to see errors before the objective falls, "
    "and which parameter is at fault"
)
NO_CONFIGURATIONS = "the E-step against enumeration: add `configurations(unit)`, where what is latent is finite"
AT_WORK = "whether EM rests where the objective is stationary: it had not come to rest; allow more iterations"


@attrs.frozen
class Look:
    """An answer, and the place of the run that gave it."""

    answer: Answer
    place: Step[Any] | None = None

    @property
    def iteration(self) -> int:
        """The iteration at which it was given."""
        return 0 if self.place is None else self.place.iteration

    @property
    def broken(self) -> bool:
        """Whether the theorem does not hold."""
        return isinstance(self.answer, Broken)

    @property
    def holds(self) -> bool:
        """Whether it does; neither, where that cannot be told."""
        return isinstance(self.answer, Holds)


@attrs.frozen
class Examination:
    """Which theorems hold."""

    pure: str | None  # what a step does that a function does not
    additive: Look  # the E-step of all units is the sum of those of two parts
    fisher: Look  # the gradient of Q at its own model is that of the log likelihood
    m_step: Look  # the gradient of Q + log prior is zero at the M-step's result
    enumeration: Look  # the E-step sums over all configurations
    fisher_near_rest: Look  # the same as `fisher`, near where EM rests
    enumerated_q: Look  # Fisher's identity holds on units whose E-step agrees with enumeration
    rest: Look  # EM rests at a stationary point

    @classmethod
    def of(cls, subject: Subject, walk: Walk) -> "Examination":
        """Look closer where the powers of the model allow it, and no closer than the diagnosis needs."""
        pure = impurity(subject, walk)

        def look(probe: Callable[[Step[Any]], Answer], *needs: tuple[bool, str]) -> Look:
            lacking = [why for there, why in needs if not there]
            if lacking or pure is not None:
                return Look(Unknown(lacking[0] if lacking else ""))
            return _first(probe, walk)

        additive = look(lambda step: probes.additivity(subject, step.model))
        q, packs = (subject.knows_q, NO_Q), (subject.packs, NO_PARAMETERS)
        fisher = look(lambda step: probes.fishers_identity(subject, step.model), q, packs)
        m_step = look(lambda step: _m_step(subject, step), q, packs, (subject.is_exact, ""))
        enumeration = look(
            lambda step: probes.enumeration(subject, step.model), (subject.enumerates, NO_CONFIGURATIONS)
        )
        both = (fisher.broken and enumeration.holds, "")
        enumerated_q = look(lambda step: probes.q_against_enumeration(subject, step.model), both)
        fisher_near_rest = look(lambda step: _near_rest(subject, step, walk), (fisher.broken, ""))
        proven = fisher.holds and m_step.holds
        rest = look(lambda step: _rest(subject, step, walk), packs, (not proven, ""))
        return cls(pure, additive, fisher, m_step, enumeration, fisher_near_rest, enumerated_q, rest)

    @property
    def failed(self) -> str:
        """What a closer look raised where the run itself did not; empty where none did."""
        answers = (look.answer for look in (self.additive, self.fisher, self.m_step, self.enumeration, self.rest))
        return next((answer.why for answer in answers if isinstance(answer, Unknown) and answer.raised), "")

    @property
    def blurred(self) -> bool:
        """Whether rounding left nothing of a gradient."""
        answers = (look.answer for look in (self.fisher, self.m_step))
        return any(isinstance(answer, Unknown) and answer.blurred for answer in answers)

    @property
    def unknown(self) -> list[str]:
        """What could not be looked at, and what would allow it; each once."""
        answers = (look.answer for look in (self.fisher, self.m_step, self.rest, self.enumeration))
        return list(dict.fromkeys(answer.why for answer in answers if isinstance(answer, Unknown) and answer.why))


def _first(probe: Callable[[Step[Any]], Answer], walk: Walk) -> Look:
    """Return the first place at which a theorem is broken; else one at which it holds; else one that cannot tell."""
    looks = [Look(_asked(probe, step), step) for step in walk.places]
    for wanted in (Broken, Holds):
        for look in looks:
            if isinstance(look.answer, wanted):
                return look
    return looks[-1] if looks else Look(Unknown(""))  # a walk without a start


def _asked(probe: Callable[[Step[Any]], Answer], step: Step[Any]) -> Answer:
    try:
        return probe(step)
    except Exception as error:
        why = f"a closer look at iteration {step.iteration} raised {type(error).__name__}: {error}"
        return Unknown(why, raised=not isinstance(error, ParameterError))  # differences may leave the parameter space


def _m_step(subject: Subject, step: Step[Any]) -> Answer:
    learnt = step.point.expectation
    return probes.gradient_at_m_step(subject, step.model.m_step(learnt.statistics), learnt)


def _near_rest(subject: Subject, step: Step[Any], walk: Walk) -> Answer:
    """Ask for Fisher's identity beside the point where EM rests: at the point itself, a wrong Q may agree by chance."""
    if step is not walk.last or not walk.away <= RESTS:
        return Unknown("")
    free = pack(step.model)
    aside = NEAR * subject.chart(step.model).units * np.where(np.arange(len(free)) % 2 == 0, 1.0, -1.0)
    return probes.fishers_identity(subject, unpack(free + aside, like=step.model))


def _rest(subject: Subject, step: Step[Any], walk: Walk) -> Answer:
    if step is not walk.last or not walk.away <= RESTS:
        return Unknown(AT_WORK)
    return probes.gradient_at_rest(subject, step.model, step.point.expectation.units, walk.away)
