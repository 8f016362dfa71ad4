"""The numbers inside any value: statistics, data and models compared without knowing their classes."""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
import numpy as np

from emkit.arrays import Array


def leaves(of: Any) -> dict[str, Array]:
    """Return every array and number inside a value as a copy, by its path from the outside."""
    return {path or "value": np.array(array) for path, array in _walk(of, "", ())}


def _walk(of: Any, path: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    if id(of) in above or of is None or isinstance(of, (str, bytes, type)) or callable(of):
        return
    if isinstance(of, (bool, int, float, complex)) or hasattr(of, "__array__"):
        yield path, of
        return
    for name, inner in _parts(of):
        yield from _walk(inner, f"{path}{name}", (*above, id(of)))


def _parts(of: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(of, (list, tuple)):
        yield from ((f"[{i}]", inner) for i, inner in enumerate(of))
    elif isinstance(of, Mapping):
        yield from ((f"[{key!r}]", inner) for key, inner in of.items())
    elif attrs.has(type(of)):
        compared = (field.name for field in attrs.fields(type(of)) if field.eq)  # others are caches
        yield from ((f".{name}", getattr(of, name)) for name in compared)
    else:
        yield from ((f".{name}", inner) for name, inner in getattr(of, "__dict__", {}).items())


def difference(found: Any, expected: Any, *scales: Any) -> tuple[float, str]:
    """Return the worst relative difference of two values and where it is, in words.

    Each array is compared against its own largest entry, or that of the same array inside one of `scales`.
    """
    mine, theirs = leaves(found), leaves(expected)
    others = [leaves(scale) for scale in scales]
    if mine.keys() != theirs.keys():
        return np.inf, f"found {sorted(mine)}, expected {sorted(theirs)}"
    worst = (0.0, "equal")
    for path, array in mine.items():
        size = max(_largest(each[path]) for each in (mine, theirs, *others) if path in each)
        worst = max(worst, _compare(path, array, theirs[path], size), key=lambda one: one[0])
    return worst


def _largest(array: Array) -> float:
    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind in "fiubc" else np.empty(0)
    return float(finite.max(initial=0.0))


def _compare(path: str, found: Array, expected: Array, size: float) -> tuple[float, str]:
    if found.shape != expected.shape:
        return np.inf, f"{path}: found shape {found.shape}, expected {expected.shape}"
    same = found == expected
    if found.dtype.kind not in "fiubc":
        return (0.0 if same.all() else np.inf), f"{path}: found {found!r}, expected {expected!r}"
    same |= np.isnan(found) & np.isnan(expected)
    if same.all():
        return 0.0, "equal"
    with np.errstate(invalid="ignore"):
        error = np.where(same, 0.0, np.abs(found.astype(float) - expected.astype(float)))
    error = np.where(np.isfinite(error), error, np.inf)
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(error)), error.shape))
    entry = f"[{', '.join(map(str, index))}]" if index else ""
    text = f"{path}{entry}: found {found[index]:.12g}, expected {expected[index]:.12g}"
    return float(error[index] / size) if size > 0 else np.inf, text
