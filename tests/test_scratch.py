"""Scratch belongs to a thread, is kept, and grows."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from emkit.scratch import scratch


def test_scratch_is_kept() -> None:
    """The same name gives the same memory again, also where less of it is asked for."""
    first = scratch("kept", (3, 4), np.float64)
    first[:] = 7.0
    assert np.shares_memory(first, scratch("kept", (5,), np.float32))
    assert_array_equal(scratch("kept", (12,), np.float64), np.full(12, 7.0))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_scratch_has_the_shape_and_type_asked_for(kind: type) -> None:
    """It grows to any size, and is aligned for its type."""
    for size in (1, 7, 1000):
        found = scratch("grows", (size, 3), kind)
        assert found.shape == (size, 3)
        assert found.dtype == kind
        assert found.flags.aligned
        assert found.flags.c_contiguous


def test_names_and_threads_do_not_share() -> None:
    """What another name or another thread writes to is other memory."""
    mine = scratch("mine", (8,), np.float64)
    assert not np.shares_memory(mine, scratch("other", (8,), np.float64))
    meeting = Barrier(2)

    def theirs(_: int) -> object:
        meeting.wait(timeout=20)
        return scratch("mine", (8,), np.float64)

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(theirs, range(2))
    assert not np.shares_memory(one, two)
    assert not np.shares_memory(mine, one)
