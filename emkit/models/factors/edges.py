"""When a model of linear factors sits on an edge of its parameter space, and how to say so."""

import numpy as np

from emkit.arrays import Array
from emkit.declarations import ParameterError
from emkit.model import Complaint

NOTHING = 1e-12
"""Noise below this share of its column's variance is rounding."""

HEYWOOD = 0.01
"""Noise below this share of what the other columns leave unexplained is on its way to zero, if it falls still."""

STEADY, STEEP = 1e-6, 0.05
"""Noise that an M-step takes down by less, relatively, has arrived; by more, it is still on its way from the start.

Towards zero it falls by one over the number of iterations, so that a Heywood case shows from 20 to a million of them.
"""

UNUSED = 1e-8
"""A factor whose loadings are below this many deviations of the noise explains nothing."""


def heywood(uniquenesses: Array, share: Array, fall: Array) -> list[Complaint]:
    """Find columns whose noise goes to zero.

    At a maximum inside the space nothing falls. In a Heywood case the likelihood grows as the noise goes to zero, and
    each M-step takes away a share of the noise that is in proportion to the noise.

    Args:
        uniquenesses: (D,) the share of each column's variance that is noise.
        share: (D,) the share that is noise of what the other columns leave unexplained of it.
        fall: (D,) how much, relatively, an M-step takes away.
    """
    falling = (share < HEYWOOD) & (fall > np.maximum(STEADY, HEYWOOD * share)) & (fall < STEEP)
    columns = np.flatnonzero((uniquenesses < NOTHING) | falling)
    if not len(columns):
        return []
    worst = int(columns[np.argmin(uniquenesses[columns])])
    others = [int(d) for d in columns if d != worst]
    also = f", as in columns {others}" if others else ""
    why = (
        f"its noise goes to zero, {uniquenesses[worst]:.2g} of its variance is left{also}: a Heywood case. Fewer "
        "factors, or a prior on the noise, may keep it inside"
    )
    return [(f"column {worst}", why)]


def check_noise(noise: Array, variances: Array) -> None:
    """Refuse noise variances (D,) that are nothing beside those of the columns (D,): no digit of them is known.

    Raises:
        ParameterError: it names the first such column.
    """
    gone = noise <= NOTHING * variances
    if gone.any():
        raise ParameterError(
            f"noise[{int(np.argmax(gone))}] is zero to rounding: the factors explain all of the column, which may be a "
            "combination of others. Drop it, take fewer factors, or give a prior of the noise"
        )


def unused(loadings: Array, variances: Array) -> list[Complaint]:
    """Find a direction of the factors that no column depends on, given loadings (D, Q) and noise variances (D,)."""
    used = int((np.linalg.svd(loadings / np.sqrt(variances)[:, None], compute_uv=False) > UNUSED).sum())
    if used == loadings.shape[1]:
        return []
    why = f"only {used} of {loadings.shape[1]} explain anything, and EM never adds one: start elsewhere, or with fewer"
    return [("factors", why)]
