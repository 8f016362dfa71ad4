"""Closer looks at one point of a run, each of them a theorem about EM that a wrong step breaks."""

from collections.abc import Callable
from functools import reduce
from itertools import islice
from operator import add
from typing import Any, TypeAlias

import attrs
import numpy as np

from emkit.arrays import Array
from emkit.differences.natural import GRADIENT
from emkit.execution.evaluate import log_prior
from emkit.lab.subject import Q_ROUNDING, Subject
from emkit.leaves import difference
from emkit.model import MissingPowerError
from emkit.parameters import blocks
from emkit.statistics import Expectation

SAME = 1e-8
"""Relative, of statistics summed in two ways."""

MOST_NOISE = 1e-3
"""Of a gradient, per unit of data, in natural units: beyond it, differences say nothing."""

AT_REST = 1e3
"""What a gradient may be, per unit, for each natural unit of the last move: complete over observed information."""

ENUMERATED = 3
"""Units whose latent configurations are gone through."""

ENUMERABLE = 1000
"""Configurations that are gone through for each."""


@attrs.frozen
class Holds:
    """A theorem holds here."""


@attrs.frozen
class Broken:
    """What a theorem says is zero is not."""

    text: str
    blocks: tuple[str, ...] = ()


@attrs.frozen
class Unknown:
    """It cannot be told."""

    why: str


Answer: TypeAlias = Holds | Broken | Unknown


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
        return Broken(f"the log likelihoods of two parts of the data add up to {off:+.6g} of that of all{prior}")
    error, where = difference(parts.statistics, whole.statistics)
    return Broken(f"the statistics of two parts of the data are not those of all: {where}") if error > SAME else Holds()


def fishers_identity(subject: Subject, model: Any) -> Answer:
    """Compare the gradient of Q at its own model with that of the log likelihood: they are the same.

    Reference: B. Efron (1977), in the discussion of Dempster, Laird and Rubin, 29.
    """
    learnt = model.e_step(subject.some)

    def q(other: Any) -> float:
        return float(other.expected_log_joint(learnt.statistics))

    off = subject.chart.gradient(lambda other: q(other) - subject.log_likelihood(other), model) / learnt.units  # (P,)
    noise = sum(float(subject.chart.gradient_noise(of, model)) for of in (q, subject.log_likelihood)) / learnt.units
    return _judged(model, off, noise, "the gradient of Q is off that of the log likelihood by {:.3g}")


def gradient_at_m_step(subject: Subject, result: Any, learnt: Expectation[Any]) -> Answer:
    """Take the gradient of Q + log prior at an M-step's result: it is zero."""

    def bound(other: Any) -> float:
        return subject.bound(other, learnt.statistics)

    slope = subject.chart.gradient(bound, result) / learnt.units  # (P,)
    noise = float(subject.chart.gradient_noise(bound, result)) / learnt.units
    return _judged(result, slope, noise, "the gradient of Q + log prior at the M-step's result is {:.3g}")


def gradient_at_rest(subject: Subject, model: Any, units: float, away: float) -> Answer:
    """Take the gradient of the objective where EM has come to rest: it is zero.

    Args:
        subject: the model's class and data.
        model: where EM rests.
        units: of the data.
        away: natural units by which EM still moved it.
    """
    objective = subject.evaluator.careful_objective
    slope = subject.chart.gradient(objective, model) / units
    noise = float(subject.chart.gradient_noise(objective, model)) / units
    return _judged(model, slope, noise + AT_REST * away, "EM rests where the gradient of the objective is {:.3g}")


def enumeration(subject: Subject, model: Any) -> Answer:
    """Compare the E-step of a few units with sums over all their latent configurations."""
    if subject.many(model.e_step(subject.some)) is None:
        return Unknown("the E-step against enumeration: its statistics are the rows themselves")
    many = model.e_step(subject.some).statistics  # tells the size of entries that one unit leaves at zero
    for n in range(min(ENUMERATED, len(subject.some))):
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
            return Broken(f"unit {n} has log marginal {said:.9g}, but its configurations sum to {total:.9g}")
        share = np.exp(log_joint - total)
        expected = reduce(add, (one * float(p) for (_, one), p in zip(found, share, strict=True) if p > 0))
        error, where = difference(model.e_step(unit).statistics, expected, many)
        if not error <= SAME:
            return Broken(f"the statistics of unit {n} are not those over its configurations: {where}")
    return Holds()


def prior_applied(subject: Subject, of: Callable[[Any], float], at: Any, units: float) -> float | None:
    """Return c such that `of` + c log prior is stationary where c should be one; None where there is no such c.

    Args:
        subject: the model's class and data.
        of: Q, or the log likelihood.
        at: a model where Q, or the log likelihood, plus the log prior should be stationary, and is not.
        units: of the data.
    """
    if not subject.has_prior:
        return None
    slope, prior = (subject.chart.gradient(f, at) / units for f in (of, log_prior))  # (P,) each
    noise = GRADIENT + float(subject.chart.gradient_noise(of, at)) / units
    if np.abs(slope).max() <= noise:
        return 0.0
    if (np.abs(prior) > np.sqrt(noise)).sum() < 2:  # two numbers are always in proportion
        return None
    share = float(-(slope @ prior) / (prior @ prior))
    return share if np.abs(slope + share * prior).max() <= noise + 1e-3 * np.abs(slope).max() else None


def depends_on_amount(subject: Subject, model: Any, learnt: Expectation[Any]) -> bool | None:
    """Return whether an M-step makes another model of the same data a million times over; None where it cannot be told.

    Without a prior it must not.
    """
    many = subject.many(learnt)
    if many is None:
        return None
    one, other = (np.asarray(model.m_step(s).log_marginal(subject.some)) for s in (learnt.statistics, many[0]))
    return not bool((np.abs(one - other) <= SAME * np.maximum(1.0, np.abs(other))).all())


def raised_by_many(subject: Subject, model: Any, learnt: Expectation[Any]) -> bool:
    """Return whether an M-step that lowers Q + log prior would not, if the same data came a million times over."""
    many = subject.many(learnt)
    if many is None:
        return False
    statistics, units = many
    before, after = subject.bound(model, statistics), subject.bound(model.m_step(statistics), statistics)
    return after >= before - Q_ROUNDING * (abs(before) + units)


def fades(subject: Subject, model: Any, learnt: Expectation[Any]) -> bool:
    """Return whether an M-step that does not maximise Q + log prior would, if the same data came a million times over.

    What is wrong with it then is as good as a prior: it does not grow with the data.
    """
    many = subject.many(learnt)
    if many is None:
        return False
    statistics, units = many
    result = model.m_step(statistics)
    slope = subject.chart.gradient(lambda other: subject.bound(other, statistics), result) / units
    now = subject.chart.gradient(lambda other: subject.bound(other, learnt.statistics), model.m_step(learnt.statistics))
    return bool(np.abs(slope).max() <= GRADIENT + 1e-3 * np.abs(now).max() / learnt.units)


def _judged(at: Any, slope: Array, noise: float, text: str) -> Answer:
    """Return which entries of a gradient (P,), per unit of data and in natural units, are not zero."""
    if not noise <= MOST_NOISE:
        return Unknown(f"a gradient that is known to {noise:.1g} only: digits cancel; sum squares about the mean")
    wrong = ~(np.abs(slope) <= GRADIENT + noise)
    if not wrong.any():
        return Holds()
    names = blocks(at)
    worst = int(np.argmax(np.abs(slope)))
    where = tuple(dict.fromkeys(name for name, bad in zip(names, wrong, strict=True) if bad))
    per = f" per unit of data and natural unit of {names[worst]}, beyond {GRADIENT + noise:.1g}"
    return Broken(text.format(slope[worst]) + per, where)
