"""What each iteration gains, taken apart; and the bound that touches the objective and is pushed up."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from emkit.execution.evaluate import log_prior
from emkit.fitted import Fit
from emkit.lab.bound import Bound, Gain
from emkit.lab.profile import between, line
from emkit.plot.axes import axes_or_new, count_along_x, expect


def gains(fit: Fit[Any], ax: Axes | None = None) -> Axes:
    """Draw what each iteration gained, and of that what the M-step raised and what came free, in nats, on a log scale.

    What is lost instead, where a step is wrong, is marked by triangles as high as the loss.

    Args:
        fit: of `emkit.fit(..., record=emkit.lab.gains)`.
        ax: where to draw; a new figure by default.

    Raises:
        TypeError: a fit that did not record its gains.
    """
    expect(fit, Fit, "emkit.fit")
    if not fit.recorded or not all(isinstance(one, Gain) for one in fit.recorded):
        raise TypeError("fit: it did not record its gains; fit with record=emkit.lab.gains")
    ax = axes_or_new(ax)
    parts = {
        "the objective": [gain.objective for gain in fit.recorded[1:]],
        "Q + log prior, raised by the M-step": [gain.raised for gain in fit.recorded[1:]],
        "the divergence of posteriors, free": [gain.free for gain in fit.recorded[1:]],
    }
    iterations = np.arange(1, len(fit.recorded))
    for (name, values), (colour, style) in zip(
        parts.items(), [("0.2", "-"), ("tab:blue", "--"), ("tab:orange", ":")], strict=True
    ):
        gain = np.array(values)
        ax.plot(iterations, np.where(gain > 0, gain, np.nan), style, color=colour, marker=".", label=name)
        losses = gain < -1e-12 * abs(fit.objective)
        if losses.any():
            ax.plot(iterations[losses], -gain[losses], "v", color=colour, label=f"{name}: lost")
    ax.set(xlabel="iteration", ylabel="gain (nats)", yscale="log", title="what each iteration gains")
    count_along_x(ax)
    ax.legend()
    return ax


def bound(model: Any, data: Any, ax: Axes | None = None, *, towards: Any = None, touches: int = 2) -> Axes:
    """Draw the objective along a line of models, and bounds that touch it: each where the one before is highest.

    Args:
        model: where the line begins and the first bound touches.
        data: what the model is fitted to.
        ax: where to draw; a new figure by default.
        towards: another model on the line; by default the result of an EM step from the first.
        touches: how many bounds.

    Raises:
        MissingPowerError: the model has no `expected_log_joint`.
    """
    begin = Bound.of(model, data)
    ax = axes_or_new(ax)
    after = model.m_step(begin.at.expectation.statistics) if towards is None else towards
    course = between(model, after, data, places=np.linspace(-0.5, 2.5, 121))
    at, places = line(model, after), course.places
    ax.plot(places, course.objective, color="0.2", label="objective")
    place = 0.0
    for i in range(touches):
        tangent = Bound.of(at(place), data)
        values = np.array([tangent(at(float(one))) + log_prior(at(float(one))) for one in places])
        colour = f"C{i}"
        ax.plot(places, values, "--", color=colour, label=f"bound of step {i + 1}")
        height = tangent(at(place)) + log_prior(at(place))
        ax.plot(place, height, "o", color=colour)
        place = float(places[np.argmax(values)])
        ax.plot(place, values.max(), "^", color=colour)
    low, high = np.nanmin(course.objective), np.nanmax(course.objective)
    ax.set_ylim(low - 0.6 * (high - low), high + 0.15 * (high - low))
    ax.set(
        xlabel="place on a line of models", ylabel="nats", title="each bound touches (o) and is raised to its top (^)"
    )
    ax.legend()
    return ax
