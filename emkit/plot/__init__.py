"""Pictures: the only room that imports matplotlib.

Each function draws on an Axes, makes one if none is given, and returns it; an animation has a figure of its own.
"""

from emkit.plot.animation import animation
from emkit.plot.gains import bound, gains
from emkit.plot.landscape import basins, comparison, profile
from emkit.plot.mixtures import colours, mixture, responsibilities
from emkit.plot.rates import eigenvalues, increments
from emkit.plot.traces import trace

__all__ = [
    "animation",
    "basins",
    "bound",
    "colours",
    "comparison",
    "eigenvalues",
    "gains",
    "increments",
    "mixture",
    "profile",
    "responsibilities",
    "trace",
]
