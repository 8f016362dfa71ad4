"""Sequences in one block: slices, time steps, and lists that are refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit import Incomplete, Weighted
from emkit.sequences import Sequences, as_lengths

LENGTHS = st.lists(st.integers(1, 5), min_size=1, max_size=6)


def numbered(lengths: list[int]) -> list[Any]:
    """Return sequences of two columns, sequence number and time."""
    return [np.column_stack([np.full(n, float(i)), np.arange(n, dtype=float)]) for i, n in enumerate(lengths)]


def same(found: Sequences, expected: list[Any]) -> bool:
    return len(found) == len(expected) and all(map(np.array_equal, found, expected))


@given(LENGTHS, st.integers(0, 6), st.integers(0, 6))
def test_slices_are_those_of_the_list(lengths: list[int], start: int, stop: int) -> None:
    """A slice of the block is the block of the sliced list, forwards, backwards and by an index array."""
    data = numbered(lengths)
    block = Sequences.of(data)
    assert same(block, data)
    assert same(block[start:stop], data[start:stop])
    assert same(block[::-1], data[::-1])
    assert same(block[np.array([0, len(data) - 1, 0])], [data[0], data[-1], data[0]])
    assert same(block[np.arange(len(data)) > 0], data[1:])


@given(LENGTHS)
def test_steps_are_time(lengths: list[int]) -> None:
    """Every step holds the rows of one time, those of the step before it stand in the same order, none is left out."""
    block = Sequences.of(numbered(lengths))
    steps = block.steps
    rows = block.rows[steps.order]  # (M, 2)
    assert sorted(steps.order) == list(range(sum(lengths)))
    assert np.array_equal(steps.back(rows), block.rows)
    assert np.array_equal(steps.by_step(block.rows), rows)
    assert np.array_equal(rows[:, 0], steps.sequence)
    for t in range(max(lengths)):
        assert (rows[steps.first[t] : steps.first[t + 1], 1] == t).all()
    for before, now in steps.slices():
        assert np.array_equal(rows[before] + [0, 1], rows[now])
    assert np.array_equal(rows[steps.previous] + [0, 1], rows[steps.n_sequences :])


def test_cuts_and_repeats() -> None:
    """What rows have is cut by sequence, and what sequences have is repeated by row."""
    block = Sequences.of(numbered([2, 1, 3]))
    assert [one.tolist() for one in block.split(np.arange(6))] == [[0, 1], [2], [3, 4, 5]]
    assert block.repeat(np.array([7.0, 8.0, 9.0])).tolist() == [7, 7, 8, 9, 9, 9]
    assert block.starts.tolist() == [0, 2, 3]
    assert block.sum(np.arange(6.0)).tolist() == [1, 2, 12]


def test_missing_in_one_is_missing_in_the_block() -> None:
    """One sequence with missing values makes a block with missing values; nan in any other is refused."""
    seen, gaps = np.ones((2, 1)), Incomplete(np.array([[1.0], [np.nan]]))
    block = Sequences.of([seen, gaps])
    assert isinstance(block.rows, Incomplete)
    assert block.rows.seen[:, 0].tolist() == [True, True, True, False]
    with pytest.raises(ValueError, match=r"sequence 1: .*row 1, column 0 is nan"):
        Sequences.of([seen, gaps.data])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((3, 2)), r"write \[x\] for a single sequence"),
        (Incomplete(np.ones((3, 2))), r"write \[x\] for a single sequence"),
        (np.ones(3), r"write \[x\[:, None\]\]"),
        (np.ones((3, 2, 1)), r"write list\(x\)"),
        ("text", "expected a list of sequences"),
        (None, "expected a list of sequences"),
        ([], "at least one sequence"),
        ([np.ones((2, 1)), np.ones((0, 1))], "sequence 1 has no observation"),
        ([np.ones((2, 1)), []], "sequence 1 has no observation"),
        ([np.ones((2, 1)), np.ones((2, 2))], "sequence 1 has 2 columns, but sequence 0 has 1"),
        ([np.ones((2, 1)), np.ones(2)], r"sequence 1: .*x\[:, None\]"),
        ([np.ones((2, 1)), [["a"]]], "sequence 1: .*real numbers"),
        ([np.ones((2, 1)), [[1], [2, 3]]], "sequence 1: "),
        ([np.array([[1.0], [np.inf]])], "sequence 0: .*row 1, column 0 is inf"),
        ([Weighted(np.ones((2, 1)), np.ones(2))], "weight is that of a whole sequence"),
        ([7.0], "sequence 0: "),
    ],
)
def test_what_is_no_list_of_sequences_is_refused(data: Any, message: str) -> None:
    """The error names the sequence and says what to try."""
    with pytest.raises((ValueError, TypeError), match=message):
        Sequences.of(data)


def test_refused_rows_are_those_of_a_sequence() -> None:
    """Rows that are refused by whoever prepares them are counted within their sequence, which is named."""

    def prepare(rows: Any) -> Any:
        if (rows < 0).any():
            raise ValueError(f"row {int(np.argmax(rows[:, 0] < 0))} is negative")
        return rows

    with pytest.raises(ValueError, match="sequence 2: row 1 is negative"):
        Sequences.of([[[1]], [[2]], [[3], [-4]]]).with_rows(prepare)


@pytest.mark.parametrize("length", [0, [1, 2], 2.5, [1, 0, 2], "three", None])
def test_bad_lengths(length: Any) -> None:
    """Lengths are whole numbers of at least one, one or as many as sequences."""
    with pytest.raises((ValueError, TypeError), match="length: expected"):
        as_lengths(length, 3)
