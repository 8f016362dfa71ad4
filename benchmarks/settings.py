"""What a run of the benchmark was asked for."""

from dataclasses import dataclass, field

from benchmarks.contest import Effort
from benchmarks.data import SHAPES, Shape

QUICK = 20  # how many times less data


@dataclass(frozen=True)
class Settings:
    """The same for every section."""

    shapes: tuple[str, ...] = tuple(SHAPES)
    threads: tuple[int, ...] = (1, 2)
    effort: Effort = field(default_factory=Effort)
    quick: bool = False

    @property
    def most_threads(self) -> int:
        """Where one number of threads is enough."""
        return max(self.threads)

    def sized(self, shape: Shape) -> Shape:
        """Return a shape as it is, or smaller in a quick run."""
        return shape.divided(QUICK) if self.quick else shape

    def rows(self, n: int) -> int:
        """Return a number of rows as it is, or smaller in a quick run."""
        return max(n // QUICK, 1000) if self.quick else n
