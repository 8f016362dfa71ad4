"""Chunks: how many units the driver hands over at a time."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import Incomplete, Weighted
from emkit.execution.chunks import CHUNK_BYTES, FEWEST, MOST, check_chunk_size, chunks, unit_bytes, units_in_a_chunk
from emkit.execution.evaluate import Evaluator
from tests.gaussians import KINDS, random_mixture
from tests.toys import PoissonMixture, counts


@given(st.integers(1, 100), st.integers(1, 120) | st.none())
def test_chunks_are_the_data_in_order(length: int, size: int | None) -> None:
    """Chunks of any size put together are the data, and only the last is shorter."""
    parts = list(chunks(np.arange(length), size))
    assert np.array_equal(np.concatenate(parts), np.arange(length))
    assert all(len(part) == size for part in parts[:-1])
    assert len(parts[-1]) <= (length if size is None else size)


@given(st.integers(0, 2**30), st.integers(0, 2**30))
def test_larger_units_come_in_smaller_chunks(one: int, other: int) -> None:
    """The number of units in a chunk never rises with their size, and stays within its bounds."""
    small, large = sorted((one, other))
    assert FEWEST <= units_in_a_chunk(large) <= units_in_a_chunk(small) <= MOST
    assert units_in_a_chunk(CHUNK_BYTES // 5000) == pytest.approx(5000, rel=1e-2)


def test_the_bytes_of_a_unit() -> None:
    """A unit is as large as a row of the array inside, however it is wrapped; 0 where only the model knows."""
    x = np.zeros((5, 3))
    assert unit_bytes(x) == unit_bytes(Weighted(x, np.ones(5))) == unit_bytes(Incomplete(x)) == 24
    assert unit_bytes(Weighted(Incomplete(x), np.ones(5))) == 24
    assert unit_bytes(x.astype(np.float32)) == 12
    assert unit_bytes(np.zeros(5)) == 8
    assert unit_bytes([x, x]) == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_automatic_size_depends_on_columns_components_and_type_alone(kind: Any, dtype: Any) -> None:
    """The same chunk size for any number of rows and any values; fewer rows for more columns, or components."""
    rng = np.random.default_rng(0)

    def size(n: int, width: int, n_components: int) -> int:
        model = random_mixture(kind, rng, n_components, width)
        found = Evaluator(model, rng.normal(size=(n, width)).astype(dtype), "auto").chunk_size
        assert isinstance(found, int)
        return found

    assert size(10, 20, 3) == size(3000, 20, 3)
    widths, components = [size(10, width, 3) for width in (1, 20, 60)], [size(10, 2, k) for k in (1, 20, 60)]
    assert all(more > fewer for more, fewer in pairwise(widths))
    assert all(more >= fewer for more, fewer in pairwise(components))
    assert components[0] > components[-1]


def test_a_model_that_does_not_say_goes_by_the_size_of_a_unit() -> None:
    """A stranger's model gets chunks of as many rows as their bytes allow, and the same fit."""
    x = counts(0, 3000)
    begin = PoissonMixture([0.3, 0.7], [2.0, 8.0])
    assert Evaluator(begin, x, "auto").chunk_size == units_in_a_chunk(8)
    automatic, whole = (emkit.fit(begin, x, chunk_size=size, max_iter=5, tol=0) for size in ("auto", None))
    assert automatic == whole or assert_allclose(list(automatic.trace), list(whole.trace), rtol=1e-13) is None


def test_a_model_may_say_how_much_it_takes() -> None:
    """`chunk_size` of a model rules where the driver may choose, and nowhere else."""
    lengths: list[int] = []

    @emkit.value
    class Sized(PoissonMixture):
        def chunk_size(self, data: Any) -> int:
            return 13

        def e_step(self, x: Any) -> Any:
            lengths.append(len(x))
            return super().e_step(x)

    begin = Sized([0.3, 0.7], [2.0, 8.0])
    next(emkit.steps(begin, counts()))
    next(emkit.steps(begin, counts(), chunk_size=25))
    assert lengths == [13] * 4 + [8] + [25, 25, 10]


@pytest.mark.parametrize("word", ["all", "Auto", ""])
def test_other_words_are_refused(word: str) -> None:
    """A word other than "auto" is refused, with what is expected."""
    with pytest.raises(ValueError, match='chunk_size: expected a whole number, "auto" or None, found'):
        check_chunk_size(word)
