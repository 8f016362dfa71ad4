"""Memory: a pass over a file takes no memory of its size."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emkit
from emkit import GaussianMixture
from emkit.kernels import choice
from tests.gaussians import KINDS

MIB = 2**20


@contextmanager
def at_most(mebibytes: float) -> Iterator[None]:
    """Fail where NumPy and Python hold more than this at any moment inside."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()
    assert peak < mebibytes, f"peak {peak:.1f} MiB"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[Any], Any]:
    def make(dtype: Any) -> Any:
        rng = np.random.default_rng(0)
        x = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=dtype, shape=(1_200_000, 8))
        x[:] = rng.standard_normal(x.shape, dtype=np.float32) + 4 * rng.integers(0, 3, size=(len(x), 1))
        x.flush()
        return np.load(tmp_path / "x.npy", mmap_mode="r")

    return make


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 73.2), (np.float32, 36.6)])
def test_a_fit_of_a_file_stays_small(file: Any, kind: Any, dtype: Any, size: float) -> None:
    """Start, passes with two workers and result hold less than the file, however long it is, and copy no float32."""
    x = file(dtype)
    assert x.nbytes / MIB == pytest.approx(size, abs=0.1)
    with choice.use("never"), at_most(28):  # importing Numba takes more than a fit
        fit = emkit.fit(GaussianMixture.start(x, 3, emissions=kind, rng=0), x, max_iter=2, tol=0, workers=2)
    assert fit.n_iter == 2
