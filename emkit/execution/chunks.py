"""Chunks: how many units an E-step takes at a time, and the units of each."""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from emkit.arguments import check_count
from emkit.data import Weighted
from emkit.incomplete import Incomplete

ChunkSize: TypeAlias = int | Literal["auto"] | None
"""How many units at a time; "auto" lets the size of one decide, None takes all at once."""

CHUNK_BYTES = 2**22
"""What the units of one chunk, and the numbers made of each, come to: a few chunks at work stay in the cache."""

FEWEST, MOST = 2**11, 2**17
"""Bounds of the units in a chunk: enough to be worth a call, and few enough to share out among workers."""


def units_in_a_chunk(unit_bytes: int) -> int:
    """Return how many units of so many bytes, with the numbers made of each, go into a chunk."""
    return min(max(CHUNK_BYTES // max(unit_bytes, 1), FEWEST), MOST)


def unit_bytes(data: Any) -> int:
    """Return the bytes of one unit of prepared data; 0 where only the model knows."""
    if isinstance(data, (Weighted, Incomplete)):
        return unit_bytes(data.data)
    return data.itemsize * int(np.prod(data.shape[1:])) if isinstance(data, np.ndarray) else 0


def check_chunk_size(given: Any) -> ChunkSize:
    """Return a chunk size, or say what is wrong with it.

    Raises:
        TypeError: not a whole number, "auto" or None.
        ValueError: below 1, or another word.
    """
    if given is None or given == "auto":
        return given
    if isinstance(given, str):
        raise ValueError(f'chunk_size: expected a whole number, "auto" or None, found {given!r}')
    return check_count("chunk_size", given)


def chunks(data: Any, size: int | None) -> Iterator[Any]:
    """Yield slices of `size` units in order, the last one shorter; all of them at once where size is None."""
    if size is None or size >= len(data):
        yield data
        return
    for start in range(0, len(data), size):
        yield data[start : start + size]
