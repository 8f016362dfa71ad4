"""What an algorithm needs of a model beyond three methods."""

from typing import Any

from emkit.model import HasExpectedLogJoint, MissingPowerError, has


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
