"""What an algorithm needs of a model beyond three methods."""

from typing import Any

from emkit.algorithm import Ascends, Ascent
from emkit.model import HasExpectedLogJoint, MissingPowerError, has
from emkit.parameters import n_coordinates


def check_knows_q(algorithm: Any, model: Any, instead: str) -> None:
    """Refuse a model without Q.

    Args:
        algorithm: who needs it.
        model: any.
        instead: an algorithm that does not.

    Raises:
        MissingPowerError: the model has no `expected_log_joint`.
    """
    if not has(model, HasExpectedLogJoint):
        raise MissingPowerError(
            f"{type(algorithm).__name__} needs Q, and {type(model).__name__} has no `expected_log_joint`: write it, "
            f"or take {instead}"
        )


def check_accelerates(algorithm: Any, model: Any) -> None:
    """Refuse a model without free coordinates, or whose steps ascend nothing.

    Raises:
        TypeError: the model declares no parameters, or that its steps ascend nothing.
    """
    if has(model, Ascends) and model.ascends() is Ascent.NOTHING:
        raise TypeError(
            f"{type(algorithm).__name__}: {type(model).__name__} declares that its steps ascend nothing, which leaves "
            "nothing to accelerate; fit it by plain EM, and go on from fit.model once it ascends, or from what it wraps"
        )
    try:
        n_coordinates(model)
    except TypeError as error:
        raise TypeError(f"{type(algorithm).__name__} works in free coordinates: {error}") from error
