"""The Axes to draw on."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the Axes given, or those of a new figure."""
    if ax is not None:
        return ax
    _, made = plt.subplots()
    return made


def count_along_x(ax: Axes) -> None:
    """Put ticks of the first axis at whole numbers: iterations, directions."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def expect(thing: Any, kind: type, source: str) -> None:
    """Refuse what is not of a kind, and say where one comes from.

    Raises:
        TypeError: it is not.
    """
    if not isinstance(thing, kind):
        raise TypeError(f"expected a {kind.__name__}, which {source} returns, found a {type(thing).__name__}")
