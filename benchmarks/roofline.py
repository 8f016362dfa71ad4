"""The least time one EM iteration of a Gaussian mixture can take on this machine."""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from benchmarks.data import Shape
from benchmarks.environments import Entrant
from benchmarks.process import Contestant

MACHINE = Entrant("machine", "machine", "numpy")
TRIES = 9


@dataclass(frozen=True)
class Rates:
    """What the machine does in a second."""

    flops: float
    exponentials: float
    bytes: float

    def limit(self, shape: Shape, covariance: str) -> float:
        """Return seconds: the data read once, and all products and one exponential for each row and component.

        Products are counted with triangular matrices: D(D+1) flops for a distance, as many for the moments.
        """
        d = shape.features
        flops = shape.pairs * (2 * d * (d + 1) + 6 * d if covariance == "full" else 7 * d)
        return max(
            8 * shape.rows * d / self.bytes,
            flops / self.flops + shape.pairs / self.exponentials,
        )


@cache
def rates(threads: int) -> Rates:
    """Measure this machine on a number of threads."""
    with Contestant(MACHINE, threads) as machine:
        machine.load("rates", Path()).run(TRIES)
        return Rates(**machine.outcome())


def main() -> None:
    """Print the rates for the numbers of threads given."""
    for threads in map(int, sys.argv[1:]):
        print(threads, rates(threads))


if __name__ == "__main__":
    main()
