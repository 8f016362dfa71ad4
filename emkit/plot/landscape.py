"""The landscape of an objective: along a line, and the optima that many starts reach."""

from typing import Any

from matplotlib.axes import Axes

from emkit.lab.basins import Basins
from emkit.lab.comparison import Comparison
from emkit.lab.profile import Profile
from emkit.plot.axes import axes_or_new, expect


def profile(profile: Profile, ax: Axes | None = None) -> Axes:
    """Draw the objective along a line, nats; there is a gap where the line leaves the parameter space.

    Args:
        profile: what `emkit.lab.profile` or `emkit.lab.between` returned.
        ax: where to draw; a new figure by default.
    """
    expect(profile, Profile, "emkit.lab.profile")
    ax = axes_or_new(ax)
    ax.plot(profile.places, profile.objective, color="0.2")
    ax.axvline(profile.best, color="tab:orange", linestyle=":", label=f"highest at {profile.best:.4g}")
    ax.set(xlabel=profile.along, ylabel="objective (nats)", title="objective along a line")
    ax.legend()
    return ax


def basins(basins: Basins[Any], ax: Axes | None = None) -> Axes:
    """Draw the optima that starts reach: how high each is, and how many starts lead to it.

    Degenerate ones are drawn in grey, spurious ones in orange.

    Args:
        basins: what `emkit.lab.basins` returned.
        ax: where to draw; a new figure by default.
    """
    expect(basins, Basins, "emkit.lab.basins")
    ax = axes_or_new(ax)
    kinds = {"degenerate": "0.7", "spurious": "tab:orange", "an optimum": "tab:blue"}
    for i, basin in enumerate(basins.basins):
        kind = "degenerate" if basin.degenerate else "spurious" if basin.spurious else "an optimum"
        ax.barh(i, len(basin.starts), color=kinds[kind], label=kind)
    handles, labels = ax.get_legend_handles_labels()
    first = {label: handle for handle, label in zip(reversed(handles), reversed(labels), strict=True)}
    ax.legend(first.values(), first.keys())
    ax.set_yticks(range(len(basins.basins)), [f"{basin.fit.objective:.4f}" for basin in basins.basins])
    ax.invert_yaxis()
    ax.set(xlabel="starts", ylabel="objective (nats)", title=f"optima reached from {basins.n_starts} starts")
    return ax


def comparison(comparison: Comparison, ax: Axes | None = None, *, by: str = "passes") -> Axes:
    """Draw how far each run still was from the best objective, nats, on a log scale.

    Args:
        comparison: what `emkit.lab.compare` returned.
        ax: where to draw; a new figure by default.
        by: "passes" over the data, or "seconds".

    Raises:
        ValueError: by something else.
    """
    expect(comparison, Comparison, "emkit.lab.compare")
    if by not in ("passes", "seconds"):
        raise ValueError(f'by: expected "passes" or "seconds", found {by!r}')
    ax = axes_or_new(ax)
    best = comparison.target + comparison.margin
    for name, course in comparison.courses.items():
        gap = best - course.objective
        some = gap > 0
        axis = course.passes if by == "passes" else course.seconds
        ax.plot(axis[some], gap[some], marker="." if some.sum() < 60 else "", label=name)
    ax.axhline(comparison.margin, color="0.5", linewidth=0.8)
    label = "passes over the data" if by == "passes" else "seconds"
    ax.set(xlabel=label, ylabel="below the best objective (nats)", yscale="log", title="runs side by side")
    ax.legend()
    return ax
