"""When a linear Gaussian state space model sits on an edge of its parameter space, and how to say so."""

import numpy as np

from emkit.arrays import Array
from emkit.constraints import DEPENDENT, unexplained
from emkit.model import Complaint
from emkit.models.state_space.kalman import cholesky
from emkit.models.state_space.moments import StateSpaceStatistics

COLLAPSED = 1e-12
"""Noise below this share of the variance of what it is added to has collapsed."""

ALIKE = 1e-12
"""Starts that differ by less than this share of their own uncertainty are one start."""


def complaints_of(statistics: StateSpaceStatistics, covariances: dict[str, Array]) -> list[Complaint]:
    """Return what is wrong with the covariances that are not held fixed, and what nothing was learnt of."""
    size = statistics.initial.mean.shape[1]
    observed = statistics.observation
    variance = np.diagonal(observed.scatter[0]) / max(float(observed.weight[0]), np.finfo(float).tiny)  # (S + D,)
    beside = {
        "initial_covariance": variance[:size],
        "transition_covariance": variance[:size],
        "observation_covariance": variance[size:],
    }
    found: list[Complaint] = []
    for name, covariance in covariances.items():
        own = np.diagonal(covariance)
        found += [
            (name, f"collapsed in column {d}: variance {own[d]:.3g} beside {beside[name][d]:.3g}; hold it fixed")
            for d in np.flatnonzero(own < COLLAPSED * beside[name])
        ]
        share = unexplained(cholesky(covariance), own)
        found += [
            (name, f"column {d} is a linear combination of the other columns, to {share[d]:.1e}")
            for d in np.flatnonzero(share < DEPENDENT)
        ]
    between = np.diagonal(statistics.initial.scatter[0] - statistics.uncertainty)
    if "initial_covariance" in covariances and (between <= ALIKE * np.diagonal(statistics.uncertainty)).all():
        found.append(
            (
                "initial_covariance",
                "is learnt from a single sequence, or from equal ones: it shrinks towards zero; hold it fixed",
            )
        )
    found += [
        (f"column {d}", "is never seen: nothing is learnt of its observation")
        for d in np.flatnonzero(statistics.seen == 0)
    ]
    if statistics.transition.weight[0] == 0:
        found.append(("transition", "no sequence has two steps: nothing is learnt of it"))
    return found
