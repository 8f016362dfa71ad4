"""Sequences of rows, of any lengths: the data of models whose independent unit is a whole sequence."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import Weighted, as_matrix
from emkit.incomplete import Incomplete

Indices = npt.NDArray[np.intp]

_ADVICE = {
    1: "; write [x[:, None]] for a single sequence of one feature",
    2: "; write [x] for a single sequence",
    3: "; write list(x) for an array of them",
}  # by dimensions


@final
@attrs.frozen(eq=False)
class Steps:
    """The rows of all sequences by time step, longest sequence first, so that each step is one slice without gaps.

    At every step the sequences that go on are the head of those that were there before.
    """

    order: Indices  # (M,) where in the block the row at each place stands
    place: Indices  # (M,) at which place each row of the block stands
    sequence: Indices  # (M,) whose it is
    first: Indices  # (T + 1,) where each step begins

    @property
    def n_sequences(self) -> int:
        """How many sequences there are: all are there at the first step."""
        return int(self.first[1])

    @property
    def previous(self) -> Indices:
        """Where the row before it stands, for every row but the first ones, (M - N,)."""
        count = np.diff(self.first)  # (T,)
        return np.arange(count[0], self.first[-1]) - np.repeat(count[:-1], count[1:])

    def slices(self) -> list[tuple[slice, slice]]:
        """Return, for every step but the first, the rows of the sequences that reach it: one step before, and at it."""
        first = self.first.tolist()
        return [
            (slice(before, before + after - now), slice(now, after))
            for before, now, after in zip(first, first[1:], first[2:], strict=False)
        ]

    def by_step(self, of_rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an array (M, ...) in the order of the block by time step."""
        return np.take(of_rows, self.order, axis=0)

    def back(self, at: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return an array (M, ...) by time step in the order of the block."""
        return np.take(at, self.place, axis=0)


@final
@attrs.frozen(eq=False, slots=False)
class Sequences:
    """N sequences in one block: the rows of all of them one after the other, and how many each has.

    Its length is the number of sequences, and it slices by sequence. `Sequences.of` makes one of a list.
    """

    rows: Any  # (M, D), an array, `Incomplete` or whatever emissions make of them
    lengths: Indices  # (N,), each at least 1

    @classmethod
    def of(cls, data: Any) -> "Sequences":
        """Return a list of sequences as one block.

        Args:
            data: a list of (T, D) arrays, T at least 1 and as it may be for each; `Incomplete` where nan is missing.

        Raises:
            ValueError, TypeError: not a list, or a sequence that is empty, of another width or not a matrix of finite
                numbers; the message names it.
        """
        if isinstance(data, Sequences):
            return data
        if not isinstance(data, (list, tuple)):
            advice = _ADVICE.get(2 if isinstance(data, Incomplete) else len(getattr(data, "shape", ())), "")
            raise TypeError(f"data: expected a list of sequences, (T, D) each, found a {type(data).__name__}{advice}")
        if not data:
            raise ValueError("data: expected at least one sequence, found none")
        matrices = [_as_sequence(i, sequence) for i, sequence in enumerate(data)]
        for i, matrix in enumerate(matrices):
            if matrix.shape[1] != matrices[0].shape[1]:
                raise ValueError(
                    f"data: sequence {i} has {matrix.shape[1]} columns, but sequence 0 has {matrices[0].shape[1]}"
                )
        rows = np.concatenate(matrices)
        rows.flags.writeable = False
        missing = any(isinstance(sequence, Incomplete) for sequence in data)
        return cls(Incomplete(rows) if missing else rows, np.array([len(matrix) for matrix in matrices]))

    def __len__(self) -> int:
        """Count the sequences."""
        return len(self.lengths)

    def __getitem__(self, index: Any) -> "Sequences":
        """Take a slice, or the sequences of an index array."""
        if isinstance(index, slice) and index.step in (None, 1):
            start, stop, _ = index.indices(len(self))
            return Sequences(self.rows[self._ends[start] : self._ends[max(start, stop)]], self.lengths[index])
        chosen = np.arange(len(self))[index]
        rows = [np.arange(self._ends[i], self._ends[i + 1]) for i in chosen]
        return Sequences(self.rows[np.concatenate([np.empty(0, dtype=np.intp), *rows])], self.lengths[chosen])

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows of each sequence."""
        return (self.rows[a:b] for a, b in zip(self._ends, self._ends[1:], strict=False))

    def with_rows(self, prepare: Callable[[Any], Any]) -> "Sequences":
        """Return the sequences with all their rows prepared, or say which sequence has rows that are refused."""
        try:
            return Sequences(prepare(self.rows), self.lengths)
        except (ValueError, TypeError):
            for i, rows in enumerate(self):
                _named(i, prepare, rows)
            raise

    @property
    def starts(self) -> Indices:
        """Where each sequence begins, (N,)."""
        return self._ends[:-1]

    def split(self, of_rows: npt.NDArray[Any]) -> list[npt.NDArray[Any]]:
        """Cut an array with one entry for each row (M, ...) into one array for each sequence."""
        return np.split(of_rows, self.starts[1:])

    def repeat(self, of_sequences: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give every row what its sequence has: (N,) becomes (M,)."""
        return np.repeat(of_sequences, self.lengths)

    def sum(self, of_rows: Array) -> Array:
        """Sum what each row has (M,) over the rows of each sequence, (N,)."""
        return np.add.reduceat(of_rows, self.starts)

    @cached_property
    def steps(self) -> Steps:
        """The rows by time step."""
        longest = np.argsort(-self.lengths, kind="stable")  # (N,)
        rank = np.empty_like(longest)
        rank[longest] = np.arange(len(self))
        time = np.arange(self._ends[-1]) - self.repeat(self.starts)  # (M,)
        ending = np.bincount(self.lengths)  # (T + 1,) how many sequences have each length
        first = np.concatenate([[0], np.cumsum(len(self) - np.cumsum(ending[:-1]))])  # (T + 1,)
        place = first[time] + self.repeat(rank)  # (M,)
        order = np.empty_like(place)
        order[place] = np.arange(len(place))
        return Steps(order, place, self.repeat(np.arange(len(self)))[order], first)

    @cached_property
    def _ends(self) -> Indices:
        """Where each sequence begins, and where the last one ends, (N + 1,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)])


def as_lengths(length: npt.ArrayLike, n: int) -> Indices:
    """Return the lengths of n sequences, (n,), from one length or n of them, or say what is wrong with them."""
    given = np.asarray(length)
    if given.dtype.kind not in "iu":
        raise TypeError(f"length: expected whole numbers, found {length!r:.60}")
    if given.shape not in ((), (n,)) or (given < 1).any():
        raise ValueError(f"length: expected one length or {n} of them, each at least 1, found {length!r:.60}")
    return np.broadcast_to(given, n).astype(np.intp)


def _as_sequence(i: int, sequence: Any) -> Array:
    if isinstance(sequence, Incomplete):
        return sequence.data
    if isinstance(sequence, Weighted):
        raise TypeError(f"data: sequence {i} is Weighted; a weight is that of a whole sequence: Weighted(list, weight)")
    if hasattr(sequence, "__len__") and len(sequence) == 0:
        raise ValueError(f"data: sequence {i} has no observation; leave it out")
    return _named(i, as_matrix, sequence)


def _named(i: int, prepare: Callable[[Any], Any], rows: Any) -> Any:
    """Prepare the rows of one sequence, and name it in whatever is wrong with them."""
    try:
        return prepare(rows)
    except ValueError as error:
        raise ValueError(f"sequence {i}: {error}") from error
    except TypeError as error:
        raise TypeError(f"sequence {i}: {error}") from error
