"""Censored data of every kind, drawn for tests."""

from typing import Any

import numpy as np

from emkit import Array, Censored


def censor(values: Array, rng: np.random.Generator, covariates: Any = None, *, positive: bool = False) -> Censored:
    """Return values of which some are exact, and the others within limits on either side or on both."""
    lower, upper = values.copy(), values.copy()
    spread = values.std()
    for n, kind in enumerate(rng.permutation(np.arange(len(values)) % 4)):
        below, above = rng.exponential(spread, 2)
        if kind in (1, 3):
            lower[n] = max(values[n] - below, 0.5 * values[n]) if positive else values[n] - below
            upper[n] = np.inf
        if kind in (2, 3):
            upper[n] = values[n] + above
        if kind == 2:
            lower[n] = -np.inf
    return Censored(lower, upper, covariates)
