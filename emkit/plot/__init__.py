"""Pictures: the only room that imports matplotlib.

Each function draws on an Axes, makes one if none is given, and returns it.
"""

from emkit.plot.mixtures import colours, mixture, responsibilities
from emkit.plot.traces import trace

__all__ = ["colours", "mixture", "responsibilities", "trace"]
