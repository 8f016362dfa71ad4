"""When Gaussian components sit on an edge of their parameter space, and how to say so."""

from collections.abc import Callable

import numpy as np

from emkit.arrays import ROUNDING_WIDTH, Array
from emkit.constraints import DEPENDENT
from emkit.model import Complaint

HELD_UP = 0.5
"""Where a ridge makes up more than this of a variance, the prior decides it, not the data."""

MOST_PAIRS = 5
"""Pairs of columns that are named; further ones are counted."""

SAME = 1e-6
"""Components closer than this many widths, with covariances as close relatively, are one."""


def collapsed(means: Array, variances: Array) -> list[Complaint]:
    """Find components (K, D) so narrow that their width is rounding of their place."""
    narrow = np.sqrt(variances) < ROUNDING_WIDTH * np.abs(means)  # (K, D)
    return [
        (
            f"component {k}",
            f"collapsed in column {d}: standard deviation {np.sqrt(variances[k, d]):.3g} at mean {means[k, d]:.6g}",
        )
        for k, d in np.argwhere(narrow)
    ]


def dependent(unexplained: Array) -> list[Complaint]:
    """Find components (K, D) whose covariance has lost a dimension."""
    return [
        (f"component {k}", f"column {d} is a linear combination of the other columns, to {unexplained[k, d]:.1e}")
        for k, d in np.argwhere(unexplained < DEPENDENT)
    ]


def held_up(share: Array) -> list[Complaint]:
    """Find components that would collapse without their ridge, given its largest share (K,) of their variances."""
    return [
        (
            f"component {k}",
            "in some direction its width is the ridge's, not the data's: it collapsed onto too few distinct "
            "observations, or its columns depend on each other",
        )
        for k in np.flatnonzero(share > HELD_UP)
    ]


def coincident(
    means: Array, unlike: Callable[[int, int], float], whiten: Callable[[int, Array], Array]
) -> list[Complaint]:
    """Find pairs of components that are the same to a millionth of their width; `unlike` compares covariances."""
    with np.errstate(over="ignore"):  # beyond 1e154 widths: not the same
        near = [np.square(whiten(k, means - mean)).sum(axis=1) < SAME**2 for k, mean in enumerate(means)]  # K of (K,)
    return [
        (f"components {k} and {j}", "coincide: they are one component and EM cannot part them")
        for k, j in np.argwhere(near)
        if k < j and unlike(k, j) < SAME
    ]


def unseen(seen: Array | None, *, pairs: bool) -> list[Complaint]:
    """Find columns (D,), or pairs of columns (D, D), that no row shows; None where no cell is missing."""
    if seen is None:
        return []
    columns = seen if seen.ndim == 1 else np.diagonal(seen)  # (D,)
    complaints = [
        (f"column {d}", "is never observed: nothing is learnt of it; drop it") for d in np.flatnonzero(columns == 0)
    ]
    if not pairs or seen.ndim == 1:
        return complaints
    apart = np.argwhere(np.triu((seen == 0) & (columns > 0) & (columns[:, None] > 0)))  # (P, 2)
    more = f", nor are {len(apart) - MOST_PAIRS} more pairs" if len(apart) > MOST_PAIRS else ""
    return complaints + [
        (
            f"columns {a} and {b}",
            f"are never observed together{more if i == MOST_PAIRS - 1 else ''}: the data do not tell their "
            "correlation; drop one, or assume independent columns (DiagonalGaussian)",
        )
        for i, (a, b) in enumerate(apart[:MOST_PAIRS])
    ]
