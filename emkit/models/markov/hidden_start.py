"""Where a hidden Markov model begins: chain and emissions counted from responsibilities."""

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import Weighted, as_numbers, as_weighted, split_weight
from emkit.emissions import starting
from emkit.emissions.protocol import Family
from emkit.sequences import Sequences
from emkit.starts import as_responsibilities


def read(family: Family, data: Any) -> tuple[Weighted[Sequences], npt.NDArray[np.intp]]:
    """Return the sequences that have weight, checked, and their numbers; each counts once unless they are `Weighted`.

    Raises:
        ValueError, TypeError: not a list of sequences, rows that the family refuses, or weights that are all zero.
    """
    given, weight = split_weight(data)
    sequences = Sequences.of(given)
    whole = as_weighted(sequences, weight)
    kept = np.flatnonzero(whole.weight)
    if len(kept) == 0:
        raise ValueError("data: the weights are all zero; expected at least one sequence with weight")
    some = whole if len(kept) == len(whole) else whole[kept]
    return Weighted(some.data.with_rows(family.read), some.weight), kept


def begin(model: Any, family: Family, data: Any, responsibilities: Any, options: dict[str, Any]) -> Any:
    """Return a model counted from responsibilities; options are fields of the model, or else what `around` takes."""
    kept, numbers = read(family, data)
    share = _read_shares(kept.data, responsibilities, numbers)  # (M, K)
    initial, transition = _count(kept, share)
    fields = {field.name for field in attrs.fields(model)}
    chain = {name: given for name, given in (("initial", initial), ("transition", transition)) if name in fields}
    chain |= {name: given for name, given in options.items() if name in fields}
    rest = {name: given for name, given in options.items() if name not in fields}
    emissions = starting.made(family, kept.data.rows, share * kept.data.repeat(kept.weight)[:, None], rest)
    return model(**chain, emissions=emissions)


def _count(data: Weighted[Sequences], share: Array) -> tuple[Array, Array]:
    """Return shares of first states (K,) and of transitions (K, K), each with one more count than was seen: none is 0.

    One count is that of a sequence of mean weight.
    """
    later = np.ones(len(share), dtype=bool)  # (M,)
    later[data.data.starts] = False
    row_weight = data.data.repeat(data.weight)[later, None]
    one = float(data.weight.mean())
    first = data.weight @ share[data.data.starts] + one  # (K,)
    moves = share[np.roll(later, -1)].T @ (share[later] * row_weight) + one  # (K, K)
    return first / first.sum(), moves / moves.sum(axis=1, keepdims=True)


def _read_shares(sequences: Sequences, given: Any, numbers: npt.NDArray[np.intp]) -> Array:
    """Return responsibilities (M, K) of the rows of some sequences, from a list with one array for each sequence."""
    if not isinstance(given, (list, tuple)) or len(given) <= numbers.max(initial=0):
        raise ValueError("responsibilities: expected a list with one array, (T, K) or (T,), for each sequence")
    chosen = [as_numbers(given[i], f"responsibilities: sequence {i}: expected real numbers") for i in numbers]
    for i, one, length in zip(numbers, chosen, sequences.lengths, strict=True):
        expected = (int(length), *chosen[0].shape[1:])
        if one.shape != expected:
            raise ValueError(
                f"responsibilities: sequence {i} has {length} observations; expected shape {expected}, found "
                f"{one.shape}"
            )
    return as_responsibilities(np.concatenate(chosen), None, len(sequences.rows))
