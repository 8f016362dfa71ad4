"""Log-linear rates of weighted counts: their likelihood, its maximum by Newton's method, and what rows tell of them."""

import numpy as np

from emkit.arrays import Array
from emkit.matrices import slopes_of_rows

STEPS = 100
"""Quadratic convergence takes about six; a rate that falls to zero falls by a factor of e with each."""

HALVINGS = 40
"""A step cut so often is rounding."""

SOLVED = 1e-20
"""Where the next step would gain less than this for each row, in nats, it is the last."""

CUTOFF = 1e-12
"""Directions in which rows tell this little of the coefficients, relatively, are left alone."""


def log_likelihood(counts: Array, log_rates: Array) -> Array:
    """Return y η - exp(η) less its maximum over η, of any shape, nats: y (d - (exp(d) - 1)) with d = η - log y."""
    with np.errstate(over="ignore", invalid="ignore"):
        apart = log_rates - np.log(np.where(counts > 0, counts, 1.0))
        return np.where(counts > 0, counts * (apart - np.expm1(apart)), -np.exp(log_rates))


def maximise(design: Array, offset: Array, counts: Array, weight: Array, start: Array) -> Array:
    """Return the θ (Q,) that maximise Σ w (y η - exp(η)), η = offset + design θ.

    The sum is concave: Newton's method, its steps halved until the sum rises, finds the only maximum. Where there is
    none, because rates fall to zero, it stops far on the way. The first column of the design may be ones.

    Args:
        design: (N, Q).
        offset, counts, weight: (N,) η where θ is zero, y, and w > 0.
        start: (Q,) from where to go; the better of this and equal rates is taken.
    """

    def total(free: Array) -> float:
        found = float(weight @ log_likelihood(counts, offset + design @ free))
        return found if np.isfinite(found) else -np.inf

    free = max(start, _level(design, offset, counts, weight), key=total)
    best = total(free)
    for _ in range(STEPS):
        with np.errstate(over="ignore"):
            rates = np.exp(offset + design @ free)  # (N,)
        root = np.sqrt(weight * rates)
        wanted = np.sqrt(weight) * (counts - rates) / np.where(root > 0, np.sqrt(rates), np.inf)
        step = slopes_of_rows(design * root[:, None], wanted[:, None], cutoff=CUTOFF)[0]  # (Q,)
        gain = float(np.square(root * (design @ step)).sum())
        for halving in range(HALVINGS):
            moved = free + step * 0.5**halving
            if (after := total(moved)) >= best:
                free, best = moved, after
                break
        else:
            return free
        if gain <= SOLVED * float(weight.sum()):
            return free
    return free


def information(covariates: Array, log_rates: Array, weight: Array) -> float:
    """Return the least that a row tells, on average, of any direction of intercept and coefficients.

    It is the smallest eigenvalue of Fisher's information for each row, with covariates in standard deviations.
    """
    share = weight / weight.sum() if weight.any() else weight
    centred = covariates - share @ covariates
    deviation = np.sqrt(share @ np.square(centred))  # (P,)
    design = np.column_stack([np.ones(len(weight)), centred / np.where(deviation > 0, deviation, 1.0)])
    with np.errstate(over="ignore"):
        rows = design * np.sqrt(share * np.exp(log_rates))[:, None]
    return float(np.linalg.svd(rows, compute_uv=False)[-1]) ** 2


def _level(design: Array, offset: Array, counts: Array, weight: Array) -> Array:
    """Return θ with equal rates where the design has a column of ones, else zeros."""
    level = np.zeros(design.shape[1])
    if (design[:, 0] == 1).all() and counts.any():
        peak = offset.max()
        level[0] = np.log(weight @ counts) - np.log(weight @ np.exp(offset - peak)) - peak
    return level
