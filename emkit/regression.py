"""Lines from second moments: least squares with an intercept, where either part may be held."""

import numpy as np

from emkit.arrays import ROUNDING_WIDTH, Array, first_index
from emkit.constraints import DEPENDENT
from emkit.declarations import ParameterError
from emkit.matrices import least_squares, square_root
from emkit.model import Complaint
from emkit.moments import FullMoments


def line(moments: FullMoments, intercept: float | None, coefficients: Array | None) -> tuple[float, Array]:
    """Return the intercept and coefficients (P,) of the last column regressed on the others.

    Args:
        moments: (1, P + 1) of covariates and response.
        intercept, coefficients: where they are held; None where least squares decides.

    Raises:
        ParameterError: a column so large that its squares leave floating point.
    """
    mean, scatter = moments.mean[0], moments.scatter[0]  # (P + 1,), (P + 1, P + 1)
    last = len(mean) - 1
    if not np.isfinite(scatter).all():
        column = first_index(~np.isfinite(scatter))[0]
        what = "the response" if column == last else f"covariate {column}"
        raise ParameterError(f"{what} has squares that leave floating point: rescale it", finite=False)
    if coefficients is None:
        if intercept is not None:  # a line through a point
            shift = mean - np.append(np.zeros(last), intercept)
            scatter = scatter + moments.weight[0] * np.outer(shift, shift)
        coefficients = least_squares(scatter, list(range(last)), [last])[0][0]
    if intercept is None:
        intercept = float(mean[-1] - mean[:-1] @ coefficients)
    return intercept, coefficients


def distance(moments: FullMoments, intercept: float, coefficients: Array, scale: float = 1.0) -> float:
    """Return Σ w ((response - line) / scale)²."""
    contrast = np.append(-coefficients, 1.0) / scale  # (P + 1,)
    spread = square_root(moments.scatter[0]).T @ contrast  # (P + 1,)
    shift = moments.mean[0] @ contrast - intercept / scale
    return float(spread @ spread + moments.weight[0] * shift**2)


def unidentified(moments: FullMoments) -> list[Complaint]:
    """Find covariates that are constant, or a linear combination of the others, and so have no coefficient."""
    mean, scatter = moments.mean[0], moments.scatter[0]
    columns = range(len(mean) - 1)
    constant = [d for d in columns if scatter[d, d] <= moments.weight[0] * (ROUNDING_WIDTH * mean[d]) ** 2]
    found = [
        (f"covariate {d}", f"is constant ({mean[d]:.6g}), as the intercept is already: drop the column")
        for d in constant
    ]
    varying = [d for d in columns if d not in constant]
    for d in varying:
        left = least_squares(scatter, [other for other in varying if other != d], [d])[1]
        if left[0, 0] < DEPENDENT * scatter[d, d]:
            found.append((f"covariate {d}", "is a linear combination of the others: drop a column"))
    return found
