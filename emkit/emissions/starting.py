"""Where a structure with a discrete latent state begins: emissions made from responsibilities."""

import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array
from emkit.data import Weighted, as_weighted, split_weight
from emkit.emissions.protocol import Emissions, Family, SharesOut
from emkit.execution.threads import one_blas_thread
from emkit.incomplete import Incomplete
from emkit.parameters import n_free_parameters
from emkit.samples import count_weighted, sample_rows, sample_size
from emkit.starts import Start, check_enough

Begun: TypeAlias = tuple[Any, Array]
"""Emissions of K states where a fit begins, and the weight of each state (K,)."""

ROWS_PER_STATE = 64
"""Rows of a sample for each state, at least."""

LARGER = (1, 2, 8)
"""How many times as many rows as the first a sample has, where those before leave a state with too few."""

NUMBERS_PER_PARAMETER = 3
"""Numbers that each state of a sample sees for each parameter it has, at least."""


@runtime_checkable
class StartsFromSample(Protocol):
    """Power of a family: a sample of many rows starts it, once what depends on all of them is settled.

    It must leave no row impossible, in the sample or not: a category that a sample misses would be.
    """

    def settled(self, x: Any, weight: Array, n_states: int, options: dict[str, Any], /) -> dict[str, Any]:
        """Return the options of `around` with those that rows x (N, D) of weight (N,) settle, such as a ridge's scale.

        Starts of the same rows get the same, so that their objectives compare.
        """
        ...


def check_family(emissions: Any) -> Family:
    """Return a family of emissions, or say what one is.

    Raises:
        TypeError: not a class with `read`, `features` and `around`, and not a recipe like one.
    """
    if isinstance(emissions, Family) and (isinstance(emissions, type) or not isinstance(emissions, Emissions)):
        return emissions
    raise TypeError(f"emissions: expected a class such as emkit.FullGaussian, found {emissions!r:.60}")


def weighed(family: Family, x: Any) -> Weighted[Any]:
    """Return the units checked and weighted; every unit counts once unless they are `Weighted`.

    Raises:
        ValueError, TypeError: the family refuses the data, or the weights are all zero.
    """
    given, weight = split_weight(x)
    rows = family.read(given)
    whole = as_weighted(rows, weight)
    if not whole.weight.any():
        raise ValueError("data: the weights are all zero; expected at least one row with weight")
    return whole


def with_weight(rows: Weighted[Any]) -> Weighted[Any]:
    """Return the units that have weight."""
    return rows if rows.weight.all() else rows[np.flatnonzero(rows.weight)]


def responsibilities(
    family: Family, rows: Weighted[Any], n_states: int, how: Start, rng: Seed, *, name: str = "n_components"
) -> Array:
    """Return responsibilities (N, K) of checked rows, by a function of `emkit.starts` or one like it.

    Errors call the number of states by `name`.

    Raises:
        TypeError: `how` is not a function.
        ValueError: K is below 1, or there are fewer than K distinct rows.
    """
    if not callable(how):
        raise TypeError(f"how: expected a function of emkit.starts or one like it, found {how!r}")
    if isinstance(family, SharesOut):
        return family.share_out(rows, check_count(name, n_states), how, as_generator(rng))
    features = family.features(rows.data)  # (N, F)
    check_enough(features, check_count(name, n_states), name)
    return how(features, rows.weight, n_states, as_generator(rng))


@one_blas_thread()
def begun(
    family: Family,
    rows: Weighted[Any],
    n_states: int,
    rng: np.random.Generator,
    options: dict[str, Any],
    make: Callable[[Weighted[Any], dict[str, Any]], Begun],
) -> Begun:
    """Return what `make` makes of the checked rows that have weight: of a sample of many, where the family takes one.

    Larger samples serve where a state sees too little to know its parameters; and all rows where samples are refused,
    so that it is the data that are refused in the end.
    """
    if isinstance(family, StartsFromSample):
        width = _width(rows.data)
        smallest = max(sample_size(check_count("n_components", n_states), width), ROWS_PER_STATE * n_states)
        many = count_weighted(rows.weight)
        for size in (times * smallest for times in LARGER if times * smallest < many):
            few = Weighted(rows.data[sample_rows(rows.weight, size, rng)], np.ones(size))
            try:
                with np.errstate(over="ignore"):  # by columns that all rows refuse by name
                    emissions, count = make(few, family.settled(rows.data, rows.weight, n_states, options))
            except ValueError:
                continue
            needed = NUMBERS_PER_PARAMETER * n_free_parameters(emissions) / n_states  # numbers that each state sees
            if count.min() * width >= needed or size == LARGER[-1] * smallest:
                return emissions, count * float(rows.weight.sum() / size)
    return make(with_weight(rows), options)


def shared_out(
    family: Family, rows: Weighted[Any], n_states: int, how: Start, rng: np.random.Generator, options: dict[str, Any]
) -> Begun:
    """Return the emissions that a family makes of checked rows, shared out by a function of `emkit.starts`.

    Raises:
        TypeError: `how` is not a function, or an option that the family does not take.
        ValueError: K is below 1, or there are fewer than K distinct rows.
    """
    share = responsibilities(family, rows, n_states, how, rng) * rows.weight[:, None]  # (N, K)
    return made(family, rows.data, share, options), share.sum(axis=0)


def made(family: Family, x: Any, posterior: Array, options: dict[str, Any]) -> Any:
    """Return the emissions that a family makes of the rows of which something is seen, given posterior (N, K).

    Rows without a missing cell reach it as an array: a family that takes whole rows only need not know of others.

    Raises:
        TypeError: an option that the family does not take.
    """
    _check_options(family, options)
    if isinstance(x, Incomplete):
        some = x.seen.any(axis=1)  # (N,)
        x, posterior = x[np.flatnonzero(some)], posterior[some]
        x = x.data if x.seen.all() else x
    return family.around(x, posterior, **options)


def _check_options(family: Family, options: dict[str, Any]) -> None:
    takes = inspect.signature(family.around).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values()):
        return
    known = list(takes)[2:]  # after the rows and how they are shared out
    for name in options:
        if name not in known:
            which = getattr(family, "__name__", type(family).__name__)
            raise TypeError(f"{which} takes no option {name!r} in a start; it takes {', '.join(known) or 'none'}")


def _width(x: Any) -> int:
    return int((x.data if isinstance(x, Incomplete) else x).shape[1])
