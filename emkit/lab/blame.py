"""Which parameters an M-step has wrong: those that differ from the maximum of Q + log prior, found without it."""

from typing import Any

import attrs
import numpy as np
from scipy.optimize import minimize

from emkit.arrays import Array
from emkit.declarations import ParameterError
from emkit.lab.subject import Subject
from emkit.parameters import blocks, pack, unpack
from emkit.statistics import Expectation

MOST_PARAMETERS = 200
"""Beyond these the maximum is not searched for: each step of the search takes four times as many values of Q."""

ASIDE = 1e-3
"""Of the largest error, in natural units: what is off by less is not at fault."""


@attrs.frozen
class Error:
    """How far an M-step's result is from the maximum of Q + log prior."""

    away: float  # natural units, the largest of any coordinate
    blocks: tuple[str, ...]  # where the parameters stand that are not at the maximum


def error_of_m_step(subject: Subject, result: Any, learnt: Expectation[Any]) -> Error | None:
    """Return how an M-step's result differs from the maximum of Q + log prior; None where that is not found.

    A wrong block spoils the gradient of others too: of a variance about a mean that is wrong. So the maximum is
    searched for, in natural units and from the result, and block compared with block.
    """
    at = pack(result)
    chart = subject.chart(result)
    units = chart.units
    if len(at) > MOST_PARAMETERS:
        return None

    def loss(z: Array) -> float:
        value = subject.bound(unpack(at + z * units, like=result), learnt.statistics)
        return -value / learnt.units

    def slope(z: Array) -> Array:
        here = unpack(at + z * units, like=result)
        return -chart.gradient(lambda other: subject.bound(other, learnt.statistics), here) / learnt.units

    try:
        with np.errstate(all="ignore"):
            found = minimize(loss, np.zeros(len(at)), jac=slope, method="BFGS", options={"gtol": 1e-9, "maxiter": 200})
            noise = chart.gradient_noise(lambda other: subject.bound(other, learnt.statistics), result)
    except (ParameterError, ValueError, ArithmeticError):  # the search, or Q, left floating point
        return None
    blurred = float(noise) / learnt.units  # of the gradient, and of the place of its zero: the curvature is one or more
    if not np.abs(found.jac).max() <= 1e-6 + blurred:
        return None
    error = np.abs(found.x)
    names = np.array(blocks(result))
    wrong = error > max(ASIDE * error.max(), blurred)
    return Error(float(error.max()), tuple(dict.fromkeys(names[wrong].tolist())))
