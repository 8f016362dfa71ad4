"""Basins: starts that reach one optimum are told together, whatever the labels, and poor optima are flagged."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import FullGaussian, GaussianMixture
from emkit.lab import basins
from tests.lab.package import FAITHFUL
from tests.testing.healthy import COUNTS, PoissonMixture
from tests.toys import TwoCoins, counts


def test_labels_do_not_matter() -> None:
    """Starts that differ in the order of components alone reach one optimum."""
    starts = [PoissonMixture([0.4, 0.6], [1.0, 6.0]), PoissonMixture([0.6, 0.4], [6.0, 1.0])]
    found = basins(starts, COUNTS, tol=1e-12)
    (basin,) = found.basins
    assert basin.starts == (0, 1)
    assert not basin.degenerate
    assert not basin.spurious


def test_optima_are_told_apart_and_counted() -> None:
    """Each start belongs to one basin, the highest basin first, and the fits of one basin have one objective."""
    starts = [GaussianMixture.start(FAITHFUL, 3, rng=seed) for seed in range(12)]
    found = basins(starts, FAITHFUL, tol=1e-9, max_iter=5000)
    assert sorted(i for basin in found.basins for i in basin.starts) == list(range(12))
    objectives = [basin.fit.objective for basin in found.basins]
    assert objectives == sorted(objectives, reverse=True)
    assert len(found.basins) > 1
    for basin in found.basins:
        fits = [emkit.fit(starts[i], FAITHFUL, tol=1e-9, max_iter=5000).objective for i in basin.starts]
        np.testing.assert_allclose(fits, basin.fit.objective, atol=0.05)
    lines = str(found).splitlines()
    assert lines[0] == f"{len(found.basins)} optima from 12 starts"
    assert len(lines) == 2 + len(found.basins)


def test_a_component_around_a_few_rows_is_spurious() -> None:
    """A component that wraps itself around three nearly collinear rows leads by these rows alone."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    x[:4] = [[2.0, 2.0], [2.1, 2.1003], [2.2, 2.1998], [2.3, 2.3001]]
    tight = np.cov(x[:4].T)

    def mixture(second: Any, covariance: Any) -> GaussianMixture:
        return GaussianMixture([0.9, 0.1], FullGaussian([[0.0, 0.0], second], [np.eye(2), covariance]))

    found = basins([mixture([2.15, 2.15], tight), mixture([-1.0, 1.0], np.eye(2))], x, tol=1e-10, max_iter=5000)
    assert [basin.spurious for basin in found.basins] == [True, False]
    assert found.basins[0].rests_on is not None
    assert found.basins[0].rests_on <= 6
    assert "spurious: no better than the next but for" in str(found)


def test_a_collapsed_component_is_degenerate() -> None:
    """A start on one row alone is flagged as degenerate, however high its likelihood."""
    model = GaussianMixture([0.9, 0.1], FullGaussian(FAITHFUL[[0, 5]], [np.cov(FAITHFUL.T), 1e-6 * np.eye(2)]))
    found = basins([model, GaussianMixture.start(FAITHFUL, 2, rng=0)], FAITHFUL)
    flagged = {basin.starts: basin.degenerate for basin in found.basins}
    assert flagged == {(0,): True, (1,): False}
    assert "degenerate: " in str(found)


def test_what_makes_no_sense_is_refused() -> None:
    """No starts, or no distance, are refused."""
    with pytest.raises(ValueError, match="expected at least one start"):
        basins([], COUNTS)
    with pytest.raises(ValueError, match="apart: expected a positive number of nats, found 0"):
        basins([PoissonMixture([0.4, 0.6], [1.0, 6.0])], COUNTS, apart=0)


def test_units_without_weight_tell_nothing_apart() -> None:
    """Fits that differ in a unit of weight zero alone reached one optimum, and rest on no such unit."""
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=(50, 1)), [[30.0]]])
    weight = np.append(np.ones(50), 0.0)
    near = GaussianMixture([0.5, 0.5], FullGaussian([[-0.5], [0.5]], [[[1.0]], [[1.0]]]))
    far = GaussianMixture([1.0, 0.0], FullGaussian([[0.0], [30.0]], [[[1.0]], [[1.0]]]))
    found = basins([near, far], emkit.Weighted(x, weight), apart=0.2)
    assert len(found.basins) == 1 or all(basin.rests_on is None for basin in found.basins)
    same = basins(
        [far, GaussianMixture([1.0, 0.0], FullGaussian([[0.0], [-9.0]], [[[1.0]], [[1.0]]]))], emkit.Weighted(x, weight)
    )
    assert len(same.basins) == 1


def test_a_lead_by_the_prior_is_not_spurious() -> None:
    """With a prior, optima are held against each other by the objective that orders them."""
    prior = emkit.Dirichlet(np.full(3, 60.0))
    starts = [GaussianMixture.start(FAITHFUL, 3, rng=seed, weights_prior=prior) for seed in (0, 6, 9)]
    found = basins(starts, FAITHFUL, tol=1e-9, max_iter=5000)
    assert len(found.basins) > 1
    assert not any(basin.spurious for basin in found.basins)


def test_basins_of_three_methods_are_printed() -> None:
    """Models that declare no parameters have basins too."""
    found = basins([TwoCoins(0.3, 0.6), TwoCoins(0.6, 0.3), TwoCoins(0.5, 0.5)], counts(n=40).clip(0, 10))
    assert "optima from 3 starts" in str(found)
