"""Which parameters an M-step has wrong: those that differ from the maximum of Q + log prior, found without it."""

from typing import Any

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


def blocks_at_fault(subject: Subject, result: Any, learnt: Expectation[Any]) -> tuple[str, ...]:
    """Return where the parameters stand in which an M-step's result differs from the maximum of Q + log prior.

    A wrong block spoils the gradient of others too: of a variance about a mean that is wrong. So the maximum is
    searched for, in natural units and from the result, and block compared with block. Empty where it is not found.
    """
    at = pack(result)
    units = subject.chart.units_at(result)
    if len(at) > MOST_PARAMETERS:
        return ()

    def loss(z: Array) -> float:
        try:
            value = subject.bound(unpack(at + z * units, like=result), learnt.statistics)
        except ParameterError:
            return np.inf
        return -value / learnt.units if np.isfinite(value) else np.inf

    def slope(z: Array) -> Array:
        here = unpack(at + z * units, like=result)
        return -subject.chart.gradient(lambda other: subject.bound(other, learnt.statistics), here) / learnt.units

    with np.errstate(all="ignore"):
        found = minimize(loss, np.zeros(len(at)), jac=slope, method="BFGS", options={"gtol": 1e-9, "maxiter": 200})
    noise = float(subject.chart.gradient_noise(lambda other: subject.bound(other, learnt.statistics), result))
    blurred = noise / learnt.units  # of the gradient, and of the place of its zero, where the curvature is one or more
    if np.abs(found.jac).max() > 1e-6 + blurred:
        return ()
    error = np.abs(found.x)
    names = np.array(blocks(result))
    wrong = error > max(ASIDE * error.max(), blurred)
    return tuple(dict.fromkeys(names[wrong].tolist()))
