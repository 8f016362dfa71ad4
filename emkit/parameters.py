"""Free coordinates: the parameters of a value as one unconstrained vector, nested values included."""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from emkit.arrays import Array
from emkit.declarations import Declaration
from emkit.values import declarations, is_value, layout, nested, replace

V = TypeVar("V")


def pack(model: Any) -> Array:
    """Return the free coordinates of a value: one unconstrained vector, nested values included.

    Raises:
        TypeError: the class is not an `emkit.value` with declared parameters.
    """
    _require_declared(model)
    parts = [declared.constraint.to_free(np.asarray(parameter)) for declared, parameter in _free_parameters(model)]
    return np.concatenate([np.empty(0), *parts])


def unpack(free: Array, *, like: V) -> V:
    """Return the value at these free coordinates; shapes, structural zeros and all else come from `like`.

    Raises:
        TypeError: the class declares no parameters.
        ValueError: the vector has another length than `pack(like)`.
        ParameterError: the coordinates are so far out that a parameter leaves floating point.
    """
    _require_declared(like)
    free = np.asarray(free, dtype=np.float64)
    if free.shape != (n_free_parameters(like),):
        raise ValueError(f"unpack: expected {n_free_parameters(like)} free coordinates, found shape {free.shape}")
    result, _ = _rebuild(like, free)
    return result


def n_free_parameters(model: Any) -> int:
    """Count the free parameters of a value: the length of `pack(model)`."""
    _require_declared(model)
    return sum(declared.constraint.free_size(np.asarray(p)) for declared, p in _free_parameters(model))


def _free_parameters(of: Any) -> Iterator[tuple[Declaration, Any]]:
    for name, declared in declarations(of):
        if declared.free:
            yield declared, getattr(of, name)
    for _, inner in nested(of):
        yield from _free_parameters(inner)


def _rebuild(like: Any, free: Array) -> tuple[Any, int]:
    """Return `like` with its parameters read from the head of `free`, and how many coordinates that took."""
    changes: dict[str, Any] = {}
    used = 0
    for name, declared in declarations(like):
        if declared.free:
            old = np.asarray(getattr(like, name))
            size = declared.constraint.free_size(old)
            changes[name] = declared.constraint.from_free(free[used : used + size], old)
            used += size
    for name, inner in nested(like):
        changes[name], size = _rebuild(inner, free[used:])
        used += size
    return replace(like, **changes), used


def _require_declared(model: Any) -> None:
    if not is_value(model) or next(_all_declarations(model), None) is None:
        raise TypeError(
            f"{type(model).__name__} declares no parameters: decorate the class with @emkit.value and declare "
            'its fields, for example `weights: Array = emkit.simplex("K")`'
        )
    for name, _ in layout(model):
        inner = getattr(model, name)
        if hasattr(inner, "m_step"):  # it learns, so it has parameters
            _require_declared(inner)


def _all_declarations(of: Any) -> Iterator[Declaration]:
    yield from (declared for _, declared in declarations(of))
    for _, inner in nested(of):
        yield from _all_declarations(inner)
