"""Values: frozen classes with read-only arrays and an `==` that understands arrays.

A model, its statistics and its priors are values. A value is checked when it is made, and never changes.
"""

from collections.abc import Iterator
from typing import Any, TypeVar, dataclass_transform

import attrs
import numpy as np

from emkit.declarations import (
    DECLARED,
    FIXED,
    PARTS,
    Declaration,
    ParameterError,
    Parts,
    checked,
    parts,
    positive,
    positive_definite,
    probability,
    real,
    simplex,
)

T = TypeVar("T")
V = TypeVar("V")

_LAYOUT = "_emkit_layout"  # of a class: the name and declaration of every field, None for a plain one
_PARTS = "_emkit_parts"  # of a class: how the axes of its tuples of values combine, by field
_DECLARED = "_emkit_declared"  # of a class: the name and declaration of every field that has one
_PLAIN = "_emkit_plain"  # of a class: the fields without a declaration
_FIXED = "_emkit_fixed"  # of a class: the fields that name what is held fixed
_AXES = "_emkit_axes"  # of a value: the size of each named axis, and a field that has it
_CHECKS = "_emkit_checks"  # of a check on construction: it is one that `value` made

_LEAVES = frozenset({np.ndarray, float, int, str, type(None), frozenset})
"""Types of fields that hold no values of their own."""


@dataclass_transform(
    frozen_default=True,
    field_specifiers=(real, positive, probability, simplex, positive_definite, parts, attrs.field),
)
def value(cls: type[T]) -> type[T]:
    """Make a class a frozen value: attrs fields, read-only arrays, `==` that understands arrays.

    Declared parameters are copied to float64 and checked: shape, finiteness, constraint, and that axes of one name
    agree, nested values included. Other arrays are kept without a copy, behind a read-only view.

    Raises (on construction):
        ParameterError: a declared parameter is not valid; the message names the entry.
    """
    own_check = getattr(cls, "__attrs_post_init__", None)  # written here, or in a parent

    def check(self: Any) -> None:
        inner = list(nested(self))
        self.__dict__[_AXES] = _agreed_axes(self, inner)
        _check_held(self, inner)
        if own_check is not None:
            own_check(self)

    if not hasattr(own_check, _CHECKS):  # else the check of a parent that is a value serves
        setattr(check, _CHECKS, True)
        cls.__attrs_post_init__ = check  # type: ignore[attr-defined]
    cls.__eq__ = _equal  # type: ignore[method-assign]
    cls.__hash__ = None  # type: ignore[assignment]
    cls.__reduce__ = _reduce  # type: ignore[method-assign]
    made: Any = attrs.define(frozen=True, slots=False, eq=False, field_transformer=_protect)(cls)
    setattr(made, _LAYOUT, tuple((field.name, field.metadata.get(DECLARED)) for field in attrs.fields(made)))
    setattr(made, _DECLARED, tuple(pair for pair in getattr(made, _LAYOUT) if pair[1] is not None))
    setattr(made, _PLAIN, tuple(name for name, declared in getattr(made, _LAYOUT) if declared is None))
    setattr(made, _FIXED, tuple(field.name for field in attrs.fields(made) if FIXED in field.metadata))
    setattr(made, _PARTS, {f.name: f.metadata[PARTS] for f in attrs.fields(made) if PARTS in f.metadata})
    return made


def is_value(thing: Any) -> bool:
    """Return whether something is made of a class decorated with `value`."""
    return hasattr(thing, _LAYOUT) and not isinstance(thing, type)


def layout(of: Any) -> tuple[tuple[str, Declaration | None], ...]:
    """Return the name and declaration of every field of a value, None for a plain field."""
    return getattr(of, _LAYOUT)


def declarations(of: Any) -> tuple[tuple[str, Declaration], ...]:
    """Return the name and declaration of each parameter field of a value, outermost fields only."""
    return getattr(of, _DECLARED)


def replace(model: V, **changes: Any) -> V:
    """Return a copy of a value with some fields changed, checked anew."""
    return attrs.evolve(model, **changes)  # type: ignore[misc]  # any `value` is an attrs class


def update(model: V, **learnt: Any) -> V:
    """Return a copy of a value with what an M-step learnt, but for the parameters held fixed."""
    kept = held(model)
    return replace(model, **{name: new for name, new in learnt.items() if name not in kept})


def axis_size(of: Any, axis: str) -> int:
    """Return the size of a named axis of a value.

    Raises:
        TypeError: no declared parameter has this axis.
    """
    sizes = getattr(of, "__dict__", {}).get(_AXES, {})
    if axis not in sizes:
        raise TypeError(f"{type(of).__name__} declares no parameter with axis {axis!r}: this needs to know its size")
    return int(sizes[axis][0])


def held(of: Any) -> frozenset[str]:
    """Return the names of the fields of a value that are held fixed."""
    return frozenset().union(*[getattr(of, name) for name in getattr(of, _FIXED)])


def nested(of: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the fields that are values themselves, or parts: their names and values."""
    fields, parts = of.__dict__, getattr(of, _PARTS)
    for name in getattr(of, _PLAIN):
        inner = fields[name]
        if type(inner) in _LEAVES:  # quickly seen
            continue
        values = inner if name in parts else (inner,)
        if all(_AXES in getattr(one, "__dict__", ()) for one in values):
            yield name, values


def _protect(cls: type, fields: list[Any]) -> list[Any]:
    """Give every field the converter that its declaration asks for (an attrs field transformer)."""
    return [field.evolve(converter=_converter(cls, field)) for field in fields]


def _converter(cls: type, field: Any) -> Any:
    declared: Declaration | None = field.metadata.get(DECLARED)
    if declared is None:
        return field.converter or _read_only_view

    def convert(given: Any) -> Any:
        return checked(given, f"{cls.__name__}.{field.name}", declared)

    return convert


def _read_only_view(given: Any) -> Any:
    if not isinstance(given, np.ndarray) or not given.flags.writeable:
        return given
    view = given.view()
    view.flags.writeable = False
    return view


def _agreed_axes(of: Any, inside: list[tuple[str, tuple[Any, ...]]]) -> dict[str, tuple[int, str]]:
    """Return the size of each named axis and a field that has it; raise where two, nested ones `inside`, disagree."""
    sizes: dict[str, tuple[int, str]] = {}
    for name, declared in declarations(of):
        if declared.axes:
            for axis, size in zip(declared.axes, getattr(of, name).shape, strict=True):
                _meet(of, sizes, axis, size, name)
    for name, values in inside:
        how: Parts | None = getattr(of, _PARTS).get(name)
        for i, inner in enumerate(values):
            for axis, (size, where) in inner.__dict__[_AXES].items():
                if how is None or axis in how.shared:
                    _meet(of, sizes, axis, size, f"{name}.{where}" if how is None else f"{name}[{i}].{where}")
        if how is not None and how.added is not None:
            _meet(of, sizes, how.added, sum(inner.__dict__[_AXES][how.added][0] for inner in values), name)
    return sizes


def _meet(of: Any, sizes: dict[str, tuple[int, str]], axis: str, size: int, where: str) -> None:
    """Note the size of an axis of a field, or refuse one that another field contradicts."""
    known, elsewhere = sizes.setdefault(axis, (size, where))
    if known != size:
        raise ParameterError(
            f"{type(of).__name__}: {where} has {size} along axis {axis!r}, but {elsewhere} has {known}"
        )


def _check_held(of: Any, inside: list[tuple[str, tuple[Any, ...]]]) -> None:
    """Refuse to hold what is not a parameter; `inside` are its nested values."""
    kept = held(of)
    if not kept:
        return
    free = [name for name, declared in declarations(of) if declared.free] + [name for name, _ in inside]
    for name in kept:
        if name not in free:
            raise ParameterError(f"{type(of).__name__}.fixed: expected names among {', '.join(free)}, found {name!r}")


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return np.shape(a) == np.shape(b) and bool(np.array_equal(a, b))
    return bool(a == b)


def _equal(self: Any, other: Any) -> bool:
    """Compare class and fields, arrays by their entries."""
    if type(self) is not type(other):
        return NotImplemented
    return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in attrs.fields(type(self)))


def _reduce(self: Any) -> tuple[Any, ...]:
    """Pickle as the constructor's arguments, so that loading checks and protects anew and caches stay behind."""
    fields = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
    return _construct, (type(self), fields)


def _construct(cls: type, fields: dict[str, Any]) -> Any:
    return cls(**fields)
