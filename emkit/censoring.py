"""Censored data: values of which only limits are known."""

from typing import Any, NamedTuple, Self, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import Weighted, as_matrix, as_numbers, as_weighted, split_weight


def _as_limits(given: Any) -> Array:
    limits = as_numbers(given, "limits: expected one number for each value").astype(np.float64, copy=False)
    if limits.ndim != 1:
        raise ValueError(f"limits: expected one number for each value, found an array of shape {limits.shape}")
    return _read_only(limits)


def _as_covariates(given: Any) -> Array | None:
    if given is None:
        return None
    covariates = as_numbers(given, "covariates: expected real numbers, a rectangular (N, P) matrix")
    return covariates if covariates.shape[1:] == (0,) else _read_only(as_matrix(covariates, name="covariates"))


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view


@final
@attrs.frozen(eq=False)
class Censored:
    """Values known to lie between limits: exact, censored on the left or on the right, or within an interval.

    Args:
        lower: (N,) lower limits; -inf where there is none (a left-censored value).
        upper: (N,) upper limits; inf where there is none (a right-censored value); equal to `lower` where the value is
            known exactly. A value without any limit tells nothing, and is allowed.
        covariates: (N, P) what the values depend on, without a column of ones; None where there are none.

    Raises (on construction):
        ValueError: a limit that is nan, a lower limit above the upper, lengths that differ; the message names the row.
        TypeError: what is not real numbers.
    """

    lower: Array = attrs.field(converter=_as_limits)
    upper: Array = attrs.field(converter=_as_limits)
    covariates: Array = attrs.field(default=None, converter=_as_covariates)

    def __attrs_post_init__(self) -> None:
        """Refuse limits in the wrong order, and lengths that differ."""
        if self.covariates is None:
            object.__setattr__(self, "covariates", np.empty((len(self.lower), 0)))
        if not len(self.lower) == len(self.upper) == len(self.covariates):
            raise ValueError(
                f"Censored: found {len(self.lower)} lower limits, {len(self.upper)} upper limits and "
                f"{len(self.covariates)} rows of covariates; expected as many of each"
            )
        wrong = ~((self.lower <= self.upper) & (self.lower < np.inf) & (self.upper > -np.inf))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"Censored: row {row} lies between {self.lower[row]} and {self.upper[row]}; expected a lower limit (or "
                "-inf) and an upper limit (or inf) that is not below it"
            )

    @classmethod
    def right(cls, time: npt.ArrayLike, observed: npt.ArrayLike, covariates: Any = None) -> Self:
        """Return values of which those not observed are known to be larger: times until an event, or a last visit.

        Args:
            time: (N,) the value where it was observed, else what it is larger than.
            observed: (N,) true or 1 where it was.
            covariates: (N, P), or None.
        """
        seen = _as_observed(observed, time)
        return cls(time, np.where(seen, time, np.inf), covariates)

    @classmethod
    def left(cls, value: npt.ArrayLike, observed: npt.ArrayLike, covariates: Any = None) -> Self:
        """Return values of which those not observed are known to be smaller: concentrations below a detection limit.

        Args:
            value: (N,) the value where it was observed, else what it is smaller than.
            observed: (N,) true or 1 where it was.
            covariates: (N, P), or None.
        """
        seen = _as_observed(observed, value)
        return cls(np.where(seen, value, -np.inf), value, covariates)

    def __len__(self) -> int:
        """Count the values, known or not."""
        return len(self.lower)

    def __getitem__(self, index: Any) -> "Censored":
        """Take a slice, or the rows of an index array."""
        return Censored(self.lower[index], self.upper[index], self.covariates[index])

    @property
    def exact(self) -> npt.NDArray[np.bool_]:
        """Which values are known exactly, (N,)."""
        return np.asarray(self.lower == self.upper)


class TrueValues(NamedTuple):
    """What is known of the values behind the limits: a point where exact, a truncated distribution where censored."""

    mean: Array  # (N,)
    variance: Array  # (N,) 0 where exact


def as_censored(data: Any, covariates: int | None = None) -> Weighted[Censored]:
    """Return censored data with their weights, or say what was found instead.

    Args:
        data: `Censored`, or that `Weighted`.
        covariates: how many columns of them are expected; None accepts any.

    Raises:
        TypeError: not `Censored`.
        ValueError: another number of covariates.
    """
    censored, weight = split_weight(data)
    if not isinstance(censored, Censored):
        raise TypeError(
            f"data: expected emkit.Censored, found {type(censored).__name__}; write emkit.Censored(lower, upper), or "
            "emkit.Censored(y, y) where all values are exact"
        )
    if covariates is not None and censored.covariates.shape[1] != covariates:
        raise ValueError(f"data: expected {covariates} covariates, found {censored.covariates.shape[1]}")
    return as_weighted(censored, weight)


def informative(data: Weighted[Censored]) -> Weighted[Censored]:
    """Return the values that have a weight and a limit, or say that there are none."""
    tells = (data.weight > 0) & (np.isfinite(data.data.lower) | np.isfinite(data.data.upper))
    if not tells.any():
        raise ValueError("data: expected at least one value with a limit and a weight, found none")
    return data if tells.all() else data[np.flatnonzero(tells)]


def midpoints(x: Censored) -> TrueValues:
    """Return a first guess of values with limits: uniform within intervals, else at the only limit."""
    lower = np.where(np.isfinite(x.lower), x.lower, x.upper)
    with np.errstate(over="ignore"):  # who sums the squares finds that they are infinite
        width = np.where(np.isfinite(x.upper), x.upper - lower, 0.0)
        return TrueValues(lower + 0.5 * width, width**2 / 12)


def _as_observed(observed: npt.ArrayLike, values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    seen = as_numbers(observed, "observed: expected true or false for each observation")
    shape = as_numbers(values, "limits: expected one number for each value").shape
    if seen.shape != shape:
        raise ValueError(f"observed: expected one for each observation, {shape}, found shape {seen.shape}")
    odd = (seen != 0) & (seen != 1)
    if odd.any():
        row = int(np.argmax(odd))
        raise ValueError(f"observed: row {row} is {seen[row]}; expected true or 1 where the value was observed, else 0")
    return np.asarray(seen == 1)
