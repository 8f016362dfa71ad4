"""What all accelerators have in common."""

from typing import Any

import attrs

from emkit.algorithm import ascends_nothing
from emkit.parameters import n_coordinates
from emkit.values import value


@value
class Accelerator:
    """An algorithm that extrapolates EM's steps in free coordinates, and falls back on them."""

    plain: bool = attrs.field(default=False, repr=False, kw_only=True)  # whether the last step was EM's

    def check(self, model: Any, /) -> None:
        """Refuse a model without free coordinates, or whose steps ascend nothing.

        Raises:
            TypeError: the model declares no parameters, or that its steps ascend nothing.
        """
        name = type(self).__name__
        if ascends_nothing(model):
            raise TypeError(
                f"{name}: {type(model).__name__} declares that its steps ascend nothing, which leaves nothing to "
                "accelerate; fit it by plain EM, and go on from fit.model once it ascends, or from what it wraps"
            )
        try:
            n_coordinates(model)
        except TypeError as error:
            raise TypeError(f"{name} works in free coordinates: {error}") from error

    def is_plain(self) -> bool:
        """Return whether the last step was one of plain EM."""
        return self.plain
