"""Units that know their number, and the random number that belongs to each."""

from typing import Any

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.values import value

WORDS = 4
"""Random numbers that Philox makes of one value of its counter."""

LARGEST_KEY = 2**64 - 1
"""The largest half of a key of Philox."""


@value
class Numbered:
    """Rows with the number of each in the data that were prepared: slices keep the numbers."""

    rows: Any  # anything with a length and slices, N of them
    numbers: npt.NDArray[np.intp]  # (N,)

    def __len__(self) -> int:
        """Count the rows."""
        return len(self.numbers)

    def __getitem__(self, index: Any) -> "Numbered":
        """Take a slice, or the rows of an index array, with their numbers."""
        return Numbered(self.rows[index], self.numbers[index])


def uniforms(seed: int, iteration: int, numbers: npt.NDArray[np.intp]) -> Array:
    """Return a uniform number from [0, 1) for each unit (N,), which depends on seed, iteration and its number alone.

    Numbers are those of one stream of Philox for each seed and iteration, begun at the least number asked for.
    Reference: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw (2011), Parallel random numbers: as easy as 1, 2,
    3, SC11, section 4.3.
    """
    if len(numbers) == 0:
        return np.empty(0)
    block = int(numbers.min()) // WORDS
    stream = np.random.Philox(key=seed | iteration << 64, counter=block)
    bits = stream.random_raw(int(numbers.max()) + 1 - block * WORDS)
    return np.asarray((bits[numbers - block * WORDS] >> np.uint64(11)) * 2.0**-53)
