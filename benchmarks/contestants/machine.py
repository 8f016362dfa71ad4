"""The machine itself: how fast it multiplies, takes exponentials and reads memory, on a number of threads."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Array

GEMM = 2500  # rows of the square matrices
READ = 64_000_000  # bytes for each thread, far beyond its caches
EXPONENTIALS = 65_536  # at a time, within the cache


class Rates:
    """The best of a few tries each; `run` takes the number of tries."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        self.threads = threads

    def run(self, n: int) -> dict[str, float]:
        """Measure flops, exponentials and bytes per second."""
        with ThreadPoolExecutor(self.threads) as pool:
            return {
                "flops": max(self._gemm(n), self._fused(pool, n)),
                "exponentials": self._exponentials(pool, n),
                "bytes": self._read(pool, n),
            }

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Return the rates."""
        return dict(fitted)

    def _gemm(self, n: int) -> float:
        """Flops per second of a large matrix product, BLAS's own threads."""
        a = np.random.default_rng(0).normal(size=(GEMM, GEMM))
        out = np.empty_like(a)
        return 2 * GEMM**3 / _best(lambda: np.matmul(a, a, out=out), n)

    def _fused(self, pool: ThreadPoolExecutor, n: int) -> float:
        """Flops per second of multiply-adds in registers; 0 without Numba."""
        if not find_spec("numba"):
            return 0.0
        from benchmarks.contestants.multiply_adds import FLOPS, ROUNDS, SIZE, multiply_adds  # it needs Numba

        blocks = [np.zeros(SIZE) for _ in range(self.threads)]
        return self.threads * ROUNDS * SIZE * FLOPS / _best(lambda: list(pool.map(multiply_adds, blocks)), n)

    def _exponentials(self, pool: ThreadPoolExecutor, n: int) -> float:
        rng = np.random.default_rng(0)
        blocks = [(rng.uniform(-30, 0, EXPONENTIALS), np.empty(EXPONENTIALS)) for _ in range(self.threads)]

        def take(block: tuple[Array, Array]) -> None:
            for _ in range(100):
                np.exp(block[0], out=block[1])

        return 100 * EXPONENTIALS * self.threads / _best(lambda: list(pool.map(take, blocks)), n)

    def _read(self, pool: ThreadPoolExecutor, n: int) -> float:
        """Bytes per second of a scalar product with itself, which reads and does nothing else."""
        blocks = [np.ones(READ // 8) for _ in range(self.threads)]
        return READ * self.threads / _best(lambda: list(pool.map(_square, blocks)), n)


def _square(block: Array) -> float:
    return float(block @ block)


def _best(work: Callable[[], object], n: int) -> float:
    """Return the least seconds of n calls, after one that warms up."""
    seconds = []
    for _ in range(n + 1):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds[1:])


TASKS = {"rates": Rates}
