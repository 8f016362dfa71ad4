"""Online EM over a stream: how much of the way to the batch optimum one look at each row goes, in what memory.

`python -m benchmarks.online` prints a table. The batch optimum is that of all rows, which are held for it alone.
"""

import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import emkit
from emkit import FullGaussian, GaussianMixture, Mixture, Poisson
from emkit.online import OnlineEM

Array = npt.NDArray[np.float64]

CHUNK = 1_000  # rows
FEW, MANY = 100_000, 1_000_000  # rows of a stream
MIB = 2**20


@dataclass(frozen=True)
class Stream:
    """Rows drawn chunk by chunk from a true model, and a model to start from."""

    name: str
    truth: Any
    start: Any

    def chunks(self, rows: int, seed: int = 0) -> Iterator[Array]:
        """Yield chunks of so many rows in all; the same each time."""
        rng = np.random.default_rng(seed)
        for _ in range(rows // CHUNK):
            yield self.truth.sample(CHUNK, rng)


@dataclass(frozen=True)
class Share:
    """How much of the gap in log likelihood between start and batch optimum was closed, of 1."""

    last: float  # by the last model
    averaged: float  # by that of the averaged statistics


def streams() -> list[Stream]:
    """Return three full Gaussians in three columns, and three Poisson distributions in two, that overlap."""
    means = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 1.0], [0.0, 3.0, -1.0]])
    covariances = np.array([np.eye(3), np.diag([0.5, 1.0, 2.0]), np.eye(3) + 0.4])
    weights = np.array([0.5, 0.3, 0.2])
    wide = GaussianMixture(np.ones(3) / 3, FullGaussian(0.5 + 0.3 * means, np.tile(3 * np.eye(3), (3, 1, 1))))
    rates = np.array([[2.0, 8.0], [6.0, 3.0], [11.0, 12.0]])
    near = Mixture(np.ones(3) / 3, Poisson(5.0 + 0.2 * rates))
    return [
        Stream("Gaussian", GaussianMixture(weights, FullGaussian(means, covariances)), wide),
        Stream("Poisson", Mixture(weights, Poisson(rates)), near),
    ]


def online(stream: Stream, rows: int) -> OnlineEM[Any]:
    """Look at each row of a stream once, and average over the second half."""
    return OnlineEM(stream.start, average_from=rows // CHUNK // 2).run(stream.chunks(rows))


def share_closed(stream: Stream, rows: int) -> Share:
    """Compare one look at each row with EM to its end over all of them."""
    seen = online(stream, rows)
    x = np.concatenate(list(stream.chunks(rows)))
    best = emkit.fit(stream.start, x)
    begin = best.trace[0]

    def share(model: Any) -> float:
        return (float(model.log_marginal(x).sum()) - begin) / (best.log_likelihood - begin)

    return Share(share(seen.model), share(seen.averaged))


def peak_memory(stream: Stream, rows: int) -> float:
    """Return the most that NumPy and Python held while a stream was looked at, MiB."""
    tracemalloc.start()
    try:
        online(stream, rows)
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


def main() -> None:
    """Print, for each stream, shares of the gap closed and peak memory."""
    print(f"{'stream':10}{'model':>10}{'averaged':>10}{f'MiB, {FEW:,} rows':>20}{f'MiB, {MANY:,} rows':>20}")
    for stream in streams():
        closed = share_closed(stream, MANY)
        few, many = peak_memory(stream, FEW), peak_memory(stream, MANY)
        print(f"{stream.name:10}{closed.last:10.4%}{closed.averaged:10.4%}{few:20.2f}{many:20.2f}")


if __name__ == "__main__":
    main()
