"""Which optional powers a model has, its parts included: what the laboratory and the conformance kit ask."""

from typing import Any

from emkit.model import HasExpectedLogJoint, MayBePartial, MissingPowerError, has
from emkit.parameters import pack


def packs(model: Any) -> bool:
    """Return whether a model declares free parameters."""
    try:
        return len(pack(model)) > 0
    except TypeError:
        return False


def is_exact(model: Any) -> bool:
    """Return whether the M-step claims to maximise."""
    return not (has(model, MayBePartial) and model.partial_m_step())


def has_q(model: Any, statistics: Any) -> bool:
    """Return whether a model, and its parts, know Q."""
    if not has(model, HasExpectedLogJoint):
        return False
    try:
        model.expected_log_joint(statistics)
    except MissingPowerError:
        return False
    return True
