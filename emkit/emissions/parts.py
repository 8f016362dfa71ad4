"""Statistics of several emissions side by side."""

from typing import Any, Self, final

from emkit.values import value


@final
@value
class PartStatistics:
    """The statistics of each part; `+` and `*` act part by part."""

    parts: tuple[Any, ...]

    def __add__(self, other: Self) -> Self:
        """Add part by part."""
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(tuple(mine + theirs for mine, theirs in zip(self.parts, other.parts, strict=True)))

    def __mul__(self, factor: float) -> Self:
        """Scale part by part."""
        return type(self)(tuple(part * factor for part in self.parts))

    __rmul__ = __mul__
