"""Sparse answers: which annotator gave which label to which item."""

from typing import Any, final

import attrs
import numpy as np

from emkit.arguments import check_count
from emkit.arrays import Array
from emkit.data import Labels, as_labels, total_by

FAR = 100
"""A number beyond so many times the number of answers is a name: counting up to it would fill the memory."""


def count_of(name: str, numbers: Labels) -> int:
    """Return how many things are numbered from 0: as many as the largest number says.

    Raises:
        ValueError: a number so large that it must be a name.
    """
    size = int(numbers.max(initial=-1)) + 1
    if size > FAR * len(numbers):
        raise ValueError(
            f"{name}: found {size - 1} among {len(numbers)} answers; number them from 0, as "
            f"np.unique({name}, return_inverse=True) does, or say how many there are"
        )
    return size


@final
@attrs.frozen(eq=False, init=False)
class Answers:
    """Answers of annotators about items; a unit is an item with all its answers, of which it may have none.

    An annotator may answer an item several times, or not at all. Answers are kept in the order of their items.

    Args:
        item: (M,) the item of each answer, whole numbers from 0, in any order.
        annotator: (M,) who gave it, whole numbers from 0.
        label: (M,) what was answered, whole numbers from 0.
        n_items: N, how many items there are; by default, as many as the largest item says.

    Raises (on construction):
        TypeError: text or other things that are not numbers.
        ValueError: different lengths, a number that is negative or not whole, or an item beyond N; the message names
            the row. Without N, an item so far beyond the number of answers that it must be a name.
    """

    item: Labels  # (M,), in order
    annotator: Labels  # (M,)
    label: Labels  # (M,)
    n_items: int

    def __init__(self, item: Any, annotator: Any, label: Any, n_items: int | None = None) -> None:
        size = check_count("n_items", n_items) if n_items else n_items
        items = as_labels(item, size, name="item")
        annotators, labels = as_labels(annotator, name="annotator"), as_labels(label, name="label")
        if not len(items) == len(annotators) == len(labels):
            raise ValueError(
                f"Answers: expected as many items as annotators and labels, one for each answer, found {len(items)}, "
                f"{len(annotators)} and {len(labels)}"
            )
        order = np.argsort(items, kind="stable")
        columns = items[order], annotators[order], labels[order]
        for column in columns:
            column.flags.writeable = False
        self.__attrs_init__(*columns, count_of("item", items) if size is None else size)

    def __len__(self) -> int:
        """Count the items, answered or not."""
        return self.n_items

    def __getitem__(self, index: Any) -> "Answers":
        """Take a slice, or the items of an index array or a mask, with their answers; they are numbered anew from 0."""
        chosen = np.arange(self.n_items)[index]  # (n,)
        first, end = (np.searchsorted(self.item, chosen, side) for side in ("left", "right"))
        count = end - first  # (n,) answers of each item chosen
        offset = np.repeat(first - (np.cumsum(count) - count), count)
        rows = offset + np.arange(len(offset))
        return Answers(np.repeat(np.arange(len(chosen)), count), self.annotator[rows], self.label[rows], len(chosen))

    def votes(self, n_labels: int) -> Array:
        """Return how often each item was given each label, (N, n_labels)."""
        cells = self.item * n_labels + self.label  # (M,)
        return total_by(cells, np.ones(len(cells)), self.n_items * n_labels).reshape(-1, n_labels)

    def check_known(self, n_annotators: int, n_labels: int) -> None:
        """Refuse answers that a model does not know of.

        Raises:
            ValueError: an annotator or a label beyond their number; the message names the item.
        """
        for name, given, size in (("annotator", self.annotator, n_annotators), ("label", self.label, n_labels)):
            if (given >= size).any():
                row = int(np.argmax(given >= size))
                raise ValueError(
                    f"data: item {self.item[row]} has an answer with {name} {given[row]}; expected a whole number from "
                    f"0 to {size - 1}"
                )
