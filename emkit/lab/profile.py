"""The objective along a line: between two models, or as one parameter changes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from emkit.algorithm import M
from emkit.arguments import same_class
from emkit.arrays import Array
from emkit.data import head, split_weight
from emkit.declarations import ParameterError
from emkit.differences.natural import natural_units
from emkit.execution.evaluate import Evaluator, log_prior
from emkit.execution.threads import one_blas_thread
from emkit.leaves import difference
from emkit.parameters import free_parameters, pack, unpack
from emkit.values import declarations, replace, value

STANDARD_ERRORS = 4.0
"""How far a profile goes to either side, by default."""

UNITS = 500
"""Units of data that tell how far that is."""

POINTS = 101
"""Places of a profile, by default."""

SAME = 1e-6
"""Relative, of parameters taken to free coordinates and back."""


@value
class Profile:
    """The objective along a line through the space of models."""

    along: str  # what changes
    places: Array  # (L,) the parameter, or how far from the first model to the second
    objective: Array  # (L,) log likelihood + log prior, nats; nan where a place is outside the parameter space

    @property
    def best(self) -> float:
        """The place of the highest objective."""
        return float(self.places[np.nanargmax(self.objective)])


def line(first: M, second: M) -> Callable[[float], M]:
    """Return the models on the straight line, in free coordinates, through two models, as a function: 0 and 1 are they.

    Raises:
        TypeError: models of two classes, or without declared parameters.
        ValueError: models with different free coordinates, or that differ in more than these.
    """
    same_class(first, second)
    start, end = pack(first), pack(second)
    if start.shape != end.shape:
        raise ValueError(
            f"expected two models with as many free coordinates, found {len(start)} and {len(end)}: a parameter that "
            "is zero in one of them has none there"
        )
    off, where = difference(second, unpack(end, like=first))
    if off > SAME:
        raise ValueError(
            "expected two models that differ in free coordinates alone, with the same zeros, priors and held "
            f"parameters; of the second, {where}"
        )
    return lambda place: unpack(start + place * (end - start), like=first)


def between(first: M, second: M, data: Any, *, places: npt.ArrayLike | None = None) -> Profile:
    """Return the objective on the straight line, in free coordinates, through two models.

    Args:
        first, second: models of one class and size, such as those of two fits; they stand at 0 and 1.
        data: what they were fitted to.
        places: (L,) where on the line; from -0.25 to 1.25 by default.

    Raises:
        TypeError: models of two classes, or without declared parameters.
        ValueError: models with different free coordinates, or that differ in more than these.
    """
    where = np.linspace(-0.25, 1.25, 151) if places is None else np.asarray(places, dtype=np.float64)
    return Profile("from the first model to the second", where, _objectives(line(first, second), where, first, data))


def profile(
    model: M, data: Any, parameter: str, index: tuple[int, ...] = (), *, places: npt.ArrayLike | None = None
) -> Profile:
    """Return the objective as one entry of a parameter changes and the others stay.

    Shares of the same row follow in proportion, and a covariance matrix stays symmetric.

    Args:
        model: through which the line passes.
        data: what it was fitted to.
        parameter: where it stands, such as "weights" or "emissions.means".
        index: which of its entries.
        places: (L,) values of the entry; by default about four standard errors to either side, inside its space.

    Raises:
        TypeError: the model declares no parameters, or the index is no tuple.
        ValueError: it has no free parameter of that name, or no such entry.
    """
    now = _entry(model, parameter, index)
    path = parameter.split(".")

    def at(place: float) -> M:
        return _with_entry(model, path, index, place)

    chosen = places is None
    if places is None:
        reach = STANDARD_ERRORS * _standard_error(at, now, model, data)
        places = np.linspace(now - reach, now + reach, POINTS)
    where = np.asarray(places, dtype=np.float64)
    name = f"{parameter}[{', '.join(map(str, index))}]" if index else parameter
    objectives = _objectives(at, where, model, data)
    inside = np.isfinite(objectives) if chosen else np.full(len(where), True)
    return Profile(name, where[inside], objectives[inside])


@one_blas_thread()
def _standard_error(at: Callable[[float], Any], now: float, model: Any, data: Any) -> float:
    """Return about how far an estimate is from the truth, all other parameters known, where the model is at `now`."""
    evaluator = Evaluator(model, data, "auto")
    some = head(evaluator.data, UNITS)
    _, weight = split_weight(some)
    counts = np.full(len(some), True) if weight is None else weight > 0

    def log_marginal(entry: Array) -> Array:
        try:
            return np.asarray(at(float(entry[0])).log_marginal(some))[counts]
        except ParameterError:
            return np.array([np.nan])

    unit = natural_units(log_marginal, np.array([now]), None if weight is None else weight[counts])[0]
    return float(unit / np.sqrt(evaluator(model).units))


@one_blas_thread()
def _objectives(at: Callable[[float], Any], places: Array, like: Any, data: Any) -> Array:
    evaluator = Evaluator(like, data, "auto")
    objectives = np.full(len(places), np.nan)
    for i, place in enumerate(places):
        try:
            model = at(float(place))
            objectives[i] = evaluator(model).log_likelihood + log_prior(model)
        except ParameterError:  # outside the parameter space, where there is nothing to draw
            continue
    return objectives


def _entry(model: Any, parameter: str, index: tuple[int, ...]) -> float:
    """Return an entry of a parameter, or say what there is."""
    found = free_parameters(model)
    if parameter not in found:
        raise ValueError(f"parameter: expected one of {', '.join(found)}, found {parameter!r}")
    array = found[parameter]
    if not isinstance(index, tuple):
        raise TypeError(f"index: expected a tuple of whole numbers such as (0, 1), found {index!r}")
    if len(index) != array.ndim or not all(0 <= i < size for i, size in zip(index, array.shape, strict=True)):
        raise ValueError(f"index: expected an entry of {parameter}, which has shape {array.shape}, found {index}")
    return float(array[index])


def _with_entry(of: Any, path: list[str], index: tuple[int, ...], entry: float) -> Any:
    """Return a value with one entry of a parameter changed, wherever it stands inside."""
    name, _, number = path[0].partition("[")
    inner = getattr(of, name)
    if number:
        chosen = int(number[:-1])
        new: Any = tuple(
            _with_entry(one, path[1:], index, entry) if i == chosen else one for i, one in enumerate(inner)
        )
    elif len(path) > 1:
        new = _with_entry(inner, path[1:], index, entry)
    else:
        new = dict(declarations(of))[name].constraint.with_entry(np.asarray(inner), index, entry)
    return replace(of, **{name: new})
