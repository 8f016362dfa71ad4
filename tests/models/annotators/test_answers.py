"""Sparse answers: items with all their answers, however they are ordered, cut and drawn."""

import copy
import pickle
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit import Answers

ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(0, 2)), max_size=30)


def make(rows: Any) -> Answers:
    item, annotator, label = np.array(rows, dtype=int).reshape(-1, 3).T
    return Answers(item, annotator, label, n_items=7)


def of_item(answers: Answers, n: int) -> Counter[tuple[int, int]]:
    """Return the answers of one item by a plain loop."""
    every = zip(answers.item.tolist(), answers.annotator.tolist(), answers.label.tolist(), strict=True)
    return Counter((j, label) for item, j, label in every if item == n)


@given(ROWS, st.lists(st.integers(0, 6), max_size=12))
def test_items_are_taken_with_their_answers(rows: Any, chosen: list[int]) -> None:
    """Items of an index array, some drawn twice, some without answers, come with their answers and new numbers."""
    answers = make(rows)
    taken = answers[np.array(chosen, dtype=int)]
    assert len(taken) == len(chosen)
    for new, old in enumerate(chosen):
        assert of_item(taken, new) == Counter((j, label) for item, j, label in rows if item == old)


@given(ROWS, st.integers(0, 7), st.integers(0, 7), st.sampled_from([1, 2, -1]))
def test_slices_and_masks_are_index_arrays(rows: Any, a: int, b: int, step: int) -> None:
    """A slice and a mask take the items that the index array of the same items takes."""
    answers, items = make(rows), np.arange(7)[a:b:step]
    mask = np.isin(np.arange(7), items)
    for taken, index in ((answers[a:b:step], items), (answers[mask], np.sort(items))):
        assert len(taken) == len(index)
        assert [of_item(taken, n) for n in range(len(index))] == [of_item(answers, n) for n in index]


@given(ROWS)
def test_votes_count_labels(rows: Any) -> None:
    """Votes are how often an item was given a label."""
    expected = np.zeros((7, 3))
    for item, _, label in rows:
        expected[item, label] += 1
    assert np.array_equal(make(rows).votes(3), expected)


def test_items_are_counted_from_the_largest() -> None:
    """Without a number of items there are as many as the largest item says."""
    assert len(Answers([4, 0], [0, 0], [1, 1])) == 5
    assert len(Answers([], [], [])) == 0


def test_answers_are_frozen_and_can_be_copied() -> None:
    """Arrays are read-only and not the caller's; a pickle and a deep copy hold the same answers."""
    item = np.array([1, 0])
    answers = Answers(item, [0, 1], [2, 3])
    item[:] = 7
    assert answers.item.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        answers.label[0] = 1
    for other in (pickle.loads(pickle.dumps(answers)), copy.deepcopy(answers)):
        assert (other.annotator.tolist(), other.label.tolist(), len(other)) == ([1, 0], [3, 2], 2)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([0, -1], [0, 0], [0, 0]), "item: row 1 is -1; expected a whole number of zero or more"),
        (([0, 3], [0, 0], [0, 0], 3), "item: row 1 is 3; expected a whole number from 0 to 2"),
        (([0, 1], [0, 0.5], [0, 0]), r"annotator: row 1 is 0\.5"),
        (([0, 1], [0, 0], [0, np.nan]), "label: row 1 is nan"),
        (([0, 1], [0], [0, 0]), "one for each answer, found 2, 1 and 2"),
        (([[0, 1]], [0], [0]), r"item: expected one whole number for each unit, found an array of shape \(1, 2\)"),
        (([0, 10**12], [0, 0], [0, 0]), r"item: found 1000000000000 among 2 answers; .*np\.unique"),
        (([0], [0], [0], -3), "n_items: expected at least 1, found -3"),
    ],
)
def test_impossible_answers_are_named(columns: Any, message: str) -> None:
    """What is no answer is refused by column and row."""
    with pytest.raises(ValueError, match=message):
        Answers(*columns)


def test_names_are_refused_with_advice() -> None:
    """Names of annotators are a TypeError that says how to number them."""
    with pytest.raises(TypeError, match=r"annotator: .*np\.unique"):
        Answers([0, 1], ["ann", "bob"], [0, 1])
