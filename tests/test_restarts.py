"""Many starts: every trace is kept, the best healthy fit is returned, and the count of those that reached it holds."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import FullGaussian, GaussianMixture, Outcome, SphericalGaussian
from emkit.starts import random_points
from tests.gaussians import random_rows

IRIS = emkit.datasets.iris().data[:, :2]


def iris_starts(count: int = 8) -> list[GaussianMixture]:
    return [GaussianMixture.start(IRIS, 3, rng=seed, how=random_points) for seed in range(count)]


def test_every_fit_is_kept() -> None:
    """The fits are those of each start alone, in order, whole traces included."""
    restarts = emkit.best_of(iris_starts(3), IRIS, tol=1e-4)
    alone = [emkit.fit(start, IRIS, tol=1e-4) for start in iris_starts(3)]
    assert [fit.trace for fit in restarts.fits] == [fit.trace for fit in alone]
    assert all(fit.model == one.model for fit, one in zip(restarts.fits, alone, strict=True))


def test_best_is_the_highest_and_counted() -> None:
    """The best has the highest objective of all healthy fits, and `reached` counts those within reach of it."""
    restarts = emkit.best_of(iris_starts(), IRIS, tol=1e-7, within=1e-4)
    healthy = [fit.objective for fit in restarts.fits if fit.outcome is Outcome.CONVERGED]
    assert len(healthy) > 1
    assert restarts.best.objective == max(healthy)
    assert restarts.best in restarts.fits
    assert restarts.reached == sum(max(healthy) - one <= 1e-4 * len(IRIS) for one in healthy)
    assert 1 <= restarts.reached < len(restarts.fits)  # iris has more than one local optimum
    assert f"by {restarts.reached} of {len(restarts.fits)}" in str(restarts)


def test_starts_may_be_a_generator() -> None:
    """Starts may come one by one from a generator, and one alone is the best and reached once."""
    restarts = emkit.best_of((start for start in iris_starts(1)), IRIS, tol=1e-5)
    assert (len(restarts.fits), restarts.reached) == (1, 1)
    assert restarts.best is restarts.fits[0]


def test_healthy_is_preferred_to_degenerate() -> None:
    """A component collapsed on one point has the higher likelihood, and is not the best."""
    x = np.concatenate([random_rows(np.random.default_rng(1), 60), [[9.0, -9.0]] * 4])
    spike = GaussianMixture.from_responsibilities(x, np.repeat([0, 1], [60, 4]), emissions=SphericalGaussian)
    plain = GaussianMixture.from_responsibilities(x, np.tile([0.4, 0.6], (64, 1)), emissions=SphericalGaussian)
    one = GaussianMixture.start(x, 1, rng=0, emissions=SphericalGaussian)
    restarts = emkit.best_of([spike, one], x)
    assert restarts.fits[0].outcome is Outcome.DEGENERATE
    assert restarts.fits[0].objective > restarts.fits[1].objective
    assert restarts.best is restarts.fits[1]
    assert restarts.reached == 1
    both_bad = emkit.best_of([spike, plain], x)
    assert both_bad.best is both_bad.fits[0]


def test_only_degenerate_fits() -> None:
    """Where every fit is degenerate the highest of them is returned, and says what it is."""
    x = np.concatenate([random_rows(np.random.default_rng(1), 60), [[9.0, -9.0]] * 4])
    spike = GaussianMixture.from_responsibilities(x, np.repeat([0, 1], [60, 4]))
    restarts = emkit.best_of([spike, spike], x)
    assert restarts.best.outcome is Outcome.DEGENERATE
    assert restarts.best.objective == max(fit.objective for fit in restarts.fits)


def test_components_swapped_reach_the_same_optimum() -> None:
    """The same start with its components renumbered reaches the same optimum: both are counted."""
    x = emkit.datasets.faithful().data
    start = GaussianMixture.start(x, 2, rng=0)
    swapped = GaussianMixture(start.weights[::-1], FullGaussian(start.means[::-1], start.covariances[::-1]))
    restarts = emkit.best_of([start, swapped], x, within=1e-4)
    assert restarts.reached == 2
    assert_allclose(restarts.fits[0].log_likelihood, restarts.fits[1].log_likelihood, rtol=1e-6)


def test_no_starts_are_refused() -> None:
    """Without a start there is nothing to return: a ValueError before any work."""
    with pytest.raises(ValueError, match="at least one start"):
        emkit.best_of([], IRIS)


def test_arguments_are_those_of_fit() -> None:
    """A bad argument of `fit` is refused in its own words."""
    with pytest.raises(ValueError, match="max_iter"):
        emkit.best_of(iris_starts(1), IRIS, max_iter=0)


def test_ctrl_c_ends_the_search() -> None:
    """An interruption inside a fit ends the whole search, and the fits so far are handed back."""
    x = emkit.datasets.faithful().data

    @emkit.value
    class Interrupted(GaussianMixture):
        def m_step(self, statistics: Any) -> Any:
            raise KeyboardInterrupt

    first, second, third = (GaussianMixture.start(x, 2, rng=seed) for seed in range(3))
    stopped = Interrupted(second.weights, second.emissions)
    restarts = emkit.best_of([first, stopped, third], x)
    assert [fit.outcome for fit in restarts.fits] == [Outcome.CONVERGED, Outcome.INTERRUPTED]
    assert restarts.best is restarts.fits[0]


def test_ctrl_c_between_fits_keeps_them() -> None:
    """An interruption while the next start is made hands back the fits so far."""
    x = emkit.datasets.faithful().data

    def starts() -> Iterator[GaussianMixture]:
        yield GaussianMixture.start(x, 2, rng=0)
        raise KeyboardInterrupt

    assert len(emkit.best_of(starts(), x).fits) == 1


@pytest.mark.parametrize("within", [-1.0, np.nan, np.inf])
def test_a_tolerance_that_is_none_is_refused(within: float) -> None:
    """`within` must be a finite number, zero or more."""
    with pytest.raises(ValueError, match="within"):
        emkit.best_of([], np.zeros((3, 1)), within=within)
