"""Natural units of free coordinates, and gradients in them.

A natural unit of a coordinate is the distance over which the log marginal of a typical unit of data changes by one
nat: one over the square root of its information. Steps and tolerances in natural units hold at any scale of data.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from emkit.arrays import Array
from emkit.testing.tolerances import STEP

TARGET = 1e-4  # nats by which a probing step changes the log marginal: linear, and far above rounding


def natural_units(log_marginal: Callable[[Array], Array], at: Array) -> Array:
    """Return the natural unit of each free coordinate, (P,).

    Args:
        log_marginal: of free coordinates (P,), shape (N,); nan or infinite outside the parameter space.
        at: free coordinates (P,) inside it.
    """
    here = log_marginal(at)

    def change(i: int, step: float) -> float:
        moved = at.copy()
        moved[i] += step
        with np.errstate(invalid="ignore", over="ignore"):
            root = float(np.sqrt(np.mean(np.square(log_marginal(moved) - here))))
        return root if np.isfinite(root) else np.inf

    return np.array([_unit(partial(change, i), max(1.0, abs(at[i]))) for i in range(len(at))])


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


def gradient(of: Callable[[Array], Any], at: Array, units: Array) -> Array:
    """Return the derivative of a function in natural units, (..., P), by four-point differences.

    Args:
        of: a function of free coordinates (P,); returns a number or an array.
        at: (P,) where.
        units: (P,) natural units.
    """
    columns = []
    for i, unit in enumerate(units):
        step = np.zeros_like(at)
        step[i] = STEP * unit
        near = np.asarray(of(at + step)) - np.asarray(of(at - step))
        far = np.asarray(of(at + 2 * step)) - np.asarray(of(at - 2 * step))
        columns.append((8 * near - far) / (12 * STEP))
    return np.stack(columns, axis=-1) if columns else np.empty((*np.shape(of(at)), 0))
