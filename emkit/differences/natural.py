"""Natural units of free coordinates, and gradients in them.

A natural unit of a coordinate is the distance over which the log marginal of a typical unit of data changes by one
nat: one over the square root of its information. Steps and tolerances in natural units hold at any scale of data.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from emkit.arrays import Array

STEP = 1e-4
"""Of finite differences, in natural units: a step of one changes the log marginal of a typical unit by one nat."""

GRADIENT = 1e-7
"""Of gradients, per unit of data, in natural units, where the score of one unit is about 1.

Four-point differences err by eps · |log p| / STEP, 2e-9 for units of 1e3 nats, and by the fifth derivative times
STEP⁴ / 30, which is less. An M-step that is solved by iteration is asked for seven digits.
Where the function differenced loses digits by cancellation, the rounding noise measured in it, over STEP, is added.
"""

BENT = 1e-2
"""Of a unit: over this, on both sides, its bend is measured."""

MOST_BENT = 4.0
"""Nats of bend, on average, over one unit on both sides; it is one where information is what it is expected to be."""

TARGET = 1e-4  # nats by which a probing step changes the log marginal: linear, and far above rounding


def natural_units(log_marginal: Callable[[Array], Array], at: Array, share: Array | None = None) -> Array:
    """Return the natural unit of each free coordinate, (P,).

    Args:
        log_marginal: of free coordinates (P,), shape (N,); nan or infinite outside the parameter space.
        at: free coordinates (P,) inside it.
        share: (N,) weights of the units of data, some of them positive; None counts all alike.
    """
    here = log_marginal(at)

    def mean(change: Array) -> Any:
        return np.mean(change) if share is None or change.shape != share.shape else np.average(change, weights=share)

    def ahead(i: int, step: float) -> Array:
        moved = at.copy()
        moved[i] += step
        with np.errstate(invalid="ignore", over="ignore"):
            return log_marginal(moved) - here

    def change(i: int, step: float) -> float:
        with np.errstate(invalid="ignore", over="ignore"):
            return _finite(np.sqrt(mean(np.square(ahead(i, step)))))

    def bend(i: int, step: float) -> float:
        return _finite(abs(mean(ahead(i, step) + ahead(i, -step))))

    def unit(i: int) -> float:
        return _curbed(partial(bend, i), _unit(partial(change, i), max(1.0, abs(at[i]))))

    return np.array([unit(i) for i in range(len(at))])


def _finite(number: Any) -> float:
    return float(number) if np.isfinite(number) else np.inf


def _unit(change: Callable[[float], float], size: float) -> float:
    """Find a step that changes the log marginal by about TARGET, and scale it up; 1 where nothing changes it."""
    step = TARGET * size
    for _ in range(20):
        found = change(step)
        if TARGET / 10 < found < TARGET * 10:
            return step / found
        step *= float(np.clip(TARGET / found if found > 0 else np.inf, 1e-4, 1e4))
        if step > 1e8 * size:
            break
    return 1.0


def _curbed(bend: Callable[[float], float], unit: float) -> float:
    """Return a unit, or a shorter one, over which the mean log marginal bends by no more than a few nats.

    Where the score of all units of data is next to zero, as in a table of which all units are alike, what changes the
    log marginal little at first is no unit.
    """
    for _ in range(20):
        found = bend(unit * BENT) / BENT**2
        if found <= MOST_BENT:
            return unit
        unit /= float(np.sqrt(found)) if np.isfinite(found) else 10.0
    return unit


def gradient(of: Callable[[Array], Any], at: Array, units: Array, *, step: float = STEP) -> Array:
    """Return the derivative of a function in natural units, (..., P), by four-point differences.

    Args:
        of: a function of free coordinates (P,); returns a number or an array.
        at: (P,) where.
        units: (P,) natural units.
        step: of the differences, in natural units.
    """
    columns = []
    for i, unit in enumerate(units):
        away = np.zeros_like(at)
        away[i] = step * unit
        near = np.asarray(of(at + away)) - np.asarray(of(at - away))
        far = np.asarray(of(at + 2 * away)) - np.asarray(of(at - 2 * away))
        columns.append((8 * near - far) / (12 * step))
    return np.stack(columns, axis=-1) if columns else np.empty((*np.shape(of(at)), 0))
