"""One pass over the data: the map and the reduce of an E-step, in chunks."""

import math
import operator
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numpy as np

from emkit.arguments import check_count
from emkit.data import Weighted, split_weight
from emkit.execution.chunks import ChunkSize, chunks, unit_bytes, units_in_a_chunk
from emkit.execution.workers import Team
from emkit.incomplete import Incomplete
from emkit.model import Accepts, Compiles, HasPrior, Prepares, SizesChunks, Summarises, has
from emkit.statistics import Expectation

T = TypeVar("T")

PROTOCOL = ("e_step", "m_step", "log_marginal")
"""What every model has."""

UNITS_TOLERANCE = 1e-8
"""How far, relatively, the units that one E-step counts may be from those of the next."""


class Evaluator:
    """A data set, prepared once, on which models run their E-step.

    Args:
        model: any model of the class to be evaluated; it prepares and summarises the data.
        data: anything with a length and slices.
        chunk_size: units handed to the E-step at a time; "auto" asks the model, or goes by the size of a unit; None
            hands over all at once.
        workers: threads that share out the chunks. Results are added in the order of the chunks, whoever is first.

    Raises:
        TypeError: not a model; or the data have no length, or are `Weighted` and the model does not accept weights.
        ValueError, TypeError: whatever `model.prepare` finds wrong with the data.
    """

    def __init__(self, model: Any, data: Any, chunk_size: ChunkSize, workers: int = 1) -> None:
        check_model(model)
        _check_wrappers(model, data)
        if isinstance(data, Weighted) and not data.weight.any():
            raise ValueError("data: the weights are all zero; expected at least one unit with weight")
        prepared = model.prepare(data) if has(model, Prepares) else data
        if not hasattr(prepared, "__len__"):
            raise TypeError(f"data: expected something with a length and slices, found {type(prepared).__name__}")
        self.data = _read_only(prepared)
        if len(self.data) == 0:
            raise ValueError("data: expected at least one unit, found none")
        self.chunk_size = _automatic(model, self.data) if isinstance(chunk_size, str) else chunk_size
        self._team = Team(workers)
        self._as_double = False
        self._compiled = model.compiled_e_step(self.data) if has(model, Compiles) else None
        self._summaries: dict[tuple[int, int], Any] = {}  # by part, and of how many
        if has(model, Summarises):
            self._summary(model, 0, 1)

    def __call__(self, model: Any) -> Expectation[Any]:
        """Run the E-step over the data, once."""
        return self.part(model, 0, 1)

    def part(self, model: Any, i: int, n: int) -> Expectation[Any]:
        """Run the E-step over the i-th of n parts of the data: contiguous, of the same number of units or one more."""
        if has(model, Summarises):
            return _checked(model, model.e_step_of(self._summary(model, i, n)))
        e_step = model.e_step if self._compiled is None else partial(self._compiled, model)
        return self._sum(lambda chunk: _checked(model, e_step(chunk)), self._units(i, n))

    def refine(self) -> bool:
        """Hand out float32 data as float64 from here on, chunk by chunk; return whether that is new."""
        before = self._as_double
        self._as_double = _rows(self.data).dtype == np.float32
        return self._as_double and not before

    def careful_objective(self, model: Any) -> float:
        """Return the objective anew, from `log_marginal` and with an exact sum."""
        return math.fsum(self.total(partial(_careful_sum, model))) + log_prior(model)

    def total(self, function: Callable[[Any], T], add: Callable[[T, T], T] = operator.add) -> T:
        """Return the sum of a function of prepared data over all chunks, in their order."""
        return self._sum(function, self.data, add)

    def _sum(self, function: Callable[[Any], T], data: Any, add: Callable[[T, T], T] = operator.add) -> T:
        parts = chunks(data, self.chunk_size)
        return self._team.sum(function, map(_double, parts) if self._as_double else parts, add)

    def _units(self, i: int, n: int) -> Any:
        """Return the i-th of n parts of the data; the data as they are where there is one."""
        size = len(self.data)
        return self.data if n == 1 else self.data[i * size // n : (i + 1) * size // n]

    def _summary(self, model: Any, i: int, n: int) -> Any:
        """Return the summary of a part, made when first asked for."""
        if (i, n) not in self._summaries:
            self._summaries[i, n] = self._sum(model.summary, self._units(i, n), _add_summaries)
        return self._summaries[i, n]


def check_model(model: Any) -> None:
    """Refuse what is no model.

    Raises:
        TypeError: a class, or an object without the three methods.
    """
    missing = [name for name in PROTOCOL if not callable(getattr(model, name, None))]
    if isinstance(model, type) or missing:
        raise TypeError(
            f"model: expected an object with the methods {', '.join(PROTOCOL)}, found {model!r:.60}"
            + ("; call the class to make a model" if isinstance(model, type) else f", which lacks {missing[0]}")
            + ("; the model of a fit is fit.model" if hasattr(model, "model") else "")
        )


def same_units(units: float, counted: float) -> bool:
    """Return whether two counts of units, sums of weights, may be of the same data."""
    return not abs(units - counted) > UNITS_TOLERANCE * counted  # nan is for others to judge


def log_prior(model: Any) -> float:
    """Return the log prior of a model, nats; 0 without that power."""
    return float(model.log_prior()) if has(model, HasPrior) else 0.0


def _check_wrappers(model: Any, data: Any) -> None:
    """Refuse data in a wrapper that the model does not know of."""
    for wrapper in (Weighted, Incomplete):
        wrapped = isinstance(data, wrapper) or isinstance(split_weight(data)[0], wrapper)
        if wrapped and not (has(model, Accepts) and model.accepts(wrapper)):
            raise TypeError(
                f"{type(model).__name__} does not accept {wrapper.__name__} data. A model that does has a method "
                "`accepts(self, wrapper)` that returns True for it"
            )


def _rows(data: Any) -> Any:
    """Return what holds the numbers of data, weighted or not; an empty array where that is no array."""
    rows = split_weight(data)[0]
    return rows if isinstance(rows, np.ndarray) else np.empty(0)


def _double(chunk: Any) -> Any:
    """Return float32 rows, weighted or not, as float64."""
    rows, weight = split_weight(chunk)
    double = rows.astype(np.float64)
    return double if weight is None else Weighted(double, weight)


def _automatic(model: Any, data: Any) -> int:
    if not has(model, SizesChunks):
        return units_in_a_chunk(unit_bytes(data))
    return check_count(f"{type(model).__name__}.chunk_size", model.chunk_size(data))


def _careful_sum(model: Any, chunk: Any) -> list[float]:
    """Return the sum of weights times log marginals of the units with weight, and what rounding it left out."""
    _, weight = split_weight(chunk)
    log_marginal = np.asarray(model.log_marginal(chunk))
    if log_marginal.ndim != 1:
        raise ValueError(f"expected log marginals of shape (N,), found {log_marginal.shape}")
    terms = (log_marginal if weight is None else weight[weight > 0] * log_marginal[weight > 0]).tolist()
    total = math.fsum(terms)
    return [total, math.fsum([*terms, -total])] if math.isfinite(total) else [total]


def _add_summaries(one: Any, other: Any) -> Any:
    try:
        return one + other
    except TypeError as error:
        raise TypeError(f"summary: expected something that adds with `+`, chunk by chunk: {error}") from error


def _read_only(data: Any) -> Any:
    """Return a view of the data's arrays that an E-step cannot write to."""
    if isinstance(data, Weighted):
        return Weighted(_read_only(data.data), data.weight)
    if type(data) in (list, tuple):
        return type(data)(_read_only(unit) for unit in data)
    if not isinstance(data, np.ndarray):
        return data
    view = data.view()
    view.flags.writeable = False
    return view


def _checked(model: Any, learnt: Any) -> Expectation[Any]:
    if not isinstance(learnt, Expectation):
        raise TypeError(
            f"{type(model).__name__}.e_step returned a {type(learnt).__name__}; expected an emkit.Expectation, "
            "for example emkit.Expectation.of(log_marginal, statistics)"
        )
    if math.isfinite(learnt.log_likelihood) and not (0 <= learnt.units < math.inf and 0 <= learnt.rounding < math.inf):
        raise ValueError(
            f"{type(model).__name__}.e_step returned units {learnt.units} and rounding {learnt.rounding}; expected "
            "finite numbers, zero or more"
        )
    return learnt
