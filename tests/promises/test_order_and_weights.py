"""Promises on what must not matter: order, chunks, seeds, and how weights are written down."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emkit
from emkit import GaussianMixture, Weighted, starts
from tests.gaussians import KINDS
from tests.promises.hostile import CENTRES, assert_same, every_kind, every_prior, groups, known, start

kinds = st.sampled_from(KINDS)
HOW = [starts.k_means, starts.random_points, starts.random_responsibilities]
every_start = pytest.mark.parametrize("how", HOW, ids=lambda how: how.__name__)
WHOLE = {"tol": 0, "max_iter": 15}


@every_kind
@every_start
def test_the_same_seed_is_bit_equal(kind: Any, how: Any) -> None:
    """Promise 8: the same seed gives the same start, fit and samples, bit for bit."""
    x = groups()
    one, two = (emkit.fit(start(kind, x, how=how), x) for _ in range(2))
    assert one.model == two.model
    assert one.trace == two.trace
    draws = [fit.model.sample(10, np.random.default_rng(4)) for fit in (one, two)]
    assert np.array_equal(*draws)


@given(kinds, st.integers(0, 1000))
def test_the_order_of_rows_changes_nothing(kind: Any, seed: int) -> None:
    """Promise 8: from one start, rows in another order give the same fit to 1e-8."""
    x = groups(25)
    shuffled = np.random.default_rng(seed).permutation(x)
    one, two = (emkit.fit(known(kind), rows, **WHOLE).model for rows in (x, shuffled))
    assert_same(one, two, 1e-8)


@every_kind
def test_the_order_of_labels_changes_nothing(kind: Any) -> None:
    """Promise 8: components in another order give the same components in that order, to 1e-8."""
    x = groups()
    one, two = (emkit.fit(known(kind, means), x, **WHOLE).model for means in (CENTRES, CENTRES[::-1]))
    back = GaussianMixture(two.weights[::-1], flipped(two.emissions))
    assert_same(one, back, 1e-8)


def flipped(emissions: Any) -> Any:
    """Return Gaussian components in reverse order."""
    of_each = {"covariances", "variances"} & set(type(emissions).__annotations__)
    changes = {name: getattr(emissions, name)[::-1] for name in {"means", *of_each}}
    return emkit.replace(emissions, **changes)


@settings(max_examples=15)
@given(kinds, st.sampled_from(["ridge", None]), st.integers(1, 100), st.sampled_from([0.0, 1e8]))
def test_chunks_change_nothing(kind: Any, prior: Any, chunk_size: int, offset: float) -> None:
    """Promise 8: data handed over in chunks of any size give the same fit as the whole, to 1e-8, at any offset."""
    x = groups(25) + offset
    begin = start(kind, x, prior=prior)
    one, two = (emkit.fit(begin, x, chunk_size=size, tol=0, max_iter=5).model for size in (None, chunk_size))
    assert_same(one, two, 1e-8)


@every_kind
@every_prior
@every_start
def test_integer_weights_equal_repetition(kind: Any, prior: Any, how: Any) -> None:
    """Promise 8: a weight of n is n copies of the row, the start with the same seed included."""
    x = groups(20)
    weight = np.random.default_rng(1).integers(0, 4, len(x))
    weighted, repeated = Weighted(x, weight), np.repeat(x, weight, axis=0)
    one, two = (start(kind, data, prior=prior, how=how) for data in (weighted, repeated))
    assert_same(one, two, 1e-8)
    fits = [emkit.fit(one, data, **WHOLE) for data in (weighted, repeated)]
    assert_same(fits[0].model, fits[1].model, 1e-8)
    assert fits[0].objective == pytest.approx(fits[1].objective, rel=1e-11)
    assert fits[0].bic == pytest.approx(fits[1].bic, rel=1e-11)


@settings(max_examples=15)
@given(kinds, st.sampled_from(HOW), st.floats(-250, 250))
def test_the_scale_of_weights_is_irrelevant(kind: Any, how: Any, exponent: float) -> None:
    """Promise 8: without a prior, weights a million times larger or smaller give the same start and fit."""
    x = groups(20)
    weight = np.random.default_rng(1).uniform(0.5, 2, len(x))
    data = [Weighted(x, weight), Weighted(x, weight * 10.0**exponent)]
    one, two = (emkit.fit(start(kind, each, prior=None, how=how), each, **WHOLE).model for each in data)
    assert_same(one, two, 1e-8)


@every_kind
@every_prior
@every_start
def test_rows_without_weight_have_no_influence(kind: Any, prior: Any, how: Any) -> None:
    """Promise 8: rows of weight zero, however far away, change neither start nor fit."""
    x = groups(20)
    far = np.insert(x, [0, 10, 60], [[1e9, -1e9], [5.0, 5.0], [-1e3, 1e12]], axis=0)
    weight = np.insert(np.ones(len(x)), [0, 10, 60], 0.0)
    one = start(kind, x, prior=prior, how=how)
    two = start(kind, Weighted(far, weight), prior=prior, how=how)
    assert_same(one, two, 1e-8)
    assert_same(emkit.fit(one, x, **WHOLE).model, emkit.fit(two, Weighted(far, weight), **WHOLE).model, 1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [1e-12, 1 / 272])
def test_the_scale_of_small_weights_is_irrelevant(kind: type[Any], scale: float) -> None:
    """Promise 8: weights that sum to one, or less, give the mixture that weights of one give: the ridge scales too."""
    x = emkit.datasets.faithful().data
    plain = emkit.fit(GaussianMixture.start(x, 2, rng=0, emissions=kind), x)
    weighted = emkit.Weighted(x, np.full(len(x), scale))
    scaled = emkit.fit(GaussianMixture.start(weighted, 2, rng=0, emissions=kind), weighted)
    assert scaled.outcome == plain.outcome
    np.testing.assert_allclose(scaled.model.covariances, plain.model.covariances, rtol=1e-8)
