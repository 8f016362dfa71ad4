"""Arguments checked before any work starts."""

from typing import TypeAlias

import numpy as np

Seed: TypeAlias = int | np.random.Generator


def check_count(name: str, count: int, least: int = 1) -> int:
    """Return a whole number of at least so much, or say what was found instead.

    Raises:
        TypeError: not an integer (NumPy's integers are).
        ValueError: below that.
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)):
        raise TypeError(f"{name}: expected a whole number, found {count!r}")
    if count < least:
        raise ValueError(f"{name}: expected at least {least}, found {count}")
    return int(count)


def as_generator(rng: Seed) -> np.random.Generator:
    """Return a random generator: the one given, or a new one from a seed.

    Raises:
        TypeError: neither a generator nor a whole number; randomness is never implicit.
        ValueError: a negative seed.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if isinstance(rng, bool) or not isinstance(rng, (int, np.integer)):
        raise TypeError(f"rng: expected a seed or a numpy.random.Generator, found {rng!r}")
    if rng < 0:
        raise ValueError(f"rng: expected a seed of zero or more, found {rng}")
    return np.random.default_rng(rng)


def same_class(model: object, other: object) -> None:
    """Refuse two models of different classes.

    Raises:
        TypeError: they are.
    """
    if type(model) is not type(other):
        raise TypeError(f"expected two models of one class, found {type(model).__name__} and {type(other).__name__}")
