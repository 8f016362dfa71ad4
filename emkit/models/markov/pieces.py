"""Few long sequences cut in pieces that run side by side, so that a step of all of them is one NumPy call.

A piece starts from a guess of what its neighbour hands over. Once all have run, each runs again from what the neighbour
did hand over, until it meets what it has already: a chain forgets where it came from. No step takes two distributions
apart in Hilbert's projective metric, so that what has met stays together to the end of the piece. For a chain that does
not forget, pieces are given up. Reference: G. Birkhoff (1957), Transactions of the American Mathematical Society 85,
219-227.
"""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, Array
from emkit.sequences import Indices, Sequences, Steps

MET: Final = 64 * EPS
"""Distributions that differ by less, relatively, are one."""

NOTHING: Final = 1e-300
"""Probabilities that differ by less are one."""

WIDTH: Final = 1024
"""Numbers in a step that cost about as much as NumPy's calls do."""

SHORTEST: Final = 32
"""Pieces are at least this long: shorter ones would hardly forget."""

LOOK: Final = 8
"""Pieces are looked at for having met every so many steps."""

PATIENCE: Final = 16
"""Pieces get one round to join, and one more for every so many of a sequence: beyond, its rows one by one cost less."""

Direction: TypeAlias = Literal[1, -1]

FORWARD: Final[Direction] = 1
BACKWARD: Final[Direction] = -1


class UnforgottenError(Exception):
    """A chain remembers for so long that its sequences are better left uncut."""


@final
@attrs.frozen(eq=False)
class Pieces:
    """N sequences cut in P pieces; a sequence that is not long is one piece."""

    lengths: Indices  # (P,)
    continues: npt.NDArray[np.bool_]  # (P,) whether it follows the piece before it
    steps: Steps
    rank: Indices  # (P,) where in each step it stands
    most: int  # pieces of one sequence

    @classmethod
    def of(cls, lengths: Indices, n_states: int) -> "Pieces":
        """Cut sequences of these lengths (N,) where few of them are long."""
        longest = max(SHORTEST, int(lengths.sum()) * n_states // WIDTH)
        return cls.no_longer(longest, lengths) if lengths.max() > 2 * longest else cls.uncut(lengths)

    @classmethod
    def uncut(cls, lengths: Indices) -> "Pieces":
        """Return sequences of these lengths (N,) as one piece each."""
        return cls.no_longer(int(lengths.max()), lengths)

    @classmethod
    def no_longer(cls, longest: int, lengths: Indices) -> "Pieces":
        """Cut sequences of these lengths (N,) in pieces of so many rows, and what is left over."""
        count = -(-lengths // longest)  # (N,)
        number = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)  # (P,) in its sequence
        cut = np.minimum(np.repeat(lengths, count) - number * longest, longest)  # (P,)
        block = Sequences(np.arange(lengths.sum()), cut)
        return cls(cut, number > 0, block.steps, block.steps.place[block.starts], int(count.max()))

    def place(self, piece: Indices, after: Indices | int, direction: Direction = FORWARD) -> Indices:
        """Return where rows of some pieces (A,) stand, so many steps after the first that a direction comes to."""
        time = after if direction == FORWARD else self.lengths[piece] - 1 - after
        return self.steps.first[time] + self.rank[piece]

    def joints(self) -> tuple[Indices, Indices]:
        """Return where the last row of each piece that goes on stands, and the row that follows it."""
        following = np.flatnonzero(self.continues)
        return self.place(following - 1, 0, BACKWARD), self.place(following, 0)

    def join(self, path: Array, move: Callable[[Indices, Indices], Array], direction: Direction) -> None:
        """Run pieces again from where their neighbours ended, until they meet what they have.

        One that ends without having met hands over anew.

        Args:
            path: (M, K) what all pieces have, by step; it is changed.
            move: what there is at some places (A,), from the places before them (A,) in that direction: (A, K).
            direction: of the recursion.

        Raises:
            UnforgottenError: after so many rounds that the sequences uncut cost less.
        """
        continued = np.append(self.continues[1:], False)  # (P,)
        taking, giving = (self.continues, continued)[::direction]
        pending, rounds = np.flatnonzero(taking), 1 + self.most // PATIENCE
        while len(pending):
            if not rounds:
                raise UnforgottenError
            rounds -= 1
            running, after, ended = pending, 0, [pending[:0]]
            before = self.place(running - direction, self.lengths[running - direction] - 1, direction)
            while len(running):
                stop = min(after + LOOK, int(self.lengths[running].min()))
                for step in range(after, stop):
                    now = self.place(running, step, direction)
                    found, had = move(before, now), path[now]
                    path[now], before = found, now
                after, on = stop, ~_have_met(found, had)
                last = self.lengths[running] == after
                ended.append(running[on & last])
                running, before = running[on & ~last], before[on & ~last]
            unmet = np.concatenate(ended)
            pending = unmet[giving[unmet]] + direction


def _have_met(one: Array, other: Array) -> npt.NDArray[np.bool_]:
    """Return which rows (A, K) agree but for a factor; those that are not numbers have nothing to wait for."""
    ratio = np.divide(one, other, out=np.ones_like(one), where=np.abs(one - other) > NOTHING)
    return ~(ratio.max(axis=1) > (1 + MET) * ratio.min(axis=1))
