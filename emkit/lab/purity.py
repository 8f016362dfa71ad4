"""Whether the steps of a model are functions: the same twice, and without a trace on what they are given."""

from collections.abc import Callable
from typing import Any

from emkit.lab.subject import Subject
from emkit.lab.watch import Walk
from emkit.leaves import difference, leaves


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
