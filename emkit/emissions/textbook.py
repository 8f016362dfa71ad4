"""Log densities of single numbers, as textbooks print them: what oracles are made of, and nothing else uses."""

from collections.abc import Callable, Iterator
from math import inf, lgamma, log, pi, sqrt
from typing import Any

import numpy as np

from emkit.arrays import Array
from emkit.incomplete import Incomplete


def bernoulli(x: float, probability: float) -> float:
    """Return log p(x) of 0 or 1."""
    chance = probability if x == 1 else 1 - probability
    return log(chance) if chance > 0 else -inf


def poisson(x: float, rate: float) -> float:
    """Return log p(x) of a count."""
    if rate == 0:
        return 0.0 if x == 0 else -inf
    return x * log(rate) - rate - lgamma(x + 1)


def exponential(x: float, rate: float) -> float:
    """Return log p(x) of a waiting time."""
    return log(rate) - rate * x


def gamma(x: float, shape: float, rate: float) -> float:
    """Return log p(x) of a positive number."""
    return (shape - 1) * (log(rate) + log(x)) - rate * x - lgamma(shape) + log(rate)


def normal(x: float, mean: float, variance: float) -> float:
    """Return log p(x) of a real number."""
    return -0.5 * ((x - mean) / sqrt(variance)) ** 2 - 0.5 * log(2 * pi * variance)


def by_state(row: Any, log_density: Callable[..., float], *parameters: Array) -> Iterator[tuple[int, Array, float]]:
    """Yield each state k, the one row (D,), nan where missing, and its log density: the sum over its cells seen.

    Args:
        row: data of one row, (1, D) or `Incomplete`.
        log_density: of one cell and its parameters.
        parameters: of every state and column, (K, D) each.
    """
    (values,) = row.data if isinstance(row, Incomplete) else row
    for k, mine in enumerate(zip(*parameters, strict=True)):
        cells = zip(values, *mine, strict=True)
        yield k, values, sum(log_density(*map(float, cell)) for cell in cells if not np.isnan(cell[0]))
