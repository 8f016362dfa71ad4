"""The gradient of the objective, from statistics already paid for: it is that of Q + log prior (Fisher's identity)."""

from typing import Any

import numpy as np

from emkit.accelerate.moves import if_possible
from emkit.arrays import Array
from emkit.execution.evaluate import log_prior
from emkit.parameters import in_units_of_data, pack, unpack

STEP = 1e-4
"""Of differences, in units of a coordinate: it changes Q by some 1e-4 nats a unit of data, or less."""

TOLERATED = 10.0
"""By which a step taken over from a model nearby may differ from what the curvature asks for."""

CLOSE = 1.01
"""By which a new one may, so that it does not depend on the scale of the data."""

LEAST_BEND = 1e-14
"""Nats per unit, of Q over a step on both sides: less is rounding."""

TRIALS = 8
"""Of steps in one coordinate."""


def score(model: Any, statistics: Any, units: float, steps: Array | None = None) -> tuple[Array, Array]:
    """Return the gradient of Q + log prior in free coordinates at the model itself, (P,), and the steps taken.

    It is nan in a coordinate where the model, or Q, ends within a step.

    By central differences. R. A. Fisher (1925), Proceedings of the Cambridge Philosophical Society 22, 700-725: where
    the statistics are those of the model's own E-step, it is the gradient of log likelihood + log prior.

    Args:
        model: any that knows Q and declares its parameters.
        statistics: of its E-step.
        units: sum of the weights of the data.
        steps: (P,) the steps of a model nearby; None where there is none.
    """
    at = pack(model)
    known = steps is not None and len(steps) == len(at)
    taken = np.array(steps) if known else np.full(len(at), STEP)
    here = _q(at, model, statistics)
    found = np.empty(len(at))
    for i, dimensional in enumerate(in_units_of_data(model)):
        away = np.zeros_like(at)
        for _ in range(TRIALS):
            away[i] = taken[i]
            above, below = _q(at + away, model, statistics), _q(at - away, model, statistics)
            found[i] = (above - below) / (2 * taken[i]) if np.isfinite(above - below) else np.nan
            factor = _factor((2 * here - above - below) / units) if dimensional else 1.0
            if max(factor, 1 / factor) < (TOLERATED if known else CLOSE):
                break
            taken[i] *= factor
    return found, taken


def _factor(bend: float) -> float:
    """Return by how much to lengthen a step over which Q bends so much, nats per unit; nan outside the space."""
    wanted = STEP / np.sqrt(max(abs(bend), LEAST_BEND)) if np.isfinite(bend) else 0.0
    return float(np.clip(wanted, 1e-3, 1e3))


def _q(free: Array, like: Any, statistics: Any) -> float:
    """Return Q + log prior at free coordinates, nats; -inf where they leave the space, or Q raises."""

    def q() -> float:
        model = unpack(free, like=like)
        return float(model.expected_log_joint(statistics)) + log_prior(model)

    found = if_possible(q)
    return -np.inf if found is None else found
