"""When two statistics, two models or two gradients are the same, whatever their classes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from emkit.leaves import leaves
from emkit.statistics import Expectation
from emkit.testing.case import Case
from emkit.testing.law import require, require_close
from emkit.testing.tolerances import MOST_NOISE, SAME_MODEL
from emkit.trace import FALL_FACTOR


def require_same_expectation(
    case: Case, found: Expectation[Any], expected: Expectation[Any], what: str, *scales: Expectation[Any]
) -> None:
    """Break the law unless two E-steps agree to rounding."""
    allowed = 2 * FALL_FACTOR * (found.rounding + expected.rounding)
    off = abs(found.log_likelihood - expected.log_likelihood)
    require(
        off <= allowed, f"{what}: log_likelihood", found.log_likelihood, f"{expected.log_likelihood} ± {allowed:.2g}"
    )
    require_close(found.units, expected.units, f"{what}: units")
    others = [scale.statistics for scale in scales]
    require_same_statistics(case, found.statistics, expected.statistics, f"{what}: statistics", *others)


def require_same_statistics(case: Case, found: Any, expected: Any, what: str, *scales: Any) -> None:
    """Break the law unless two statistics agree.

    They are compared as numbers; those that grow with the data, in what an M-step makes of them.
    """
    if grows(case):
        require_same_model(case, case.model.m_step(found), case.model.m_step(expected), what)
    else:
        require_close(found, expected, what, *scales)


def require_same_model(case: Case, found: Any, expected: Any, what: str) -> None:
    """Break the law unless two models give the example data the same log marginals."""
    mine, theirs = (np.asarray(model.log_marginal(case.prepared)) for model in (found, expected))
    error = float((np.abs(mine - theirs) / np.maximum(1.0, np.abs(theirs))).max())
    require(
        error <= SAME_MODEL,
        what,
        f"log marginals that differ by up to {error:.3g}, relative",
        f"the same model, to {SAME_MODEL:.1g}",
    )


def rounding_of_gradient(case: Case, of: Callable[[Any], float], model: Any, units: float, name: str) -> float:
    """Return how far rounding may put a gradient off, per unit of data; break the law where that is too far."""
    noise = float(case.chart.gradient_noise(of, model)) / units
    require(
        noise <= MOST_NOISE,
        f"rounding of {name} near one model",
        f"gradients known to {noise:.2g} nats per unit of data and natural unit",
        f"{MOST_NOISE:.1g} at most",
        f"{name} loses its digits: sum squares about the mean (emkit.moments) instead of raw second moments",
    )
    return noise


def grows(case: Case) -> bool:
    """Return whether statistics are rows that grow with the data, in any order."""
    one, all_of = (case.model.e_step(data).statistics for data in (case.prepared[:1], case.prepared))
    return [array.shape for array in leaves(one).values()] != [array.shape for array in leaves(all_of).values()]
