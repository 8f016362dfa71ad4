"""A chart: the free coordinates around a model, in units natural to some data."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from emkit.arrays import Array
from emkit.data import split_weight
from emkit.declarations import ParameterError
from emkit.differences.natural import STEP, gradient, natural_units
from emkit.differences.noise import NOISE_ERRORS, noise
from emkit.parameters import pack, unpack


class Chart:
    """Free coordinates in which a step of one changes the log marginal of a typical unit by about one nat.

    Args:
        centre: a model that declares its parameters.
        data: prepared, as its E-step takes them; a few hundred units tell.
    """

    def __init__(self, centre: Any, data: Any) -> None:
        self.centre = centre
        self.data = data

    @cached_property
    def units(self) -> Array:
        """The natural units of the free coordinates at the centre, (P,)."""
        _, weight = split_weight(self.data)
        share = None if weight is None else weight[weight > 0]
        return natural_units(lambda free: self.log_marginal(self.centre, free), pack(self.centre), share)

    def units_at(self, model: Any) -> Array:
        """Return the units (P,) for a model near the centre; ones where it has other free coordinates."""
        size = len(pack(model))
        return self.units if size == len(self.units) else np.ones(size)

    def log_marginal(self, like: Any, free: Array) -> Array:
        """Return the log marginal of the units that have weight; nan where free coordinates are too far."""
        _, weight = split_weight(self.data)
        with np.errstate(all="ignore"):
            try:
                log_marginal = np.asarray(unpack(free, like=like).log_marginal(self.data))
            except ParameterError:
                return np.array([np.nan])
        return log_marginal if weight is None else log_marginal[weight > 0]

    def gradient(self, of: Callable[[Any], Any], model: Any, *, step: float = STEP) -> Array:
        """Return the derivative of a function of models at one of them, in natural units, (..., P)."""
        return gradient(lambda free: of(unpack(free, like=model)), pack(model), self.units_at(model), step=step)

    def gradient_noise(self, of: Callable[[Any], Any], model: Any) -> Array:
        """Return how far rounding may put the derivative of a function of models off, in natural units, (...)."""
        deviation = noise(lambda free: of(unpack(free, like=model)), pack(model), self.units_at(model))
        return NOISE_ERRORS * deviation / STEP
