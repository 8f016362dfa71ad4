"""Many starts: fit each, keep every trace, return the best."""

from collections.abc import Iterable
from typing import Any, Generic

import numpy as np

from emkit.algorithm import M
from emkit.em import fit
from emkit.fitted import Fit
from emkit.stopping import Outcome
from emkit.values import value

HEALTHY = (Outcome.CONVERGED, Outcome.STALLED, Outcome.MAX_ITER)


@value
class Restarts(Generic[M]):
    """The fits of several starts; the best is the one to keep."""

    best: Fit[M]
    fits: tuple[Fit[M], ...]  # in the order of the starts
    reached: int  # how many fits ended within `within` of the best objective, the best included
    within: float  # nats per unit

    def __str__(self) -> str:
        """Say how the best fit went, and how often it was found."""
        return f"{self.best}\nstarts          the best optimum was reached by {self.reached} of {len(self.fits)}"


def best_of(starts: Iterable[M], data: Any, *, within: float = 1e-6, **options: Any) -> Restarts[M]:
    """Fit from several starts and return the best, with all the others.

    The best is the fit with the highest objective among those that are neither degenerate nor broken, since a
    collapsed component has the highest likelihood and means nothing; only where all are is the highest of them taken.
    Ctrl-C ends the search: the fits so far are compared, the interrupted one included.

    Args:
        starts: models to start from, for example `(GaussianMixture.start(x, 3, rng=seed) for seed in range(10))`.
        data: as for `fit`.
        within: fits whose objective per unit is this close to the best, in nats, reached the same optimum.
        options: as for `fit`.

    Raises:
        ValueError: there are no starts.
    """
    if not isinstance(starts, Iterable):
        raise TypeError(f"starts: expected models to start from, found one {type(starts).__name__}; write [model]")
    if not (np.isfinite(within) and within >= 0):
        raise ValueError(f"within: expected a finite number of nats per unit, zero or more, found {within}")
    fits: list[Fit[M]] = []
    try:
        for start in starts:
            fits.append(fit(start, data, **options))
            if fits[-1].outcome is Outcome.INTERRUPTED:
                break
    except KeyboardInterrupt:  # between two fits
        if not fits:
            raise
    if not fits:
        raise ValueError("best_of: expected at least one start, found none")
    best = max(fits, key=lambda one: (one.outcome in HEALTHY, one.objective))
    slack = within * best.trace.records[-1].units
    reached = sum(one.outcome in HEALTHY and abs(one.objective - best.objective) <= slack for one in fits)
    return Restarts(best, tuple(fits), max(reached, 1), within)
