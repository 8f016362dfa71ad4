"""Parameters declared once: frozen values whose fields state their constraint and their named axes.

    @emkit.value
    class PoissonMixture(...):
        weights: Array = emkit.simplex("K")
        rates: Array = emkit.positive("K")

From that declaration follow validation with a message that names the entry, free coordinates (`pack`, `unpack`) and the
number of free parameters. Values nest: a mixture's parameters include those of its emissions.
"""

from collections.abc import Iterator
from typing import Any, TypeVar, dataclass_transform

import attrs
import numpy as np

from emkit.arrays import Array
from emkit.constraints import Constraint, Positive, PositiveDefinite, Probability, Real, Simplex

T = TypeVar("T")
V = TypeVar("V")

_DECLARED = "emkit.declared"
_LAYOUT = "_emkit_layout"  # of a class: the name and declaration of every field, None for a plain one
_AXES = "_emkit_axes"  # of a value: the size of each named axis, and a field that has it


class ParameterError(ValueError):
    """A parameter left its space; the message names the class, the field and the entry.

    `finite` is False where the entry is nan or infinite.
    """

    def __init__(self, message: str, *, finite: bool = True) -> None:
        super().__init__(message)
        self.finite = finite


@attrs.frozen
class Declaration:
    """What a parameter field states of itself."""

    constraint: Constraint
    axes: tuple[str, ...]
    free: bool  # False for hyperparameters: validated, never packed or counted


def _declare(constraint: Constraint, axes: tuple[str, ...], free: bool) -> Any:
    return attrs.field(metadata={_DECLARED: Declaration(constraint, axes, free)})


def real(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of any finite numbers, with its named axes: `means: Array = real("K", "D")`."""
    return _declare(Real(), axes, free)


def positive(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of numbers above zero."""
    return _declare(Positive(), axes, free)


def probability(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of numbers from 0 to 1, each on its own."""
    return _declare(Probability(), axes, free)


def simplex(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of nonnegative numbers that sum to one along the last axis."""
    return _declare(Simplex(), axes, free)


def positive_definite(*axes: str, free: bool = True) -> Any:
    """Declare a parameter of covariance matrices on the last two axes."""
    return _declare(PositiveDefinite(), axes, free)


@dataclass_transform(
    frozen_default=True,
    field_specifiers=(real, positive, probability, simplex, positive_definite, attrs.field),
)
def value(cls: type[T]) -> type[T]:
    """Make a class a frozen value: attrs fields, read-only arrays, `==` that understands arrays.

    Declared parameters are copied to float64 and checked: shape, finiteness, constraint, and that axes of one name
    agree, nested values included. Other arrays are kept without a copy, behind a read-only view.

    Raises (on construction):
        ParameterError: a declared parameter is not valid; the message names the entry.
    """
    own_check = cls.__dict__.get("__attrs_post_init__")

    def check(self: Any) -> None:
        self.__dict__[_AXES] = _agreed_axes(self)
        if own_check is not None:
            own_check(self)

    cls.__attrs_post_init__ = check  # type: ignore[attr-defined]
    cls.__eq__ = _equal  # type: ignore[method-assign]
    cls.__hash__ = None  # type: ignore[assignment]
    cls.__reduce__ = _reduce  # type: ignore[method-assign]
    made: Any = attrs.define(frozen=True, slots=False, eq=False, field_transformer=_protect)(cls)
    layout = tuple((field.name, field.metadata.get(_DECLARED)) for field in attrs.fields(made))
    setattr(made, _LAYOUT, layout)
    return made


def declarations(of: Any) -> Iterator[tuple[str, Declaration]]:
    """Return the name and declaration of each parameter field of a value, outermost fields only."""
    return ((name, declared) for name, declared in _layout(of) if declared is not None)


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


def replace(model: V, **changes: Any) -> V:
    """Return a copy of a value with some fields changed, checked anew."""
    return attrs.evolve(model, **changes)  # type: ignore[misc]  # any `value` is an attrs class


def _nested(of: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields that are values themselves."""
    for name, declared in _layout(of):
        inner = getattr(of, name)
        if declared is None and _AXES in getattr(inner, "__dict__", ()):
            yield name, inner


def _layout(of: Any) -> tuple[tuple[str, Declaration | None], ...]:
    return getattr(of, _LAYOUT)


def _free_parameters(of: Any) -> Iterator[tuple[Declaration, Any]]:
    for name, declared in declarations(of):
        if declared.free:
            yield declared, getattr(of, name)
    for _, inner in _nested(of):
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
    for name, inner in _nested(like):
        changes[name], size = _rebuild(inner, free[used:])
        used += size
    return replace(like, **changes), used


def _require_declared(model: Any) -> None:
    if not hasattr(model, _LAYOUT) or next(_all_declarations(model), None) is None:
        raise TypeError(
            f"{type(model).__name__} declares no parameters: decorate the class with @emkit.value and declare "
            'its fields, for example `weights: Array = emkit.simplex("K")`'
        )
    for name, _ in _layout(model):
        inner = getattr(model, name)
        if hasattr(inner, "m_step"):  # it learns, so it has parameters
            _require_declared(inner)


def _all_declarations(of: Any) -> Iterator[Declaration]:
    yield from (declared for _, declared in declarations(of))
    for _, inner in _nested(of):
        yield from _all_declarations(inner)


def _protect(cls: type, fields: list[Any]) -> list[Any]:
    """Give every field the converter that its declaration asks for (an attrs field transformer)."""
    return [field.evolve(converter=_converter(cls, field)) for field in fields]


def _converter(cls: type, field: Any) -> Any:
    declared: Declaration | None = field.metadata.get(_DECLARED)
    if declared is None:
        return field.converter or _read_only_view

    def convert(given: Any) -> Any:
        return _checked(given, f"{cls.__name__}.{field.name}", declared)

    return convert


def _read_only_view(given: Any) -> Any:
    if not isinstance(given, np.ndarray) or not given.flags.writeable:
        return given
    view = given.view()
    view.flags.writeable = False
    return view


def _checked(given: Any, name: str, declared: Declaration) -> Any:
    """Return a declared parameter as a read-only float64 array (a float without axes), or raise ParameterError."""
    try:
        array = np.array(given)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"found dtype {array.dtype}")
        array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ParameterError(f"{name}: expected real numbers with axes {declared.axes}: {error}") from error
    if array.ndim != len(declared.axes) or 0 in array.shape:
        raise ParameterError(
            f"{name}: expected axes ({', '.join(declared.axes)}), found an array of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ParameterError(f"{_entry(name, index)} is {array[index]}: expected a finite number", finite=False)
    problem = declared.constraint.problem(array)
    if problem is not None:
        index, text = problem
        raise ParameterError(f"{_entry(name, index)} {text}")
    array.flags.writeable = False
    return array if declared.axes else float(array)


def _entry(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def _agreed_axes(of: Any) -> dict[str, tuple[int, str]]:
    """Return the size of each named axis and a field that has it; raise where two fields disagree."""
    sizes: dict[str, tuple[int, str]] = {}

    def meet(axis: str, size: int, where: str) -> None:
        known, elsewhere = sizes.setdefault(axis, (size, where))
        if known != size:
            raise ParameterError(
                f"{type(of).__name__}: {where} has {size} along axis {axis!r}, but {elsewhere} has {known}"
            )

    for name, declared in declarations(of):
        for axis, size in zip(declared.axes, np.shape(getattr(of, name)), strict=True):
            meet(axis, size, name)
    for name, inner in _nested(of):
        for axis, (size, where) in inner.__dict__[_AXES].items():
            meet(axis, size, f"{name}.{where}")
    return sizes


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
