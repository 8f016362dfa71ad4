"""What Bernoulli and categorical emissions share: log probabilities of what was chosen, zeros among them."""

from collections.abc import Iterable

import numpy as np

from emkit.arrays import Array
from emkit.model import Complaint

VANISHING = 1e-12
"""A probability below this is, in effect, zero: the estimate runs to the boundary."""


def log_probability(choices: Iterable[tuple[Array, Array]]) -> Array:
    """Return Σ_d log p of what was chosen, (N, K), nats; -inf where something impossible was.

    Args:
        choices: pairs of which cells (N, D) chose an alternative, 1.0 or 0.0, and its probabilities (K, D).
    """
    terms, impossible = [], []  # of (N, K)
    for chosen, probabilities in choices:
        possible = probabilities > 0
        terms.append(chosen @ np.log(np.where(possible, probabilities, 1.0)).T)
        impossible.append(chosen @ (~possible).T.astype(np.float64))
    return np.where(sum(impossible) > 0, -np.inf, sum(terms))


def vanishing(probabilities: Array, name: str) -> list[Complaint]:
    """Find probabilities (K, D, ...) on their way to zero; those that are exactly zero are structure."""
    return [
        (f"component {k}", f"{name} of column {d}{_category(rest)} vanishes ({probabilities[k, d, *rest]:.1e})")
        for k, d, *rest in np.argwhere((probabilities > 0) & (probabilities < VANISHING)).tolist()
    ]


def _category(rest: list[int]) -> str:
    return f", category {rest[0]}," if rest else ""
