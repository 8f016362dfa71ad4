"""The objective at every iteration."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from emkit.fitted import Fit
from emkit.plot.axes import axes_or_new, count_along_x, expect


def trace(fit: Fit[Any], ax: Axes | None = None) -> Axes:
    """Draw the objective of every accepted model, nats, and mark each fall beyond rounding.

    The fall at which a fit ended as `decreased` is marked too, though that model was not accepted.

    Args:
        fit: what `emkit.fit` returned.
        ax: where to draw; a new figure by default.
    """
    expect(fit, Fit, "emkit.fit")
    ax = axes_or_new(ax)
    objective = np.asarray(fit.trace)  # (n_iter + 1,)
    ax.plot(objective, color="0.2", marker="." if len(objective) < 60 else "", label="objective")
    falls = [(i, objective[i]) for i in fit.trace.violations]
    falls += [(fit.n_iter + 1, fit.rejected.objective)] if fit.rejected is not None else []
    if falls:
        ax.plot(*zip(*falls, strict=True), "v", color="tab:red", label="fell by more than rounding")
        ax.legend()
    ax.set(xlabel="iteration", ylabel="objective (nats)", title=f"{fit.outcome} after {fit.n_iter} iterations")
    count_along_x(ax)
    return ax
