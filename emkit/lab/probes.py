"""Closer looks at one point of a run, each of them a theorem about EM that a wrong step breaks."""

from collections.abc import Callable
from functools import reduce
from itertools import islice
from operator import add
from typing import Any

import numpy as np

from emkit.data import split_weight
from emkit.differences.natural import GRADIENT, STEP
from emkit.execution.evaluate import log_prior
from emkit.lab.answers import Answer, Broken, Holds, Unknown
from emkit.lab.subject import Subject
from emkit.leaves import difference
from emkit.model import MissingPowerError
from emkit.parameters import blocks
from emkit.statistics import Expectation

ADD = (
    "return sums over units from e_step, no averages, in float64; let nothing depend on the place of a unit or on the "
    "units beside it; a prior belongs in log_prior, once"
)

SAME = 1e-8
"""Relative, of statistics summed in two ways."""

SLOPE = 10 * GRADIENT
"""Of gradients, per unit of data and in natural units, ten times what the conformance kit asks of a model's author."""

NOISY = 5.0
"""How many times its estimate the rounding of a gradient may be."""

MOST_NOISE = 1e-3
"""Of a gradient, per unit of data, in natural units: beyond it, differences say nothing."""

AT_REST = 1e3
"""What a gradient may be, per unit, for each natural unit of the last move: complete over observed information."""

ENUMERATED = 8
"""Units whose latent configurations are gone through."""

ENUMERABLE = 256
"""Configurations that are gone through for each."""


def additivity(subject: Subject, model: Any) -> Answer:
    """Compare the E-step of some units with the sum of those of two parts of them."""
    if len(subject.some) < 2:
        return Unknown("")
    half = len(subject.some) // 2
    whole, parts = model.e_step(subject.some), model.e_step(subject.some[:half]) + model.e_step(subject.some[half:])
    off = parts.log_likelihood - whole.log_likelihood
    if not abs(off) <= SAME * (abs(whole.log_likelihood) + whole.units):
        prior = (
            "; that is the log prior" if subject.has_prior and abs(off - log_prior(model)) <= SAME * abs(off) else ""
        )
        return Broken(
            f"the log likelihoods of two parts of the data add up to {off:+.6g} of that of all{prior}", hint=ADD
        )
    error, where = difference(parts.statistics, whole.statistics)
    if error > SAME:
        return Broken(f"the statistics of two parts of the data do not add up to those of all: {where}", hint=ADD)
    return Holds()


def fishers_identity(subject: Subject, model: Any, units: Any = None) -> Answer:
    """Compare the gradient of Q at its own model with that of the log likelihood: they are the same, of any units.

    Reference: B. Efron (1977), in the discussion of Dempster, Laird and Rubin, 29.
    """
    some = subject.some if units is None else units
    learnt = model.e_step(some)

    def q(other: Any) -> float:
        return float(other.expected_log_joint(learnt.statistics))

    def total(other: Any) -> float:
        return subject.log_likelihood(other, some)

    text = "the gradient of Q is off that of the log likelihood by {:.3g}"
    return _zero_gradient(subject, [(q, 1.0), (total, -1.0)], model, learnt.units, text)


def gradient_at_m_step(subject: Subject, result: Any, learnt: Expectation[Any]) -> Answer:
    """Take the gradient of Q + log prior at an M-step's result: it is zero."""

    def bound(other: Any) -> float:
        return subject.bound(other, learnt.statistics)

    text = "the gradient of Q + log prior at the M-step's result is {:.3g}"
    return _zero_gradient(subject, [(bound, 1.0)], result, learnt.units, text)


def gradient_at_rest(subject: Subject, model: Any, units: float, away: float) -> Answer:
    """Take the gradient of the objective where EM has come to rest: it is zero.

    Args:
        subject: the model's class and data.
        model: where EM rests.
        units: of the data.
        away: natural units by which EM still moved it.
    """
    objective = subject.evaluator.careful_objective
    text = "EM rests where the gradient of the objective is {:.3g}"
    return _zero_gradient(subject, [(objective, 1.0)], model, units, text, AT_REST * away)


def q_against_enumeration(subject: Subject, model: Any) -> Answer:
    """Compare the gradients of Fisher's identity on the very units whose E-step agrees with enumeration.

    Where it is broken there, it is `expected_log_joint` that is wrong.
    """
    chosen = _varied(subject, model)
    for n in chosen:
        answer = fishers_identity(subject, model, subject.some[n : n + 1])
        if isinstance(answer, Broken):
            return answer
    return Holds()


def enumeration(subject: Subject, model: Any) -> Answer:
    """Compare the E-step of some units, as unlike as there are, with sums over all their latent configurations."""
    if subject.many(model.e_step(subject.some)) is None:
        return Unknown("the E-step against enumeration: its statistics are the rows themselves")
    many = model.e_step(subject.some).statistics
    for n in _varied(subject, model):
        unit = subject.some[n : n + 1]
        try:
            found = list(islice(model.configurations(unit), ENUMERABLE + 1))
        except MissingPowerError as lacking:
            return Unknown(f"the E-step against enumeration: {lacking}")
        if len(found) > ENUMERABLE:
            return Unknown(f"the E-step against enumeration: a unit has more than {ENUMERABLE} configurations")
        log_joint = np.array([one for one, _ in found])
        total = float(np.logaddexp.reduce(log_joint))
        said = float(np.asarray(model.log_marginal(unit))[0])
        if not abs(said - total) <= SAME * max(1.0, abs(total)):
            text = f"unit {n} has log marginal {said:.9g}, but its configurations sum to {total:.9g}"
            return Broken(text, hint="the log marginal is the log-sum-exp of the log joints of all configurations")
        share = np.exp(log_joint - total)
        expected = reduce(add, (one * float(p) for (_, one), p in zip(found, share, strict=True) if p > 0))
        error, where = difference(many + model.e_step(unit).statistics, many + expected)  # beside others, as it counts
        if not error <= SAME:
            return Broken(f"the statistics of unit {n} are not those over its configurations: {where}")
    return Holds()


def _varied(subject: Subject, model: Any) -> list[int]:
    """Return the numbers of some units that have weight, from the least to the most probable."""
    _, weight = split_weight(subject.some)
    there = np.arange(len(subject.some)) if weight is None else np.flatnonzero(weight)
    ordered = there[np.argsort(np.asarray(model.log_marginal(subject.some))[there])]
    return list(dict.fromkeys(ordered[np.linspace(0, len(ordered) - 1, ENUMERATED).astype(int)].tolist()))


def _zero_gradient(
    subject: Subject,
    terms: list[tuple[Callable[[Any], float], float]],
    at: Any,
    units: float,
    text: str,
    slack: float = 0.0,
) -> Answer:
    """Return which entries of the gradient of a sum of functions, per unit of data, are not zero at a model.

    Whether that is so must not depend on the step of the differences.
    """
    chart = subject.chart(at)

    def whole(other: Any) -> float:
        return sum(sign * of(other) for of, sign in terms)

    noise = sum(float(chart.gradient_noise(of, at)) for of, _ in terms) / units
    if not NOISY * noise <= MOST_NOISE:
        why = f"a gradient that is known to {noise:.1g} only: digits cancel; sum squares about the mean"
        return Unknown(why, blurred=True)
    slope = chart.gradient(whole, at) / units  # (P,)
    allowed = SLOPE + NOISY * noise + slack
    wrong = ~(np.abs(slope) <= allowed)
    if not wrong.any():
        return Holds()
    finer = (
        chart.gradient(whole, at, step=STEP / 4) / units
    )  # with a 256th of what is cut off, and four times the noise
    steady = (np.abs(finer) > 4 * allowed) & (np.abs(slope - finer) <= 0.5 * np.abs(slope))
    if not (wrong & steady).any():
        return Unknown("a gradient that depends on the step it is taken with: another start shows more")
    names = blocks(at)
    worst = int(np.argmax(np.where(steady, np.abs(slope), 0.0)))
    where = tuple(dict.fromkeys(name for name, bad in zip(names, wrong & steady, strict=True) if bad))
    per = f" per unit of data and natural unit of {names[worst]}, beyond {allowed:.1g}"
    return Broken(text.format(slope[worst]) + per, where)
