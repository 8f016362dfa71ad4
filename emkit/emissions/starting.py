"""Where a structure with a discrete latent state begins: emissions made from responsibilities."""

import inspect
from typing import Any

import numpy as np

from emkit.arguments import Seed, as_generator, check_count
from emkit.arrays import Array
from emkit.data import Weighted, as_weighted, split_weight
from emkit.emissions.protocol import Emissions, Family, SharesOut
from emkit.incomplete import Incomplete
from emkit.starts import Start, check_enough


def check_family(emissions: Any) -> Family:
    """Return a family of emissions, or say what one is.

    Raises:
        TypeError: not a class with `read`, `features` and `around`, and not a recipe like one.
    """
    if isinstance(emissions, Family) and (isinstance(emissions, type) or not isinstance(emissions, Emissions)):
        return emissions
    raise TypeError(f"emissions: expected a class such as emkit.FullGaussian, found {emissions!r:.60}")


def weighed(family: Family, x: Any) -> Weighted[Any]:
    """Return the units that have weight, checked; every unit counts once unless they are `Weighted`.

    Raises:
        ValueError, TypeError: the family refuses the data, or the weights are all zero.
    """
    given, weight = split_weight(x)
    rows = family.read(given)
    whole = as_weighted(rows, weight)
    if not whole.weight.any():
        raise ValueError("data: the weights are all zero; expected at least one row with weight")
    return whole if whole.weight.all() else whole[np.flatnonzero(whole.weight)]


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
