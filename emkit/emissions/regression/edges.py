"""When regressions sit on an edge of their parameter space, and how to say so."""

import numpy as np

from emkit.arrays import Array
from emkit.emissions.gaussian.edges import SAME
from emkit.emissions.regression.base import one_state
from emkit.model import Complaint
from emkit.moments import FullMoments
from emkit.regression import distance, unidentified


def undetermined(moments: FullMoments) -> list[Complaint]:
    """Find states whose rows do not determine their coefficients, given moments of covariates and response."""
    found = []
    for k in map(int, np.flatnonzero(moments.weight)):
        names = [where for where, _ in unidentified(one_state(moments, k))]
        if names:
            why = "too few distinct rows, or covariates that depend on each other"
            found.append((f"component {k}", f"its rows do not determine the coefficient of {', '.join(names)}: {why}"))
    return found


def coincident(intercepts: Array, coefficients: Array, noise: Array, moments: FullMoments) -> list[Complaint]:
    """Find pairs of states whose lines, where the first has its rows, and whose noise (K,) are the same."""
    found = []
    for k in map(int, np.flatnonzero(moments.weight)):
        for j in range(k + 1, len(intercepts)):
            mean, scatter = moments.mean[k].copy(), moments.scatter[k].copy()
            mean[-1], scatter[-1], scatter[:, -1] = 0.0, 0.0, 0.0  # covariates alone
            covariates = FullMoments(moments.weight[k : k + 1], mean[None], scatter[None])
            a, b = intercepts[k] - intercepts[j], coefficients[k] - coefficients[j]
            apart = distance(covariates, float(a), b, float(np.sqrt(noise[k]))) / float(moments.weight[k])
            if apart < SAME**2 and abs(noise[j] - noise[k]) < SAME * noise[k]:
                found.append((f"components {k} and {j}", "coincide: they are one component and EM cannot part them"))
    return found
