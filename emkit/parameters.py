"""Free coordinates: the parameters of a value as one unconstrained vector, nested values included."""

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from emkit.arrays import Array
from emkit.constraints import Real
from emkit.declarations import Declaration
from emkit.model import HasRedundantParameters
from emkit.values import declarations, held, is_value, layout, nested, replace

V = TypeVar("V")


def pack(model: Any) -> Array:
    """Return the free coordinates of a value: one unconstrained vector, nested values included.

    Raises:
        TypeError: the class is not an `emkit.value` with declared parameters.
    """
    _require_declared(model)
    parts = [declared.constraint.to_free(np.asarray(parameter)) for _, declared, parameter in _free_parameters(model)]
    return np.concatenate([np.empty(0), *parts])


def free_parameters(model: Any) -> dict[str, Array]:
    """Return the parameters that have free coordinates, by where they stand: `weights`, `emissions.means`.

    Raises:
        TypeError: the class declares no parameters.
    """
    _require_declared(model)
    return {path: np.asarray(parameter) for path, _, parameter in _free_parameters(model)}


def blocks(model: Any) -> list[str]:
    """Return where the parameter of each free coordinate stands, in the order of `pack`.

    Raises:
        TypeError: the class declares no parameters.
    """
    _require_declared(model)
    sizes = ((path, declared.constraint.free_size(np.asarray(p))) for path, declared, p in _free_parameters(model))
    return [path for path, size in sizes for _ in range(size)]


def in_units_of_data(model: Any) -> list[bool]:
    """Return of each free coordinate whether it is a plain number, in units of the data; all others have no unit.

    Raises:
        TypeError: the class declares no parameters.
    """
    _require_declared(model)
    found = ((declared.constraint, np.asarray(parameter)) for _, declared, parameter in _free_parameters(model))
    return [isinstance(constraint, Real) for constraint, p in found for _ in range(constraint.free_size(p))]


def relative_change(before: Any, after: Any) -> float:
    """Return the largest change of a free coordinate, relative to its size or to 1; inf where one appears or vanishes.

    Raises:
        TypeError: the class declares no parameters.
    """
    here, there = pack(before), pack(after)
    if len(here) != len(there):
        return np.inf
    return float(np.max(np.abs(there - here) / np.maximum(1.0, np.abs(here)), initial=0.0))


def unpack(free: Array, *, like: V) -> V:
    """Return the value at these free coordinates; shapes, structural zeros and all else come from `like`.

    Raises:
        TypeError: the class declares no parameters.
        ValueError: the vector has another length than `pack(like)`.
        ParameterError: the coordinates are so far out that a parameter leaves floating point.
    """
    _require_declared(like)
    free = np.asarray(free, dtype=np.float64)
    size = n_coordinates(like)
    if free.shape != (size,):
        raise ValueError(f"unpack: expected {size} free coordinates, found shape {free.shape}")
    result, _ = _rebuild(like, free)
    return result


def n_free_parameters(model: Any) -> int:
    """Count the free parameters of a value: its free coordinates, less those that it says are redundant.

    Raises:
        TypeError: the class declares no parameters.
    """
    return n_coordinates(model) - _n_redundant(model)


def n_coordinates(model: Any) -> int:
    """Count the free coordinates of a value, the redundant ones included.

    Raises:
        TypeError: the class declares no parameters.
    """
    _require_declared(model)
    return sum(declared.constraint.free_size(np.asarray(p)) for _, declared, p in _free_parameters(model))


def _n_redundant(of: Any) -> int:
    own = of.redundant_parameters() if isinstance(of, HasRedundantParameters) else 0
    return own + sum(_n_redundant(inner) for _, values in _learning(of) for inner in values)


def _free_names(of: Any) -> list[tuple[str, Declaration]]:
    kept = held(of)
    return [(name, declared) for name, declared in declarations(of) if declared.free and name not in kept]


def _learning(of: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the nested values that are not held fixed."""
    kept = held(of)
    return [(name, values) for name, values in nested(of) if name not in kept]


def _free_parameters(of: Any, above: str = "") -> Iterator[tuple[str, Declaration, Any]]:
    """Yield where each free parameter stands, its declaration and its value, in the order of free coordinates."""
    for name, declared in _free_names(of):
        yield above + name, declared, getattr(of, name)
    for name, values in _learning(of):
        several = isinstance(getattr(of, name), tuple)
        for i, inner in enumerate(values):
            yield from _free_parameters(inner, f"{above}{name}[{i}]." if several else f"{above}{name}.")


def _rebuild(like: Any, free: Array) -> tuple[Any, int]:
    """Return `like` with its parameters read from the head of `free`, and how many coordinates that took."""
    changes: dict[str, Any] = {}
    used = 0
    for name, declared in _free_names(like):
        old = np.asarray(getattr(like, name))
        size = declared.constraint.free_size(old)
        changes[name] = declared.constraint.from_free(free[used : used + size], old)
        used += size
    for name, values in _learning(like):
        rebuilt = []
        for inner in values:
            made, size = _rebuild(inner, free[used:])
            rebuilt.append(made)
            used += size
        changes[name] = tuple(rebuilt) if isinstance(getattr(like, name), tuple) else rebuilt[0]
    return replace(like, **changes), used


def _require_declared(model: Any) -> None:
    if not is_value(model) or next(_all_declarations(model), None) is None:
        raise TypeError(
            f"{type(model).__name__} declares no parameters: decorate the class with @emkit.value and declare "
            'its fields, for example `weights: Array = emkit.simplex("K")`'
        )
    for name, _ in layout(model):
        inner = getattr(model, name)
        for one in inner if isinstance(inner, tuple) else (inner,):
            if hasattr(one, "m_step"):  # it learns, so it has parameters
                _require_declared(one)


def _all_declarations(of: Any) -> Iterator[Declaration]:
    yield from (declared for _, declared in declarations(of))
    for _, values in nested(of):
        for inner in values:
            yield from _all_declarations(inner)
