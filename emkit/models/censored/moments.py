"""What a censored regression learns from data, and when data cannot tell."""

from typing import Self

import numpy as np

from emkit.arrays import Array
from emkit.censoring import Censored, TrueValues
from emkit.data import Weighted
from emkit.moments import OVERFLOWS, FullMoments
from emkit.statistics import Statistics
from emkit.values import replace, value


@value
class CensoredMoments(Statistics):
    """Expected moments of covariates and true values, and how far fitted values lie outside the limits."""

    moments: FullMoments  # (1, P + 1), the true value last
    misfit: float  # Σ w d², d from the fitted value to the nearest one that the limits allow
    unknown: float  # Σ w Var[y], what the limits leave open

    @classmethod
    @OVERFLOWS
    def of(cls, data: Weighted[Censored], known: TrueValues, fitted: Array) -> Self:
        """Return the sums over values with known means and variances (N,), and fitted values (N,)."""
        rows = np.column_stack([data.data.covariates, known.mean])  # (N, P + 1)
        moments = FullMoments.of(rows, data.weight[:, None], about=rows[:1])
        unknown = float(data.weight @ known.variance)
        scatter = moments.scatter.copy()
        scatter[0, -1, -1] += unknown
        miss = np.clip(fitted, data.data.lower, data.data.upper) - fitted  # (N,)
        misfit = float(np.square(np.sqrt(data.weight) * miss).sum())
        return cls(replace(moments, scatter=scatter), misfit, unknown)


def check_determined(x: Censored) -> None:
    """Refuse data whose likelihood has no maximum, or a ridge of them."""
    low, high = np.isfinite(x.lower), np.isfinite(x.upper)
    for limited, side, way in ((high, "right", "up"), (low, "left", "down")):
        if not limited.any():
            raise ValueError(
                f"data: all {len(x)} values are {side}-censored, so that the mean would go {way} without end; add "
                "values that are exact or limited on the other side, or a prior of the mean"
            )
    limits = np.unique(np.concatenate([x.lower[low], x.upper[high]]))
    if len(limits) == 1 and not x.exact.any():
        raise ValueError(
            f"data: {limits[0]:.6g} is the only limit, so that coefficients are known in standard deviations alone; "
            'make CensoredNormal(intercept, coefficients, 1.0, fixed="standard_deviation") by hand'
        )
