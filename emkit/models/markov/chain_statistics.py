"""What a chain of hidden states and its emissions learn from sequences."""

from itertools import pairwise
from typing import Any, Generic, Self, TypeVar

import numpy as np

from emkit.arrays import Array
from emkit.model import Complaint
from emkit.models.mixture import WEIGHTLESS
from emkit.statistics import Statistics
from emkit.values import value

S = TypeVar("S")


@value
class ChainStatistics(Statistics, Generic[S]):
    """Expected counts of first states and of transitions, and what the emissions learn."""

    initial: Array  # (K,) sequences that begin in each state
    transitions: Array  # (K, K) from row to column
    emissions: S

    @classmethod
    def of_path(cls, path: tuple[int, ...], n_states: int, emissions: Any) -> Self:
        """Return the statistics of one sequence whose states are known, with those of its emissions."""
        initial, transitions = np.zeros(n_states), np.zeros((n_states, n_states))
        initial[path[0]] = 1.0
        for i, j in pairwise(path):
            transitions[i, j] += 1.0
        return cls(initial, transitions, emissions)

    @property
    def visits(self) -> Array:
        """Expected number of observations in each state, (K,): each is the first of a sequence or entered."""
        return self.initial + self.transitions.sum(axis=0)

    def complaints(self, transition: Array) -> list[Complaint]:
        """Return which states are empty or never left, and whether transitions (K, K) learn nothing.

        A state that is never left because all its other transitions are zero by structure is none.
        """
        found: list[Complaint] = []
        if len(transition) > 1 and not self.transitions.any():
            found.append(("transition", "cannot be learnt: no sequence has two observations"))
        leaving = np.where(np.eye(len(transition)) > 0, 0.0, transition).sum(axis=1)  # (K,)
        for k, visits in enumerate(self.visits):
            if visits < WEIGHTLESS * self.visits.sum():
                found.append((f"state {k}", f"is empty: {visits:.3g} expected observations"))
            elif 0 < leaving[k] < WEIGHTLESS:
                found.append((f"state {k}", f"is absorbing: it is left with probability {leaving[k]:.3g}"))
        return found
