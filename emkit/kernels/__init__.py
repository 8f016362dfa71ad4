"""Kernels compiled by Numba, an optional extra: `load` hands one out where it is installed and the work is worth it.

Compile all of them once, into Numba's cache on disk, by `python -m emkit.kernels`.
"""

from emkit.kernels.choice import compile_all, load, use

__all__ = ["compile_all", "load", "use"]
