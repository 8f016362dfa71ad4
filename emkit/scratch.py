"""Scratch: memory that a thread works in again and again, chunk after chunk.

To allocate megabytes for each chunk and to give them back after it can cost as much as the work itself: the operating
system hands out every page anew, and clears it. A thread keeps its scratch for as long as it lives.
"""

import math
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

_kept = threading.local()


def scratch(name: str, shape: tuple[int, ...], kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return an array of this thread's own to write to, filled with whatever the last use of that name left.

    What asks for a name must be done with it before it asks for it again; nobody else does.
    """
    size = math.prod(shape) * np.dtype(kind).itemsize
    memory = _kept.__dict__.get(name)
    if memory is None or len(memory) < size:
        memory = _kept.__dict__[name] = np.empty(size, np.uint8)
    return memory[:size].view(kind).reshape(shape)
