"""The objective along lines: its ends, its way through the model, what stays in proportion, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import norm

import emkit
from emkit import (
    Censored,
    CensoredNormal,
    Dirichlet,
    FullGaussian,
    GaussianMixture,
    Linkage,
    Mixture,
    Poisson,
    Product,
    Weighted,
)
from emkit.lab import Profile, between, profile
from tests.toys import PoissonMixture, TwoCoins, counts, objective

ERUPTIONS = emkit.datasets.faithful().data
SHORT = emkit.datasets.iris().data[:, :2]
COUNTS = counts()
MIXTURE = PoissonMixture(np.array([0.3, 0.5, 0.2]), np.array([2.0, 8.0, 11.0]))
TABLE = Weighted(np.arange(4), np.array([125.0, 18.0, 20.0, 34.0]))
SEEDS = st.integers(0, 2**32 - 1)


def gaussian(seed: int, n_components: int = 2) -> GaussianMixture:
    return GaussianMixture.start(ERUPTIONS, n_components, rng=seed)


@pytest.mark.parametrize(
    ("first", "second", "data"),
    [
        (gaussian(0), emkit.fit(gaussian(1), ERUPTIONS).model, ERUPTIONS),
        (MIXTURE, emkit.fit(MIXTURE, COUNTS).model, COUNTS),
        (Linkage(0.1, Dirichlet(np.array([2.0, 3.0]))), Linkage(0.9, Dirichlet(np.array([2.0, 3.0]))), TABLE),
    ],
    ids=["Gaussians", "counts", "weights and a prior"],
)
def test_a_line_ends_at_its_models(first: Any, second: Any, data: Any) -> None:
    """At 0 and 1 the objective is that of the two models, by their log marginals and log priors."""
    found = between(first, second, data, places=[0.0, 1.0])
    assert_allclose(found.objective, [objective(first, data), objective(second, data)], rtol=1e-12)


@given(st.floats(-2.0, 3.0))
def test_a_line_is_straight_in_free_coordinates(place: float) -> None:
    """On the line between two means and deviations, the mean moves evenly and the deviation in proportion."""
    y = ERUPTIONS[:, 0]
    found = between(CensoredNormal(1.0, [], 0.5), CensoredNormal(4.0, [], 2.0), Censored(y, y), places=[place])
    expected = norm(1.0 + 3.0 * place, 0.5 * 4.0**place).logpdf(y).sum()
    assert_allclose(found.objective, [expected], rtol=1e-10)


def test_a_line_goes_beyond_both_models() -> None:
    """By default places reach from a quarter before the first model to a quarter behind the second, evenly."""
    found = between(gaussian(0), gaussian(1), ERUPTIONS)
    assert (found.places[0], found.places[-1]) == (-0.25, 1.25)
    assert_allclose(np.diff(found.places), 1.5 / (len(found.places) - 1))
    assert np.isfinite(found.objective).all()


def test_the_best_place_is_the_highest() -> None:
    """`best` is the place of the largest number, whatever is outside the parameter space."""
    found = Profile("weights", np.array([-1.0, 0.0, 1.0, 2.0]), np.array([np.nan, -3.0, -2.0, np.nan]))
    assert found.best == 1.0
    fitted = emkit.fit(MIXTURE, COUNTS, tol=1e-10).model
    assert_allclose(between(MIXTURE, fitted, COUNTS).best, 1.0, atol=0.02)


ENTRIES: list[tuple[Any, Any, str, tuple[int, ...], float]] = [
    (MIXTURE, COUNTS, "weights", (1,), 0.5),
    (MIXTURE, COUNTS, "rates", (2,), 11.0),
    (Linkage(0.4, Dirichlet(np.array([2.0, 3.0]))), TABLE, "theta", (), 0.4),
    (gaussian(0), ERUPTIONS, "emissions.means", (1, 0), float(gaussian(0).means[1, 0])),
    (gaussian(0), ERUPTIONS, "emissions.covariances", (0, 1, 0), float(gaussian(0).covariances[0, 1, 0])),
]


@pytest.mark.parametrize(("model", "data", "parameter", "index", "entry"), ENTRIES)
def test_a_profile_passes_through_the_model(
    model: Any, data: Any, parameter: str, index: tuple[int, ...], entry: float
) -> None:
    """At the value that an entry has, the objective is the model's; the default places lie evenly about it."""
    found = profile(model, data, parameter, index, places=[entry])
    assert_allclose(found.objective, [objective(model, data)], rtol=1e-12)
    around = profile(model, data, parameter, index)
    assert_allclose(around.places[len(around.places) // 2], entry, rtol=1e-12)
    assert_allclose(np.diff(around.places), around.places[1] - around.places[0], rtol=1e-6)
    assert around.along.startswith(parameter)


@given(st.floats(0.0, 1.0), st.integers(0, 2))
def test_other_shares_stay_in_proportion(share: float, k: int) -> None:
    """As one weight changes the others share the rest as they did, and no other parameter moves."""
    others = np.delete(MIXTURE.weights, k)
    weights = np.insert(others / others.sum() * (1 - share), k, share)
    expected = objective(PoissonMixture(weights, MIXTURE.rates), COUNTS)
    assert_allclose(profile(MIXTURE, COUNTS, "weights", (k,), places=[share]).objective, [expected], rtol=1e-12)


@given(st.floats(-0.2, 0.2), st.sampled_from([(0, 0, 1), (0, 1, 0)]))
def test_a_covariance_stays_symmetric(covariance: float, index: tuple[int, ...]) -> None:
    """A covariance of two columns changes on both sides of the diagonal."""
    model = GaussianMixture([1.0], FullGaussian(SHORT.mean(axis=0)[None], np.diag(SHORT.var(axis=0))[None]))
    changed = np.diag(SHORT.var(axis=0))
    changed[0, 1] = changed[1, 0] = covariance
    away = SHORT - SHORT.mean(axis=0)
    squares = np.einsum("ni,ij,nj->n", away, np.linalg.inv(changed), away)
    expected = -0.5 * (squares + np.log(np.linalg.det(2 * np.pi * changed))).sum()
    found = profile(model, SHORT, "emissions.covariances", index, places=[covariance])
    assert_allclose(found.objective, [expected], rtol=1e-10)


def test_parameters_of_parts_are_reached() -> None:
    """An entry of one part of a product changes that part alone."""
    rows = np.column_stack([SHORT[:, 0], np.rint(SHORT[:, 1])])
    lengths = FullGaussian([[5.0], [6.0]], [[[0.2]], [[0.3]]])
    model, other = (
        Mixture([0.4, 0.6], Product((lengths, Poisson([[3.0], [rate]])), ((0,), (1,)))) for rate in (2.5, 4.0)
    )
    found = profile(model, rows, "emissions.blocks[1].rates", (1, 0), places=[4.0])
    assert_allclose(found.objective, [objective(other, rows)], rtol=1e-12)
    assert found.along == "emissions.blocks[1].rates[1, 0]"


@pytest.mark.parametrize(
    ("model", "data", "parameter", "index", "outside", "inside"),
    [
        (MIXTURE, COUNTS, "weights", (0,), [-0.1, 1.1, np.nan], [0.0, 1.0]),
        (MIXTURE, COUNTS, "rates", (0,), [-1.0, 0.0], [0.1, 100.0]),
        (gaussian(0), ERUPTIONS, "emissions.covariances", (0, 0, 0), [-1.0, 0.0], [50.0]),
        (Linkage(0.4), TABLE, "theta", (), [-0.1, 1.1], [0.1, 0.9]),
    ],
)
def test_outside_the_parameter_space_there_is_nothing(
    model: Any, data: Any, parameter: str, index: tuple[int, ...], outside: list[float], inside: list[float]
) -> None:
    """Where an entry leaves its space the objective is nan, and a number elsewhere."""
    found = profile(model, data, parameter, index, places=[*outside, *inside]).objective
    assert np.isnan(found[: len(outside)]).all()
    assert not np.isnan(found[len(outside) :]).any()


@given(SEEDS, st.integers(20, 400))
def test_default_places_reach_four_standard_errors_of_a_mean(seed: int, n: int) -> None:
    """The profile of a normal mean goes four times its standard error σ/√n to either side, where it has lost 8 nats."""
    y = np.random.default_rng(seed).normal(3.0, 2.0, n)
    found = profile(CensoredNormal(y.mean(), [], y.std()), Censored(y, y), "intercept")
    reach = 4 * y.std() / np.sqrt(n)
    assert_allclose(found.places[[0, -1]], [y.mean() - reach, y.mean() + reach], rtol=0, atol=0.01 * reach)
    assert_allclose(found.objective.max() - found.objective[[0, -1]], 8.0, rtol=0.02)
    assert_allclose(found.best, y.mean(), atol=1e-9)


@given(st.floats(0.1, 20.0))
def test_default_places_count_weights(factor: float) -> None:
    """Of a weighted table, the standard error is that of its units: over √(n I), with I the information of one."""
    theta = 0.6268214980
    cells = np.array([2 + theta, 1 - theta, 1 - theta, theta]) / 4
    weight = TABLE.weight * factor
    scores = np.array([1, -1, -1, 1]) / (4 * cells)
    error = float(1 / np.sqrt(weight @ scores**2))
    found = profile(Linkage(theta), Weighted(TABLE.data, weight), "theta")
    ends = [max(theta - 4 * error, 0.0), min(theta + 4 * error, 1.0)]
    assert_allclose(found.places[[0, -1]], ends, rtol=0, atol=0.1 * error)  # of places inside the space


def test_units_without_weight_do_not_count() -> None:
    """Units of weight zero change nothing, however many come first and however impossible they are."""
    y = ERUPTIONS[:, 0]
    weight = np.repeat([0.0, 1.0], [600, len(y)])
    padded = Weighted(Censored(*(np.append(np.full(600, 1e200), y),) * 2), weight)
    model = CensoredNormal(y.mean(), [], y.std())
    plain, found = profile(model, Censored(y, y), "intercept"), profile(model, padded, "intercept")
    assert_allclose(found.places, plain.places, rtol=1e-6)
    assert_allclose(found.objective, plain.objective, rtol=1e-6)


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (
            lambda: between(gaussian(0), CensoredNormal(0.0, [], 1.0), ERUPTIONS),
            TypeError,
            "two models of one class, found GaussianMixture and CensoredNormal",
        ),
        (lambda: between(TwoCoins(0.2, 0.7), TwoCoins(0.3, 0.6), COUNTS), TypeError, "declares no parameters"),
        (
            lambda: between(gaussian(0), gaussian(0, 3), ERUPTIONS),
            ValueError,
            "as many free coordinates, found 11 and 17",
        ),
        (
            lambda: between(_shares(0.5, 0.5, 0.0), _shares(0.0, 0.5, 0.5), COUNTS),
            ValueError,
            r"differ in free coordinates alone, .* of the second, \.weights\[0\]: found 0, expected 0\.5",
        ),
        (
            lambda: between(Linkage(0.2, fixed="theta"), Linkage(0.4, fixed="theta"), TABLE),
            ValueError,
            r"held parameters; of the second, \.theta: found 0\.4, expected 0\.2",
        ),
        (
            lambda: between(Linkage(0.2), Linkage(0.4, Dirichlet(np.full(2, 2.0))), TABLE),
            ValueError,
            "differ in free coordinates alone",
        ),
        (lambda: profile(TwoCoins(0.2, 0.7), COUNTS, "heads", (0,)), TypeError, "declares no parameters"),
        (lambda: profile(MIXTURE, COUNTS, "rate", (0,)), ValueError, "one of weights, rates, found 'rate'"),
        (lambda: profile(MIXTURE, COUNTS, "rates"), ValueError, r"entry of rates, which has shape \(3,\), found \(\)"),
        (lambda: profile(MIXTURE, COUNTS, "rates", (3,)), ValueError, r"found \(3,\)"),
        (lambda: profile(MIXTURE, COUNTS, "rates", (-1,)), ValueError, r"found \(-1,\)"),
        (lambda: profile(Linkage(0.4, fixed="theta"), TABLE, "theta"), ValueError, "expected one of"),
    ],
)
def test_what_is_refused(draw: Any, error: type[Exception], message: str) -> None:
    """Models that no line joins, and entries that a model does not have, are refused by what they are."""
    with pytest.raises(error, match=message):
        draw()


def _shares(*weights: float) -> PoissonMixture:
    return PoissonMixture(np.array(weights), np.array([2.0, 8.0, 11.0]))
