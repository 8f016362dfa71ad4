"""The fast path of Gaussian mixtures against extended precision: its loss is within its bound, or it steps aside."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import (
    Array,
    DiagonalGaussian,
    FullGaussian,
    GaussianMixture,
    Incomplete,
    Outcome,
    SphericalGaussian,
    TiedGaussian,
)
from emkit.emissions.gaussian.products import MANY, TOLERATED
from emkit.emissions.protocol import MixtureStep
from emkit.kernels import choice
from tests import longdouble
from tests.gaussians import KINDS, emissions_of, random_mixture, random_rows

SEEDS = st.integers(0, 2**32 - 1)
EPS = float(np.finfo(np.float64).eps)


def kept(kind: Any, scatter: Any) -> Any:
    """Return what a kind keeps of scatter matrices (K, D, D)."""
    forms: dict[Any, Any] = {
        FullGaussian: lambda: scatter,
        TiedGaussian: lambda: scatter.sum(axis=0),
        DiagonalGaussian: lambda: np.diagonal(scatter, axis1=1, axis2=2),
        SphericalGaussian: lambda: np.trace(scatter, axis1=1, axis2=2),
    }
    return forms[kind]()


def case(kind: Any, seed: int, separation: float, width: int, n_components: int, n: int = 50) -> tuple[Any, Array, Any]:
    """Return a mixture whose components lie some widths apart, rows drawn from it, and a generator."""
    rng = np.random.default_rng(seed)
    base = random_mixture(kind, rng, n_components, width)
    emissions = emissions_of(kind, base.emissions.means / 3 * separation, base.emissions.covariance_matrices())
    model = GaussianMixture(base.weights, emissions)
    return model, np.asarray(model.sample(n, rng)), rng


def step(model: GaussianMixture, x: Any, weight: Any = None) -> MixtureStep | None:
    given = np.broadcast_to(1.0, len(x)) if weight is None else np.asarray(weight)
    return model.emissions.mixture_step(model.weights, x, given)


def matrices(model: GaussianMixture) -> tuple[Any, Any, Any]:
    return model.weights, model.emissions.means, model.emissions.covariance_matrices()


@given(
    SEEDS,
    st.sampled_from(KINDS),
    st.sampled_from([0.0, 1.0, 10.0, 1e2, 1e3, 1e4]),
    st.integers(1, 4),
    st.integers(2, 6),
    st.booleans(),
)
@example(0, FullGaussian, 1e3, 4, 6, True)
def test_what_is_lost_is_within_the_bound(
    seed: int, kind: Any, separation: float, width: int, n_components: int, weighted: bool
) -> None:
    """Log marginals are off by less than the step says, and moments by no more, in units of their components."""
    model, x, rng = case(kind, seed, separation, width, n_components)
    weight = rng.choice([0.0, 0.3, 1.0, 7.0], len(x)) if weighted else np.ones(len(x))
    found = step(model, x, weight)
    if found is None:
        return
    assert found.error <= TOLERATED[np.float64]
    exact = longdouble.e_step(x, *matrices(model), weight)
    off = np.abs(found.log_marginal - exact.log_marginal)
    assert (off <= found.error + 8 * EPS * (1 + np.abs(exact.log_marginal))).all()
    assert_allclose(found.count, np.float64(exact.count), rtol=1e-8, atol=1e-8 * float(weight.sum()))
    moments, heavy = found.statistics, exact.count > 1e-3 * weight.sum()
    deviations = np.sqrt(model.emissions.column_variances())  # (K, D)
    tolerance = 100 * found.error + 64 * EPS
    allowed = np.asarray(tolerance * deviations + 1e-15 * separation, dtype=np.float64)  # (K, D)
    assert (np.abs(moments.mean - exact.mean) <= allowed)[heavy].all()
    unit = np.float64(exact.count[:, None, None] * deviations[:, :, None] * deviations[:, None, :])
    off_scatter = np.float64(np.abs(moments.scatter - kept(kind, exact.scatter)))
    assert (
        off_scatter <= tolerance * kept(kind, unit) + 64 * EPS * kept(kind, np.abs(np.float64(exact.scatter)))
    ).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("separation", [1.0, 10.0, 100.0])
def test_ordinary_mixtures_take_the_fast_path(kind: Any, separation: float) -> None:
    """Components up to a hundred widths apart lose so little that two products serve."""
    model, x, _ = case(kind, 1, separation, 3, 4)
    found = step(model, x)
    assert found is not None
    assert found.error < 1e-9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("separation", [1e5, 1e10])
def test_far_apart_the_fast_path_steps_aside(kind: Any, separation: float) -> None:
    """Components very far apart are centred one by one, and the E-step has all its digits."""
    model, x, _ = case(kind, 2, separation, 3, 4)
    assert step(model, x) is None
    learnt = model.e_step(model.prepare(x))
    exact = longdouble.e_step(x, *matrices(model))
    assert_allclose(learnt.log_likelihood, float(exact.log_marginal.sum()), rtol=1e-12)
    assert_allclose(learnt.statistics.count, np.float64(exact.count), rtol=1e-11)
    assert_allclose(learnt.statistics.emissions.scatter, np.float64(kept(kind, exact.scatter)), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_outlier_makes_it_step_aside(kind: Any) -> None:
    """The bound looks at the rows too: one far away is enough."""
    model, x, _ = case(kind, 3, 3.0, 2, 3)
    assert step(model, x) is not None
    assert step(model, np.concatenate([x, [[1e7, 0.0]]])) is None


@given(
    SEEDS, st.sampled_from(KINDS), st.sampled_from([0.0, 1e4, 1e8]), st.sampled_from([1e-150, 1e-8, 1.0, 1e8, 1e150])
)
def test_offset_and_scale_cost_nothing(seed: int, kind: Any, offset: float, scale: float) -> None:
    """Rows and components moved and stretched together learn what extended precision learns."""
    base, rows, _ = case(kind, seed, 5.0, 2, 3)
    x = (rows + offset) * scale
    emissions = emissions_of(
        kind, (base.emissions.means + offset) * scale, base.emissions.covariance_matrices() * scale**2
    )
    model = GaussianMixture(base.weights, emissions)
    learnt = model.e_step(model.prepare(x))
    exact = longdouble.e_step(x, *matrices(model))
    assert_allclose(learnt.log_likelihood, float(exact.log_marginal.sum()), rtol=1e-11, atol=1e-9)
    assert_allclose(learnt.statistics.count, np.float64(exact.count), rtol=1e-9, atol=1e-12)
    scatter = np.float64(kept(kind, exact.scatter / np.longdouble(scale) ** 2))
    assert_allclose(learnt.statistics.emissions.scatter / scale**2, scatter, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_nearly_dependent_columns_make_it_step_aside(kind: Any) -> None:
    """Widths that differ by 1e6 from direction to direction cost the square of that: too much for two products."""
    root = np.array([[1.0, 0.0], [1.0, 1e-6]])
    emissions = FullGaussian([[0.0, 0.0], [1.0, 1.0]], [root @ root.T] * 2)
    rows = np.random.default_rng(0).normal(size=(30, 2))
    assert step(GaussianMixture([0.5, 0.5], emissions), rows @ root.T) is None
    assert step(GaussianMixture([0.5, 0.5], kind.at([[0.0, 0.0], [1.0, 1.0]], [1.0, 1.0])), rows) is not None


@pytest.mark.parametrize("kind", [FullGaussian, TiedGaussian])
def test_components_that_turn_thin_are_computed_from_centred_rows(kind: Any) -> None:
    """Rows far thinner than the covariance of their start reach the fit of extended precision in one step."""
    rng = np.random.default_rng(0)
    along = rng.normal(size=(6000, 1))
    centres = np.repeat([[-500.0, -500.0], [0.0, 0.0], [500.0, 500.0]], 2000, axis=0)
    x = centres + np.column_stack([along, along + 1e-5 * rng.normal(size=(6000, 1))])
    begin = GaussianMixture(np.full(3, 1 / 3), kind.at([[-500.0] * 2, [0.0] * 2, [500.0] * 2], [1.0, 1.0], prior=None))
    assert step(begin, x) is None
    fit = emkit.fit(begin, x, max_iter=1, tol=0)
    exact = longdouble.e_step(x, *matrices(begin))
    scatter = np.float64(exact.scatter if kind is FullGaussian else exact.scatter.sum(axis=0, keepdims=True))
    counts = np.float64(exact.count) if kind is FullGaussian else 6000.0
    mine = fit.model.emissions.covariance_matrices()[: len(scatter)]
    assert_allclose(np.linalg.det(mine), np.linalg.det(scatter / np.reshape(counts, (-1, 1, 1))), rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("weight", [1e-300, 1e-46, 1e-12, 1e300])
def test_the_scale_of_weights_is_irrelevant(kind: Any, dtype: Any, weight: float) -> None:
    """However small or large the weights, each counts in proportion, also where densities differ by e^600."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(1500, 1)) - 12, rng.normal(size=(1500, 1)) + 12]).astype(dtype)
    model = GaussianMixture([0.5, 0.5], kind.at([[-13.0], [11.0]], [1.0]))
    one, other = step(model, x), step(model, x, np.full(len(x), weight))
    assert one is not None
    assert other is not None
    assert_allclose(other.count / weight, one.count, rtol=1e-6 if dtype == np.float32 else 1e-12)
    assert_allclose(
        other.statistics.scatter / weight, one.statistics.scatter, rtol=1e-4 if dtype == np.float32 else 1e-9
    )


def test_rows_far_from_a_sharp_component_and_near_another() -> None:
    """Shares that overflow before they are scaled are taken from their largest, within the same bound."""
    model = GaussianMixture([0.5, 0.5], DiagonalGaussian([[-40.0], [40.0]], [[1e-2], [1.0]]))
    x = np.array([[-40.0], [-39.9], [38.0], [42.0]])
    found = step(model, x)
    assert found is not None
    assert_allclose(found.log_marginal, np.float64(longdouble.e_step(x, *matrices(model)).log_marginal), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_beyond_underflow_keep_their_shares(kind: Any) -> None:
    """A row where every density underflows is shared out by its log densities, as in extended precision."""
    model, x, _ = case(kind, 4, 2.0, 2, 3)
    far = np.concatenate([x, x + 60, x - 200])
    found = step(model, far)
    assert found is not None
    exact = longdouble.e_step(far, *matrices(model))
    assert exact.log_marginal.min() < -2000
    assert_allclose(found.log_marginal, np.float64(exact.log_marginal), rtol=1e-12)
    assert_allclose(found.count, np.float64(exact.count), rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_zero(kind: Any) -> None:
    """Components of weight zero learn exactly nothing; rows of weight zero count for nothing."""
    model, x, _ = case(kind, 5, 2.0, 2, 3)
    found = step(GaussianMixture([0.4, 0.0, 0.6], model.emissions), x, np.arange(len(x)) % 2)
    assert found is not None
    assert found.count[1] == 0
    assert (found.statistics.mean[1] == 0).all()
    assert found.count.sum() == pytest.approx(len(x) // 2)
    half = step(GaussianMixture([0.4, 0.0, 0.6], model.emissions), x[1::2])
    assert half is not None
    assert_allclose(found.statistics.scatter, half.statistics.scatter, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_collapsing_components_are_computed_from_centred_rows(kind: Any) -> None:
    """Rows that coincide have the scatter of a rounded mean, 1e-33, not what two products would leave, 1e-15."""
    model = GaussianMixture([0.5, 0.5], kind.at([[0.0, 0.0], [5.0, 1.0]], [0.1, 0.1]))
    x = np.repeat([[0.01, 0.02], [5.03, 1.0]], 20, axis=0)
    assert step(model, x) is None
    assert np.abs(model.e_step(model.prepare(x)).statistics.emissions.scatter).max() < 1e-31


@pytest.mark.parametrize("width", [33, 70])
@pytest.mark.parametrize("kind", KINDS)
def test_many_columns(kind: Any, width: int) -> None:
    """Rows of many columns, which are laid out otherwise or centred, learn the same as by SciPy's densities."""
    rng = np.random.default_rng(6)
    model = random_mixture(kind, rng, 9, width)
    x = np.asarray(model.sample(600, rng))
    found, plain = model.e_step(model.prepare(x)), emkit.condition(model.weights, model.emissions.log_density(x))
    moments = model.emissions.statistics(x, plain[1])
    assert_allclose(found.log_likelihood, plain[0].sum(), rtol=1e-12)
    assert_allclose(found.statistics.emissions.mean, moments.mean, rtol=1e-9, atol=1e-9)
    assert_allclose(found.statistics.emissions.scatter, moments.scatter, rtol=1e-8, atol=1e-8)


def test_missing_cells_are_not_for_products() -> None:
    """Incomplete rows take their own path."""
    model, x, _ = case(FullGaussian, 7, 2.0, 2, 3)
    x[0, 0] = np.nan
    assert step(model, Incomplete(x)) is None


@settings(max_examples=20)
@given(SEEDS, st.sampled_from(KINDS), st.sampled_from([0.0, 3.0, 1e3, 1e6]))
def test_float32_rows_stay_as_they_are_and_lose_little(seed: int, kind: Any, offset: float) -> None:
    """Many float32 rows learn what the same numbers in float64 learn, within the bound of float32 products."""
    base, rows, _ = case(kind, seed, 4.0, 3, 4, n=MANY)
    single = (rows + offset).astype(np.float32)
    model = GaussianMixture(
        base.weights, emissions_of(kind, base.emissions.means + offset, base.emissions.covariance_matrices())
    )
    prepared = model.prepare(single).data
    assert prepared.dtype == np.float32
    assert np.shares_memory(prepared, single)
    one, two = (model.e_step(model.prepare(x)) for x in (single, single.astype(np.float64)))
    assert abs(one.log_likelihood - two.log_likelihood) <= one.rounding + two.rounding <= 2e-4 * MANY
    found, expected = one.statistics.emissions, two.statistics.emissions
    assert {found.weight.dtype, found.mean.dtype, found.scatter.dtype} == {np.dtype(np.float64)}
    error = 100 * one.rounding / MANY
    assert_allclose(found.weight, expected.weight, atol=error * MANY)
    assert_allclose(found.scatter, expected.scatter, atol=error * np.abs(expected.scatter).max())


@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_used_where_it_serves(kind: Any) -> None:
    """Many float32 rows of an ordinary mixture are multiplied in float32, few or far ones in float64."""
    model, x, _ = case(kind, 1, 3.0, 2, 3, n=MANY)
    single = x.astype(np.float32)
    lossy, exact, few = step(model, single), step(model, single.astype(np.float64)), step(model, single[:100])
    assert lossy is not None
    assert exact is not None
    assert few is not None
    assert TOLERATED[np.float32] >= lossy.error > 1e-7 > 1e-11 > max(exact.error, few.error)
    far = step(model, np.concatenate([single, [[1e3, 0.0]]]).astype(np.float32))
    assert far is not None
    assert far.error < TOLERATED[np.float64]


def test_float32_sums_do_not_stall() -> None:
    """A million float32 rows of weight one count as a million, which sums in float32 alone would miss."""
    x = np.random.default_rng(0).normal(size=(1_000_000, 1)).astype(np.float32)
    model = GaussianMixture([0.5, 0.5], DiagonalGaussian([[0.0], [0.0]], [[1.0], [1.0]]))
    learnt = model.e_step(model.prepare(x))
    assert learnt.statistics.count.sum() == pytest.approx(1e6, rel=1e-12)
    assert_allclose(learnt.statistics.emissions.scatter[:, 0] / 5e5, [x.astype(np.float64).var()] * 2, rtol=1e-5)
    wide = random_rows(np.random.default_rng(1), 10, 2)
    assert emkit.fit(random_mixture(FullGaussian, np.random.default_rng(2)), wide.astype(">f4"), max_iter=2).n_iter == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_of_float32_ends_where_that_of_float64_does(kind: Any) -> None:
    """Once rounding hides what an iteration gains, a fit goes on in float64, to the same optimum and all its digits."""
    model, x, rng = case(kind, 8, 1.5, 2, 3, n=2 * MANY)
    begin = GaussianMixture(model.weights, kind.at(model.emissions.means + rng.normal(size=(3, 2)), [2.0, 2.0]))
    single = x.astype(np.float32)
    with choice.use("never"):
        data = (single, single.astype(np.float64))
        one, two = (emkit.fit(begin, rows, stop="increment", max_iter=5000) for rows in data)
    assert one.trace.records[0].rounding > 1e-8 * len(x) > 1e3 * one.trace.records[-1].rounding
    assert one.outcome is two.outcome is Outcome.CONVERGED
    assert one.log_likelihood == pytest.approx(one.model.log_marginal(single.astype(np.float64)).sum(), rel=1e-12)
    assert one.log_likelihood == pytest.approx(two.log_likelihood, rel=1e-7)
