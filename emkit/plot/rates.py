"""How fast EM converges: its eigenvalues, and the increments of a fit beside the rate that they predict."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from emkit.fitted import Fit
from emkit.lab.rate import Rate
from emkit.plot.axes import axes_or_new, count_along_x, expect


def eigenvalues(rate: Rate[Any], ax: Axes | None = None) -> Axes:
    """Draw the eigenvalues of the EM map at an optimum: fractions of missing information, the largest first.

    Args:
        rate: what `emkit.lab.rate` returned.
        ax: where to draw; a new figure by default.
    """
    expect(rate, Rate, "emkit.lab.rate")
    ax = axes_or_new(ax)
    ax.bar(np.arange(1, len(rate.eigenvalues) + 1), rate.eigenvalues, color="tab:blue", width=0.7)
    ax.axhline(1.0, color="0.5", linewidth=0.8)
    count_along_x(ax)
    ax.set(xlabel="direction", ylabel="eigenvalue of the EM map", ylim=(min(0.0, rate.eigenvalues.min()), 1.05))
    ax.set_title(f"errors shrink by {rate.contraction:.4f} an iteration in the slowest direction")
    return ax


def increments(fit: Fit[Any], ax: Axes | None = None, *, rate: Rate[Any] | None = None) -> Axes:
    """Draw what each iteration of a fit gained, nats, on a log scale; and the slope that the rate at its end predicts.

    Args:
        fit: what `emkit.fit` returned.
        ax: where to draw; a new figure by default.
        rate: what `emkit.lab.rate` says of EM at the fit's end, if it is to be drawn beside.
    """
    expect(fit, Fit, "emkit.fit")
    ax = axes_or_new(ax)
    gained = fit.trace.increments  # (n_iter,)
    iterations = np.arange(1, len(gained) + 1)
    ax.plot(iterations, np.where(gained > 0, gained, np.nan), ".", color="0.2", label="observed")
    if not (gained > 0).any():
        ax.set(xlabel="iteration", title="no iteration gained anything: this is an optimum")
        return ax
    count_along_x(ax)
    if rate is not None:
        expect(rate, Rate, "emkit.lab.rate")
        visible = np.flatnonzero(gained > 0)
        last = int(visible[2 * len(visible) // 3])  # where rounding is far and the rate has settled
        predicted = gained[last] * rate.increment_ratio ** (iterations - iterations[last])
        ax.set_ylim(0.3 * gained[visible].min(), 3 * gained.max())  # far from the optimum it predicts nothing
        ax.plot(iterations, predicted, "--", color="tab:orange", label=f"predicted ratio {rate.increment_ratio:.4f}")
        ax.legend()
    ax.set(xlabel="iteration", ylabel="gain (nats)", yscale="log", title="increments of the objective")
    return ax
