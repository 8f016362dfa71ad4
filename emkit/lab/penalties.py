"""Whether what an M-step has wrong is a penalty: a prior that log_prior does not state, or states otherwise.

A penalty fades as data grow: of the same data a million times over, the M-step is right.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from emkit.differences.natural import GRADIENT
from emkit.execution.evaluate import log_prior
from emkit.lab.probes import NOISY, SLOPE
from emkit.lab.subject import Q_ROUNDING, Subject
from emkit.statistics import Expectation

AMOUNT = 1e-5
"""Relative, of log marginals of what an M-step makes of the same data many times over: a solver's tolerance."""

ITERATIONS = 6
"""Of EM, on data many times over."""

FADED = 1e-5
"""Of a gradient, what may be left of it if data came a million times over."""


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
    chart = subject.chart(at)
    slope, prior = (chart.gradient(f, at) / units for f in (of, log_prior))  # (P,) each
    noise = SLOPE + NOISY * float(chart.gradient_noise(of, at)) / units
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
    return not bool((np.abs(one - other) <= AMOUNT * np.maximum(1.0, np.abs(other))).all())


def ascends_by_many(subject: Subject, model: Any) -> bool:
    """Return whether EM would ascend from a model, for a few iterations, if the same data came a million times over.

    Then whatever lowers the objective of the data as they are does not grow with them.
    """
    before = _log_likelihood(subject, model)
    for _ in range(ITERATIONS):
        learnt = subject.evaluator(model)
        many = subject.many(learnt)
        if many is None:
            return False
        model = model.m_step(many[0])
        after = _log_likelihood(subject, model)
        if not after >= before - Q_ROUNDING * (abs(before) + learnt.units):
            return False
        before = after
    return True


def fades(subject: Subject, model: Any, learnt: Expectation[Any]) -> bool:
    """Return whether an M-step that does not maximise Q + log prior would, if the same data came a million times over.

    What is wrong with it then is as good as a prior: it does not grow with the data.
    """
    many = subject.many(learnt)
    if many is None:
        return False
    statistics, units = many
    result, once = model.m_step(statistics), model.m_step(learnt.statistics)
    chart = subject.chart(once)
    slope = chart.gradient(lambda other: subject.bound(other, statistics), result) / units
    now = chart.gradient(lambda other: subject.bound(other, learnt.statistics), once) / learnt.units
    return bool(np.abs(slope).max() <= GRADIENT + FADED * np.abs(now).max())


def _log_likelihood(subject: Subject, model: Any) -> float:
    return subject.evaluator.careful_objective(model) - log_prior(model)
