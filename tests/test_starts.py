"""Where EM begins: deterministic, weighted as repetition, never two components on one point, and refused in time."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.cluster.vq import kmeans2

import emkit
from emkit import Array, FullGaussian, GaussianMixture, SphericalGaussian, Weighted, starts
from tests.gaussians import KINDS, random_rows

SEEDS = st.integers(0, 2**32 - 1)
STARTS = (starts.k_means, starts.random_points, starts.random_responsibilities)
START_AT: list[Callable[..., GaussianMixture]] = [GaussianMixture.start, GaussianMixture.start_at_points]


def inertia(x: Array, labels: Any) -> float:
    """Return the summed squared distance of each row from the mean of its cluster."""
    return float(sum(((x[labels == k] - x[labels == k].mean(axis=0)) ** 2).sum() for k in np.unique(labels)))


def three_groups(seed: int) -> Array:
    """Return three well separated groups of 30 rows, of unit spread in each column over all."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(size=(30, 2)) + place for place in ([0, 0], [12, 0], [0, 12])])
    centred: Array = (x - x.mean(axis=0)) / x.std(axis=0)
    return centred


@given(SEEDS, st.sampled_from(STARTS), st.integers(1, 5))
def test_responsibilities_for_any_rows(seed: int, start: starts.Start, n_components: int) -> None:
    """A start is rows of nonnegative shares that sum to one, the same for the same seed."""
    x = random_rows(np.random.default_rng(seed), 20)
    one, again = (start(x, np.ones(20), n_components, np.random.default_rng(seed)) for _ in range(2))
    assert one.shape == (20, n_components)
    assert np.array_equal(one, again)
    assert (one >= 0).all()
    assert_allclose(one.sum(axis=1), 1.0, rtol=1e-12)
    assert (one.sum(axis=0) > 0).all()


@given(SEEDS, st.sampled_from(STARTS), st.sampled_from(KINDS))
def test_start_is_deterministic(seed: int, how: starts.Start, kind: Any) -> None:
    """The same seed, or a generator made from it, gives the same start; another seed need not."""
    x = random_rows(np.random.default_rng(seed), 60)
    one = GaussianMixture.start(x, 2, rng=seed, how=how, emissions=kind)
    assert one == GaussianMixture.start(x, 2, rng=seed, how=how, emissions=kind)
    assert one == GaussianMixture.start(x, 2, rng=np.random.default_rng(seed), how=how, emissions=kind)


@given(SEEDS, st.sampled_from(STARTS), st.integers(1, 4))
def test_whole_weights_are_repetition(seed: int, how: starts.Start, n_components: int) -> None:
    """Rows weighted by whole numbers start as rows repeated as often, whatever the start."""
    rng = np.random.default_rng(seed)
    x, count = random_rows(rng, 30), rng.integers(1, 4, size=30)
    weighted = how(x, count.astype(float), n_components, np.random.default_rng(seed))
    repeated = how(np.repeat(x, count, axis=0), np.ones(count.sum()), n_components, np.random.default_rng(seed))
    assert_allclose(repeated, np.repeat(weighted, count, axis=0), rtol=1e-12)


@given(SEEDS, st.sampled_from(STARTS), st.sampled_from(KINDS))
def test_rows_without_weight_have_no_influence(seed: int, how: starts.Start, kind: Any) -> None:
    """Rows of weight zero, even absurd ones, leave the start exactly as it is without them."""
    rng = np.random.default_rng(seed)
    x = random_rows(rng, 60)
    padded = np.concatenate([[[1e9, -1e9]], x, [[-1e6, 1e12]]])
    weight = np.concatenate([[0.0], np.ones(60), [0.0]])
    one = GaussianMixture.start(Weighted(padded, weight), 2, rng=seed, how=how, emissions=kind)
    assert one == GaussianMixture.start(x, 2, rng=seed, how=how, emissions=kind)


@given(SEEDS, st.integers(1, 6), st.booleans())
def test_a_value_is_never_drawn_twice(seed: int, n_components: int, weighted: bool) -> None:
    """From rows with many ties, every component starts on a value of its own."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([np.tile([1.0, 1.0], (100, 1)), rng.integers(2, 5, size=(20, 2)), [[6.0, 6.0]] * 5])
    x = np.concatenate([x, np.arange(12.0).reshape(6, 2) + 10])
    weight = rng.uniform(0.1, 3, len(x)) if weighted else np.ones(len(x))
    chosen = starts.draw_distinct(x, weight, n_components, rng)
    assert len(np.unique(x[chosen], axis=0)) == n_components
    model = GaussianMixture.start_at_points(Weighted(x, weight), n_components, rng=seed)
    assert len(np.unique(model.means, axis=0)) == n_components
    for start in (starts.k_means, starts.random_points):
        shares = start(x, weight, n_components, np.random.default_rng(seed))
        assert (shares.sum(axis=0) > 0).all()


def test_draws_are_in_proportion_to_weight() -> None:
    """The first row drawn has each row's share of the weight as its probability, within six standard errors."""
    x, weight = np.arange(4.0)[:, None], np.array([1.0, 2.0, 3.0, 4.0])
    rng, n = np.random.default_rng(0), 4000
    first = np.bincount([starts.draw_distinct(x, weight, 1, rng)[0] for _ in range(n)], minlength=4) / n
    share = weight / weight.sum()
    assert (np.abs(first - share) < 6 * np.sqrt(share * (1 - share) / n)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_start_at_points(kind: Any) -> None:
    """Components start at rows of the data, with equal weights and the diagonal covariance of the data."""
    x = emkit.datasets.iris().data
    model = GaussianMixture.start_at_points(x, 3, rng=7, emissions=kind, prior=None)
    assert all((x == mean).all(axis=1).any() for mean in model.means)
    assert_allclose(model.weights, 1 / 3)
    variances = x.var(axis=0)
    matrix = np.eye(4) * variances.mean() if kind is SphericalGaussian else np.diag(variances)
    assert_allclose(model.covariances, np.tile(matrix, (3, 1, 1)), rtol=1e-12, atol=1e-15)


@given(SEEDS)
def test_k_means_finds_separated_groups(seed: int) -> None:
    """On separated groups k-means has the inertia of SciPy's kmeans2 started at the true centres."""
    x = three_groups(seed)
    labels = starts.k_means(x, np.ones(90), 3, np.random.default_rng(seed)).argmax(axis=1)
    centres = np.stack([x[30 * k : 30 * k + 30].mean(axis=0) for k in range(3)])
    _, best = kmeans2(x, centres, minit="matrix", iter=50)
    assert_allclose(inertia(x, labels), inertia(x, best), rtol=1e-12)


def test_k_means_rivals_scipy_on_iris() -> None:
    """On iris, k-means is on average no worse than SciPy's kmeans2 with k-means++ seeds and as many steps."""
    x = emkit.datasets.iris().data
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    ours, theirs = [], []
    for seed in range(20):
        shares = starts.k_means(x, np.ones(150), 3, np.random.default_rng(seed))
        ours.append(inertia(x, shares.argmax(axis=1)))
        _, labels = kmeans2(x, 3, minit="++", iter=starts.LLOYD_STEPS, rng=np.random.default_rng(seed))
        theirs.append(inertia(x, labels))
    assert np.mean(ours) < 1.02 * np.mean(theirs)
    assert min(ours) < 1.01 * min(theirs)


@pytest.mark.parametrize("distance", [3.0, 1e10])
def test_k_means_of_many_rows_shares_out_all_of_them(distance: float) -> None:
    """A sample finds the centres of many rows: the inertia is that of SciPy's kmeans2 begun at the truth, to 1%."""
    rng = np.random.default_rng(3)
    truth = rng.integers(4, size=60_000)
    places = distance * np.array([[0, 0], [1, 0], [0, 1], [2, 2]])
    x = places[truth] + rng.normal(size=(60_000, 2))
    shares = starts.k_means(x, np.ones(len(x)), 4, np.random.default_rng(0))
    assert shares.shape == (60_000, 4)
    _, best = kmeans2(x, places, minit="matrix", iter=20)
    assert inertia(x, shares.argmax(axis=1)) < 1.01 * inertia(x, best)


@pytest.mark.parametrize("kind", KINDS)
def test_starts_of_many_rows_share_their_prior(kind: Any) -> None:
    """Whatever the seed, and from given labels too, the ridge of many rows is the same: their objectives compare."""
    rng = np.random.default_rng(4)
    labels = rng.integers(2, size=30_000)
    x = rng.normal(size=(30_000, 2)) + 5 * labels[:, None]
    given_labels = GaussianMixture.from_responsibilities(x, labels, emissions=kind)
    for seed in range(3):
        for make in START_AT:
            assert make(x, 2, rng=seed, emissions=kind).emissions.prior == given_labels.emissions.prior


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_many_rows_are_repetition(kind: Any) -> None:
    """Many rows weighted by whole numbers start where the same rows repeated do, to rounding."""
    rng = np.random.default_rng(5)
    x, count = random_rows(rng, 20_000), rng.integers(1, 4, size=20_000)
    weighted = GaussianMixture.start(Weighted(x, count), 3, rng=6, emissions=kind, prior=None)
    repeated = GaussianMixture.start(np.repeat(x, count, axis=0), 3, rng=6, emissions=kind, prior=None)
    assert_allclose(weighted.weights, repeated.weights, rtol=1e-10)
    assert_allclose(weighted.means, repeated.means, rtol=1e-9, atol=1e-12)
    assert_allclose(weighted.covariances, repeated.covariances, rtol=1e-9, atol=1e-12)


def test_start_of_many_rows_sees_no_more_than_a_sample() -> None:
    """Gaussians of many rows are begun by some of them, at weights and means of the whole to a few hundredths."""
    seen = []

    def how(x: Array, weight: Array, n_components: int, rng: np.random.Generator) -> Array:
        seen.append(len(x))
        return starts.k_means(x, weight, n_components, rng)

    rng = np.random.default_rng(8)
    first = rng.random((100_000, 1)) < 0.3
    model = GaussianMixture.start(rng.normal(size=(100_000, 2)) + 8 * first, 2, rng=0, how=how)
    assert max(seen) < 10_000
    order = np.argsort(model.weights)
    assert_allclose(model.weights[order], [0.3, 0.7], atol=0.03)
    assert_allclose(model.means[order], [[8, 8], [0, 0]], atol=0.1)
    assert_allclose(model.covariances, np.tile(np.eye(2), (2, 1, 1)), atol=0.15)


@given(SEEDS, st.sampled_from(STARTS))
def test_units_do_not_matter(seed: int, start: starts.Start) -> None:
    """Columns rescaled by powers of two start with exactly the same responsibilities."""
    x = random_rows(np.random.default_rng(seed), 30)
    scaled = x * [2.0**-400, 2.0**300]
    one, other = (start(rows, np.ones(30), 3, np.random.default_rng(seed)) for rows in (x, scaled))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_responsibilities_of_zero_and_one(kind: Any) -> None:
    """Labels start as their one-hot responsibilities do, at each group's share and mean."""
    iris = emkit.datasets.iris()
    labels = iris.labels
    assert labels is not None
    model = GaussianMixture.from_responsibilities(iris.data, labels, emissions=kind)
    assert model == GaussianMixture.from_responsibilities(iris.data, np.eye(3)[labels], emissions=kind)
    assert_allclose(model.weights, 1 / 3, rtol=1e-14)
    assert_allclose(model.means, [iris.data[labels == k].mean(axis=0) for k in range(3)], rtol=1e-12)


def test_weights_enter_given_responsibilities() -> None:
    """Given responsibilities, weighted rows start as rows repeated as often; rows of weight zero need none."""
    rng = np.random.default_rng(1)
    x, count, shares = random_rows(rng, 30), rng.integers(0, 3, size=30), rng.dirichlet(np.ones(2), 30)
    weighted = GaussianMixture.from_responsibilities(Weighted(x, count), shares, prior=None)
    repeated = GaussianMixture.from_responsibilities(
        np.repeat(x, count, axis=0), np.repeat(shares, count, axis=0), prior=None
    )
    assert_allclose(weighted.weights, repeated.weights, rtol=1e-13)
    assert_allclose(weighted.means, repeated.means, rtol=1e-12)
    assert_allclose(weighted.covariances, repeated.covariances, rtol=1e-11)


@pytest.mark.parametrize("make", START_AT)
@pytest.mark.parametrize("n_components", [0, -2, 6, 10**6])
def test_impossible_numbers_of_components_are_refused(make: Any, n_components: int) -> None:
    """Fewer than one component, or more than distinct rows with weight, is a ValueError that names the argument."""
    x = np.repeat(np.arange(10.0).reshape(5, 2), 4, axis=0)
    with pytest.raises(ValueError, match="n_components"):
        make(x, n_components, rng=0)
    with pytest.raises(ValueError, match="n_components"):
        make(Weighted(x, np.repeat([1.0, 1.0, 0.0, 0.0, 0.0], 4)), 3, rng=0)


@pytest.mark.parametrize("make", START_AT)
@pytest.mark.parametrize("n_components", [2.0, "2", None, True])
def test_component_counts_are_whole_numbers(make: Any, n_components: Any) -> None:
    """A count that is no whole number is a TypeError; NumPy's integers are."""
    x = random_rows(np.random.default_rng(0), 20)
    with pytest.raises(TypeError, match="n_components"):
        make(x, n_components, rng=0)
    assert make(x, np.int64(2), rng=np.int64(0)) == make(x, 2, rng=0)


@pytest.mark.parametrize("rng", [None, "0", 1.5, True, np.random])
def test_randomness_is_explicit(rng: Any) -> None:
    """Neither a seed nor a generator is a TypeError."""
    with pytest.raises(TypeError, match="rng"):
        GaussianMixture.start(random_rows(np.random.default_rng(0)), 2, rng=rng)


def test_negative_seeds_are_refused() -> None:
    """A negative seed is a ValueError that names the argument."""
    with pytest.raises(ValueError, match="rng"):
        GaussianMixture.start(random_rows(np.random.default_rng(0)), 2, rng=-1)


X = np.arange(10.0).reshape(5, 2) ** 2
BAD_RESPONSIBILITIES: list[tuple[str, Any]] = [
    ("too few rows", np.full((4, 2), 0.5)),
    ("not summing to one", np.full((5, 2), 0.4)),
    ("negative", np.tile([1.5, -0.5], (5, 1))),
    ("nan", np.full((5, 2), np.nan)),
    ("empty component", np.tile([1.0, 0.0], (5, 1))),
    ("label that no row has", np.array([0, 0, 2, 2, 2])),
    ("negative label", np.array([0, 1, -1, 0, 1])),
    ("labels of another length", np.array([0, 1, 0, 1])),
    ("fractional labels", np.array([0.0, 1.0, 0.5, 0.0, 1.0])),
    ("text", np.array(list("aabbb"))),
    ("three axes", np.zeros((5, 2, 2))),
    ("enormous label", np.array([0, 1, 0, 1, 2**62])),
]


@pytest.mark.parametrize(
    "given_", [bad for _, bad in BAD_RESPONSIBILITIES], ids=[name for name, _ in BAD_RESPONSIBILITIES]
)
def test_bad_responsibilities_are_refused(given_: Any) -> None:
    """Responsibilities that are none are a ValueError that says what was expected."""
    with pytest.raises(ValueError, match="responsibilities"):
        GaussianMixture.from_responsibilities(X, given_)


@pytest.mark.parametrize("kind", KINDS)
def test_constant_columns_are_named(kind: Any) -> None:
    """A constant column is refused by its number, but for round components, whose variance all columns share."""
    x = np.column_stack([np.arange(9.0), np.full(9, 5.0)])
    if kind is SphericalGaussian:
        assert np.isfinite(GaussianMixture.start(x, 2, rng=0, emissions=kind).covariances).all()
    else:
        with pytest.raises(ValueError, match="column 1 is constant"):
            GaussianMixture.start(x, 2, rng=0, emissions=kind)


def test_unknown_priors_and_starts_are_refused() -> None:
    """A prior that is none, a start that is no function and emissions that are no class are refused by name."""
    x = random_rows(np.random.default_rng(0))
    wrong: Any
    for name, wrong in [("prior", "rigde"), ("how", "k-means"), ("emissions", "full"), ("emissions", FullGaussian.at)]:
        with pytest.raises((TypeError, ValueError), match=name):
            GaussianMixture.start(x, 2, rng=0, **{name: wrong})
