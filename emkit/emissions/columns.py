"""What emissions with independent columns share: entries of one kind, and what is missing cell by cell."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.entries import Entries, as_entries
from emkit.incomplete import Incomplete


class Columns(ABC):
    """D columns that are independent given each of K states; a final class adds the distribution of one of them.

    Independent columns need no more for missing cells: those that are not seen leave the density and the statistics,
    and are imputed or drawn whatever else is seen, given the state.
    """

    entries: ClassVar[Entries]
    """What the data may be."""

    @property
    @abstractmethod
    def means(self) -> Array:
        """The expectation of every column in each state, (K, D)."""

    @abstractmethod
    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row for each state (N,); returns (N, D)."""

    @classmethod
    def read(cls, x: Any) -> Any:
        """Return data (N, D) of the right kind, or raise ValueError or TypeError with the entry at fault."""
        return as_entries(x, cls.entries)

    def prepare(self, x: Any) -> Any:
        """Return data (N, D) of the right kind, or raise ValueError or TypeError with the entry at fault."""
        return as_entries(x, self.entries, features=self.means.shape[1])

    def accepts(self, wrapper: type) -> bool:
        """Accept single missing cells."""
        return wrapper is Incomplete

    def impute(self, x: Incomplete, posterior: Array) -> Array:
        """Return data (N, D), missing cells at their expectation, states shared out by posterior (N, K)."""
        return x.filled(posterior @ self.means)

    def sample_missing(self, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return data (N, D), missing cells drawn given the state of their row."""
        return x.filled(self.sample(states, rng))
