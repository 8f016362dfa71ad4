"""Whether the steps of a model are functions: the same twice, and without a trace on what they are given."""

from collections.abc import Callable
from typing import Any

from emkit.lab.subject import Subject
from emkit.lab.watch import Walk
from emkit.leaves import difference, leaves
from emkit.values import held, is_value


def impurity(subject: Subject, walk: Walk) -> str | None:
    """Return how a step differs when it is repeated, or what it changed; None where it does neither."""
    return next(filter(None, (_impurity(subject, step.model) for step in walk.places)), None)


def _impurity(subject: Subject, model: Any) -> str | None:
    before = leaves(model)
    learnt = model.e_step(subject.some)
    told = leaves(learnt.statistics)
    calls: dict[str, Callable[[], Any]] = {
        "e_step": lambda: model.e_step(subject.some),
        "m_step": lambda: model.m_step(learnt.statistics),
        "log_marginal": lambda: model.log_marginal(subject.some),
    }
    text = _reads_what_is_left(subject, model)
    if text is not None:
        return text
    for method, call in calls.items():
        try:
            error, where = difference(call(), call())
        except Exception:  # the run itself has shown it
            return None
        if error != 0:
            return f"{method} called twice gave two results, {where}"
        for name, of, old in (("model", model, before), ("statistics", learnt.statistics, told)):
            now = leaves(of)
            error, where = difference({path: now.get(path) for path in old}, old)  # a cache may have been added
            if error != 0:
                return f"{method} changed the {name}: {where}"
    return None


def _reads_what_is_left(subject: Subject, model: Any) -> str | None:
    """Return how an M-step, or what an E-step returned, depends on an E-step in between; None where it does not."""
    statistics = model.e_step(subject.some).statistics
    told = leaves(statistics)
    try:
        before = leaves(model.m_step(statistics))
        model.e_step(subject.some[: max(1, len(subject.some) // 2)])
        after = leaves(model.m_step(statistics))
    except Exception:  # the run itself has shown it
        return None
    error, where = difference(leaves(statistics), told)
    if error != 0:
        return f"another e_step changed statistics that one had returned before: {where}"
    error, where = difference(after, before)
    if error != 0:
        return f"m_step of the same statistics gave another model after another e_step, which left something: {where}"
    return None


def held_that_moved(subject: Subject, walk: Walk) -> tuple[str, ...]:
    """Return which fields that are held fixed an M-step changed."""
    model, start = subject.model, walk.start
    if not is_value(model) or start is None:
        return ()
    try:
        result = model.m_step(start.point.expectation.statistics)
    except Exception:  # the run itself has shown it
        return ()
    pairs = ((name, getattr(result, name), getattr(model, name)) for name in sorted(held(model)))
    return tuple(name for name, after, before in pairs if difference(after, before)[0] != 0)
