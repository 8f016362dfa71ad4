"""What E-steps return: objects that add."""

from collections.abc import Callable
from operator import add
from typing import Any, Generic, Self, TypeVar

import attrs
import numpy as np

from emkit.arrays import EPS, Array
from emkit.values import value

S = TypeVar("S")


class Statistics:
    """Expected complete-data statistics whose `+` and `*` act on every field.

    Subclass it with `@emkit.value` and declare one field per sum over units. Statistics that need another rule of
    addition, such as second moments, write their own `__add__`.
    """

    def __add__(self, other: Self) -> Self:
        """Add field by field: the statistics of both sets of units together."""
        if type(other) is not type(self):
            return NotImplemented
        return self._fields(lambda name: getattr(self, name) + getattr(other, name))

    def __mul__(self, factor: float) -> Self:
        """Scale every field: the statistics of units that count `factor` times."""
        return self._fields(lambda name: getattr(self, name) * factor)

    __rmul__ = __mul__

    def _fields(self, of: Callable[[str], Any]) -> Self:
        return type(self)(**{field.name: of(field.name) for field in attrs.fields(type(self))})  # type: ignore[arg-type]


def _scalar(number: Any) -> float:
    if type(number) is float:  # quickly seen
        return number
    if np.ndim(number) != 0:
        raise TypeError(
            f"Expectation: expected one number summed over units, found an array of shape {np.shape(number)}"
        )
    return float(number)


def _all_ones(weight: Array, length: int) -> bool:
    """Return whether a weight of one is broadcast to all units, as it is to data without weights."""
    return np.shape(weight) == (length,) and weight.strides == (0,) and length > 0 and weight[0] == 1


@value
class Expectation(Generic[S]):
    """What one E-step learns from data; `+` joins what was learnt from two sets of units.

    Most E-steps end in `Expectation.of(log_marginal, statistics, weight)`.

    Raises (on construction):
        TypeError: the statistics are a tuple, a list or another container whose `+` does not add numbers, or a
            sum is not a single number.
    """

    log_likelihood: float = attrs.field(converter=_scalar)  # Σ w_n log p(x_n; model), nats
    units: float = attrs.field(converter=_scalar)  # Σ w_n: how many independent units
    rounding: float = attrs.field(converter=_scalar)  # how far log_likelihood may be off, nats
    statistics: S
    observations: float = attrs.field(  # Σ w_n n_n: how many observations the units hold; as many as units, unless told
        default=attrs.Factory(lambda self: self.units, takes_self=True), converter=_scalar
    )

    def __attrs_post_init__(self) -> None:
        """Refuse statistics whose `+` would not add."""
        if isinstance(self.statistics, (tuple, list, dict, set, str)) or self.statistics is None:
            raise TypeError(
                f"Expectation: statistics are a {type(self.statistics).__name__}, whose `+` does not add numbers; "
                "declare a class: `@emkit.value class Counts(emkit.Statistics)` with one field per sum"
            )

    def __add__(self, other: "Expectation[S]") -> "Expectation[S]":
        """Join two disjoint sets of units."""
        if not isinstance(other, Expectation):
            return NotImplemented
        return Expectation(
            self.log_likelihood + other.log_likelihood,
            self.units + other.units,
            self.rounding + other.rounding,
            add(self.statistics, other.statistics),
            self.observations + other.observations,
        )

    @classmethod
    def of(
        cls,
        log_marginal: Array,
        statistics: S,
        weight: Array | None = None,
        *,
        conditioning: float = 0.0,
        observations: float | None = None,
    ) -> "Expectation[S]":
        """Sum log marginals into an expectation.

        Args:
            log_marginal: (N,) log p(x_n; model) of each unit, nats.
            statistics: expected complete-data statistics, summed over the same units, weights included.
            weight: (N,) weight of each unit; None counts each once. Units of weight zero have no influence, even
                where they are impossible.
            conditioning: nats per unit by which the objective may be off beyond the rounding of its terms, where a
                model knows that it is badly conditioned.
            observations: how many observations the units hold, weights included, where that is not one each: the
                steps of sequences. `fit.bic` counts them.

        Raises:
            ValueError: log_marginal is not one-dimensional, or weight has another shape.
        """
        log_marginal = np.asarray(log_marginal)
        if log_marginal.ndim != 1:
            raise ValueError(f"Expectation.of: expected log_marginal of shape (N,), found {log_marginal.shape}")
        if weight is None or _all_ones(weight, len(log_marginal)):
            terms, units = log_marginal, float(len(log_marginal))
        else:
            if np.shape(weight) != log_marginal.shape:
                raise ValueError(
                    f"Expectation.of: expected weight of shape {log_marginal.shape}, found {np.shape(weight)}"
                )
            terms, units = np.where(weight > 0, weight, 0.0) * np.where(weight > 0, log_marginal, 0.0), weight.sum()
        total = float(terms.sum())
        magnitude = -total if terms.max(initial=0.0) <= 0 else float(np.abs(terms).sum())
        rounding = EPS * (magnitude + units) + conditioning * units
        return cls(total, units, rounding, statistics, units if observations is None else observations)
