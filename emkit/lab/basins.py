"""Which optima many starts reach, and which of these mean little."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Generic

import numpy as np

from emkit.algorithm import M
from emkit.arrays import Array
from emkit.data import split_weight
from emkit.execution.evaluate import Evaluator
from emkit.execution.threads import one_blas_thread
from emkit.fitted import Fit
from emkit.parameters import n_free_parameters
from emkit.powers import packs
from emkit.restarts import HEALTHY, best_of
from emkit.values import value

APART = 0.01
"""Nats, the root mean square over units, by which log marginals of two fits of one optimum may differ: as far as fits
that stop a millionth of a nat per unit short of it."""

STANDS_OUT = 3.0
"""Nats by which a unit that an optimum rests on is more probable there than at the next: twenty times."""


@value
class Basin(Generic[M]):
    """One optimum, and the starts that lead to it."""

    fit: Fit[M]  # the best of them
    starts: tuple[int, ...]  # their numbers, in the order in which they were given
    rests_on: int | None = None  # units that stand out, but for which the next optimum would be better; None: no such
    spurious: bool = False  # whether these are no more than the model has parameters
    # A spurious optimum describes these units, not the data: a component has wrapped itself around a few that happen to
    # lie close together. Reference: G. J. McLachlan and D. Peel (2000), Finite Mixture Models, section 3.10.

    @property
    def degenerate(self) -> bool:
        """Whether the fit ended on an edge of the parameter space, where the likelihood means nothing."""
        return self.fit.outcome not in HEALTHY


@value
class Basins(Generic[M]):
    """The optima that many starts reach, the highest first."""

    basins: tuple[Basin[M], ...]
    n_starts: int

    def __str__(self) -> str:
        """Show, for each optimum, its objective, how many starts reach it, and what is wrong with it."""
        lines = [f"{len(self.basins)} optima from {self.n_starts} starts", "     objective  starts"]
        for basin in self.basins:
            note = "  degenerate: " + basin.fit.message.split(". The run ended")[0] if basin.degenerate else ""
            if basin.spurious:
                note = f"  spurious: no better than the next but for {basin.rests_on} units"
            lines.append(f"{basin.fit.objective:14.6f}  {len(basin.starts):6d}{note}")
        return "\n".join(lines)


@one_blas_thread()
def basins(starts: Iterable[M], data: Any, *, apart: float = APART, **options: Any) -> Basins[M]:
    """Fit from many starts, and tell which of them reach the same optimum.

    Two fits reached one optimum where they give every unit the same log marginal: then they are the same distribution,
    in whatever order their components stand.

    Args:
        starts: models to start from, for example `(GaussianMixture.start(x, 3, rng=seed) for seed in range(20))`.
        data: what they are fitted to.
        apart: by how much log marginals of one optimum may differ, nats, the root mean square over units.
        options: as for `emkit.fit`. A small `tol` keeps slow fits from counting as optima of their own.

    Raises:
        ValueError: there are no starts, or `apart` is not positive.
    """
    if not (np.isfinite(apart) and apart > 0):
        raise ValueError(f"apart: expected a positive number of nats, found {apart}")
    starts = list(starts)
    if not starts:
        raise ValueError("basins: expected at least one start, found none")
    fits = best_of(starts, data, **options).fits
    evaluator = Evaluator(fits[0].model, data, "auto")
    _, weight = split_weight(evaluator.data)
    share = np.ones(len(evaluator.data)) if weight is None else np.asarray(weight)  # (N,)
    order = sorted(range(len(fits)), key=lambda i: -fits[i].objective)
    groups: list[list[int]] = []
    marginals: list[Array] = []  # of the best fit of each group, (N,) each
    for i in order:
        mine = np.asarray(fits[i].model.log_marginal(evaluator.data))
        near = (g for g, theirs in enumerate(marginals) if _distance(mine, theirs, share) <= apart)
        if (group := next(near, None)) is not None:
            groups[group].append(i)
        else:
            groups.append([i])
            marginals.append(mine)
    found = [Basin(fits[group[0]], tuple(sorted(group))) for group in groups]
    return Basins(tuple(_compared(found, marginals, share)), len(fits))


def _distance(one: Array, other: Array, share: Array) -> float:
    some = share > 0
    with np.errstate(invalid="ignore"):
        return float(np.sqrt(np.average(np.square(one[some] - other[some]), weights=share[some])))


def _compared(found: list[Basin[M]], marginals: list[Array], share: Array) -> list[Basin[M]]:
    """Return the basins with how many units each rests on, held against the next healthy one below it."""
    healthy = [i for i, basin in enumerate(found) if not basin.degenerate]
    compared = list(found)
    for i, j in pairwise(healthy):
        lead = marginals[i] - marginals[j]  # (N,)
        outstanding = (lead > STANDS_OUT) & (share > 0)
        above, below = (found[k].fit for k in (i, j))
        priors = (above.objective - above.log_likelihood) - (below.objective - below.log_likelihood)
        if outstanding.any() and share[~outstanding] @ lead[~outstanding] + priors <= 0:
            few = int(outstanding.sum())
            spurious = packs(above.model) and few <= n_free_parameters(above.model)
            compared[i] = Basin(above, found[i].starts, few, spurious)
    return compared
