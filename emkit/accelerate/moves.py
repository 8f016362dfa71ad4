"""One EM step as a move in free coordinates: what every accelerator extrapolates."""

from typing import Any, Generic

from emkit.algorithm import M, Point
from emkit.arrays import Array
from emkit.parameters import n_coordinates, pack
from emkit.values import value


@value
class Move(Generic[M]):
    """Where the M-step takes a model, in free coordinates."""

    to: M  # the M-step's model
    origin: Array  # (P,) of the model it starts from
    step: Array | None  # (P,) that leads to `to`; None where a parameter became a structural zero on the way

    @classmethod
    def of(cls, at: Point[M]) -> "Move[M]":
        """Take the M-step from a point, without a pass over the data."""
        to = at.model.m_step(at.expectation.statistics)
        origin, end = pack(at.model), pack(to)
        return cls(to, origin, end - origin if len(end) == len(origin) else None)


def check_declares(algorithm: Any, model: Any) -> None:
    """Refuse a model without free coordinates.

    Raises:
        TypeError: the model declares no parameters.
    """
    try:
        n_coordinates(model)
    except TypeError as error:
        raise TypeError(f"{type(algorithm).__name__} works in free coordinates: {error}") from error
