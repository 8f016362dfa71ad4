"""What both factor models do with rows, weights, missing cells and covariance matrices, against dense algebra."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

import emkit
from emkit import Array, FactorAnalysis, Incomplete, Outcome, ProbabilisticPCA, SampleCovariance, Weighted
from tests.models.factors import dense_factors as dense

KINDS = (FactorAnalysis, ProbabilisticPCA)
SEEDS = st.integers(0, 2**32 - 1)
STEPS = 8
SHAPES = st.sampled_from([(3, 1), (4, 2), (2, 3), (1, 1)])  # columns and factors


@given(SEEDS, st.sampled_from(KINDS), SHAPES)
def test_every_answer_is_that_of_one_joint_normal(seed: int, kind: Any, shape: tuple[int, int]) -> None:
    """Densities, factors and imputed cells of rows with missing cells are conditionals of a dense normal over all."""
    rng = np.random.default_rng(seed)
    model = dense.random_model(kind, rng, *shape)
    rows = dense.random_rows(model, rng, 9)
    width = shape[0]
    means, covariances = zip(*(dense.given(model, row) for row in rows), strict=True)
    posterior = model.posterior(Incomplete(rows))
    assert_allclose(model.log_marginal(Incomplete(rows)), [dense.log_density(model, row) for row in rows], rtol=1e-9)
    assert_allclose(posterior.means, np.array(means)[:, width:], atol=1e-9)
    assert_allclose(posterior.covariances, np.array(covariances)[:, width:, width:], atol=1e-9)
    assert_allclose(model.transform(Incomplete(rows)), posterior.means, rtol=0)
    imputed = model.impute(Incomplete(rows))
    assert_allclose(imputed, np.array(means)[:, :width], atol=1e-9)
    assert np.array_equal(imputed[~np.isnan(rows)], rows[~np.isnan(rows)])
    assert_allclose(model.covariance, dense.joint(model)[1][:width, :width], rtol=1e-14)


@given(SEEDS, st.sampled_from(KINDS), SHAPES)
def test_the_e_step_is_the_sum_of_conditional_moments(seed: int, kind: Any, shape: tuple[int, int]) -> None:
    """Statistics are the weighted moments of columns and factors together, row by row; Q is the expected log joint."""
    rng = np.random.default_rng(seed)
    model, other = (dense.random_model(kind, rng, *shape) for _ in range(2))
    rows, weight = dense.random_rows(model, rng, 12), rng.uniform(0.1, 2.0, 12)
    learnt = model.e_step(model.prepare(Weighted(Incomplete(rows), weight)))
    means, covariances = (np.array(part) for part in zip(*(dense.given(model, row) for row in rows), strict=True))
    centre = weight @ means / weight.sum()
    expected = np.einsum("n,ni,nj->ij", weight, means - centre, means - centre) + np.einsum(
        "n,nij->ij", weight, covariances
    )
    assert_allclose(learnt.statistics.mean[0], centre, atol=1e-9)
    assert_allclose(learnt.statistics.scatter[0], expected, atol=1e-8)
    assert_allclose(learnt.log_likelihood, weight @ [dense.log_density(model, row) for row in rows], rtol=1e-9)
    to_whole, noise = other.loadings, np.diag(np.broadcast_to(other.noise, other.mean.shape))
    slopes = np.hstack([np.eye(shape[0]), -to_whole])  # x - loadings z
    left = means @ slopes.T - other.mean
    q = 0.0
    for row, covariance, w in zip(left, covariances, weight, strict=True):
        q += w * multivariate_normal.logpdf(row, np.zeros(shape[0]), noise)
        q -= 0.5 * w * np.trace(slopes @ covariance @ slopes.T @ np.linalg.inv(noise))
    factors = means[:, shape[0] :]
    second = np.square(factors).sum(axis=1) + np.trace(covariances[:, shape[0] :, shape[0] :], axis1=1, axis2=2)
    q -= 0.5 * weight @ (second + shape[1] * np.log(2 * np.pi))
    assert_allclose(other.expected_log_joint(learnt.statistics), q, rtol=1e-8)


def fits(kind: Any, first: Any, second: Any) -> list[Any]:
    """Return fits of two data sets, each from its own start."""
    return [emkit.fit(kind.start(x, 1), x, tol=0.0, max_iter=STEPS) for x in (first, second)]


def same(one: Any, other: Any) -> None:
    """Require that two fits are one."""
    assert_allclose(np.asarray(other.trace), np.asarray(one.trace), rtol=1e-9)
    assert_allclose(other.model.covariance, one.model.covariance, rtol=1e-7, atol=1e-9)
    assert_allclose(other.model.mean, one.model.mean, rtol=1e-9, atol=1e-9)


@settings(max_examples=10)
@given(SEEDS, st.sampled_from(KINDS), st.integers(0, 1))
def test_a_covariance_matrix_is_its_rows(seed: int, kind: Any, ddof: int) -> None:
    """A fit of a covariance matrix, its mean and n, whole or in chunks, is the fit of the rows they come from."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4)) + 5
    table = SampleCovariance(np.cov(rows.T, ddof=ddof), 30, rows.mean(axis=0), ddof=ddof)
    one, other = fits(kind, rows, table)
    same(one, other)
    assert_allclose(other.bic, one.bic, rtol=1e-9)
    same(one, emkit.fit(kind.start(rows, 1), table, tol=0.0, max_iter=STEPS, chunk_size=7))
    assert_allclose(one.model.log_marginal(table), one.log_likelihood / 30, rtol=1e-9)
    assert one.model.log_marginal(table).shape == (30,)
    with pytest.raises(TypeError, match="SampleCovariance, which has none"):
        one.model.posterior(table)


@settings(max_examples=10)
@given(SEEDS, st.sampled_from(KINDS))
def test_weight_n_is_n_copies(seed: int, kind: Any) -> None:
    """A fit with whole weights, zeros included, is the fit of the rows repeated as often, start included."""
    rng = np.random.default_rng(seed)
    rows = dense.random_rows(dense.random_model(kind, rng, 4, 1), rng, 40, missing=0.1)
    count = rng.integers(0, 4, size=40)
    weighted = Weighted(Incomplete(np.where(count[:, None] > 0, rows, 1e6)), count)
    same(*fits(kind, Incomplete(np.repeat(rows, count, axis=0)), weighted))


@settings(max_examples=10)
@given(SEEDS, st.booleans())
def test_units_of_columns_do_not_matter(seed: int, holes: bool) -> None:
    """Columns rescaled by 1e-140 to 1e140 and moved by 1e6 of their deviations are fitted alike."""
    rng = np.random.default_rng(seed)
    rows = dense.random_rows(dense.random_model(FactorAnalysis, rng, 4, 1), rng, 40, missing=0.1 if holes else 0.0)
    scale = 10.0 ** rng.uniform(-140, 140, size=4)
    one, other = fits(FactorAnalysis, Incomplete(rows), Incomplete((rows + 1e6) * scale))
    assert_allclose(other.model.noise / scale**2, one.model.noise, rtol=1e-5)
    assert_allclose(np.abs(other.model.loadings / scale[:, None]), np.abs(one.model.loadings), rtol=1e-5, atol=1e-7)
    seen = np.sum(~np.isnan(rows) @ np.log(scale))
    assert_allclose(np.asarray(other.trace) + seen, np.asarray(one.trace), rtol=0, atol=1e-4)


def hard_data(rng: np.random.Generator) -> Any:
    """Draw data with some of: little noise, nearly equal columns, offsets, scales, missing cells, weights."""
    n, d = int(rng.integers(8, 60)), int(rng.integers(3, 8))
    q = int(rng.integers(1, d - 1))
    x: Any = rng.normal(size=(n, q)) @ rng.normal(size=(q, d)) + 10.0 ** rng.uniform(-4, 0.5) * rng.normal(size=(n, d))
    if rng.random() < 0.3:
        x[:, 1] = x[:, 0] + 10.0 ** rng.integers(-8, -1) * rng.normal(size=n)
    if rng.random() < 0.3:
        x *= 10.0 ** rng.uniform(-8, 8, size=d)
    if rng.random() < 0.3:
        x += rng.choice([1e3, 1e8]) * x.std(axis=0)
    if rng.random() < 0.3:
        x = Incomplete(np.where(rng.random(x.shape) < 0.1, np.nan, x))
    return Weighted(x, rng.choice([0.0, 0.5, 1.0, 3.0], size=n)) if rng.random() < 0.3 else x


def test_healthy_steps_raise_no_alarm() -> None:
    """Exact EM on hard data, run to where floating point ends, never falls by more than the rounding it states."""
    made = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        data, kind = hard_data(rng), KINDS[seed % 2]
        try:
            start = kind.start(data, 1)
        except ValueError:
            continue
        made += 1
        fit = emkit.fit(start, data, tol=0.0, max_iter=int(rng.choice([10, 60])))
        assert fit.outcome in (Outcome.MAX_ITER, Outcome.STALLED, Outcome.DEGENERATE), seed
        assert fit.trace.monotone, seed
        prepared = fit.model.prepare(data)
        total, learnt = prepared.weight @ fit.model.log_marginal(prepared), fit.model.e_step(prepared)
        assert abs(learnt.log_likelihood - total) <= 16 * learnt.rounding, seed
    assert made > 25


def test_a_real_fall_is_caught() -> None:
    """An M-step that adds a constant to the noise, a thousandth of it, ends as `decreased`."""

    @emkit.value
    class Floored(FactorAnalysis):  # type: ignore[misc]  # final, for users
        def m_step(self, statistics: Any) -> Any:
            new = super().m_step(statistics)
            return emkit.replace(new, noise=new.noise * 1.001)

    rows = dense.random_model(FactorAnalysis, np.random.default_rng(3), 5, 1).sample(200, 0)
    fitted = emkit.fit(FactorAnalysis.start(rows, 1), rows, tol=1e-14).model
    fit = emkit.fit(Floored(fitted.mean, fitted.loadings, fitted.noise), rows, tol=0.0)
    assert fit.outcome is Outcome.DECREASED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rows", [np.full((5, 3), np.nan), [[1.0, 2.0, np.nan], [2.0, 1.0, np.nan], [0.0, 0.0, np.nan]]]
)
def test_a_column_never_seen_is_named(kind: Any, rows: Any) -> None:
    """A start from a column without a single value is refused by its number."""
    with pytest.raises(ValueError, match=r"column [02] is never seen"):
        kind.start(Incomplete(rows), 1)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3])
def test_a_constant_column_is_named(value: float) -> None:
    """A start from a constant column is refused by its number, whatever its rounding."""
    rows = np.random.default_rng(0).normal(size=(37, 4))
    rows[:, 2] = value
    with pytest.raises(ValueError, match="column 2 is constant"):
        FactorAnalysis.start(rows, 1)


def test_requests_are_refused() -> None:
    """Too many factors, other columns, nan without Incomplete, and data without rows say what was found."""
    rows = np.random.default_rng(0).normal(size=(20, 6))
    with pytest.raises(ValueError, match="at most 3 for 6 columns, found 4"):
        FactorAnalysis.start(rows, 4)
    with pytest.raises(ValueError, match="at most 5 for 6 columns, found 6"):
        ProbabilisticPCA.start(rows, 6)
    with pytest.raises(ValueError, match="n_factors: expected at least 1"):
        FactorAnalysis.start(rows, 0)
    model = FactorAnalysis.start(rows, 2)
    for wrong in (rows[:, :5], Incomplete(rows[:, :5]), SampleCovariance(np.eye(5), 9)):
        with pytest.raises(ValueError, match="expected 6 columns, found"):
            emkit.fit(model, wrong)
    with pytest.raises(ValueError, match=r"row 3, column 1 is nan.*Incomplete"):
        model.log_marginal(np.where(np.arange(120).reshape(20, 6) == 19, np.nan, rows))
    with pytest.raises(emkit.ParameterError, match=r"noise\[1\] is 0"):
        FactorAnalysis(np.zeros(2), np.ones((2, 1)), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="floating point cannot hold"):
        FactorAnalysis.start(rows * 1e200, 1)


def test_rotations_are_no_parameters() -> None:
    """Free parameters are those of the family of covariance matrices: D Q + D - Q (Q - 1) / 2, and D means."""
    model = FactorAnalysis(np.zeros(6), np.ones((6, 2)), np.ones(6))
    assert emkit.n_free_parameters(model) == 6 + 12 + 6 - 1
    assert emkit.n_free_parameters(emkit.replace(model, fixed="loadings")) == 12
    assert emkit.n_free_parameters(emkit.replace(model, fixed={"mean", "noise"})) == 11
    saturated = ProbabilisticPCA(np.zeros(4), np.ones((4, 3)), 1.0)
    assert emkit.n_free_parameters(saturated) == 4 + 10  # as a full covariance matrix


@pytest.mark.parametrize("kind", KINDS)
def test_loadings_of_zero_are_named(kind: Any) -> None:
    """Factors that no column depends on stay so, and the fit says it."""
    rows: Array = np.random.default_rng(1).normal(size=(30, 5))
    start = emkit.replace(kind.start(rows, 2), loadings=np.outer([1.0, 2.0, 0.0, 1.0, 1.0], [1.0, 1.0]))
    fit = emkit.fit(start, rows, max_iter=5)
    assert fit.outcome is Outcome.DEGENERATE
    assert "only 1 of 2 explain anything" in fit.message


def test_a_start_does_not_depend_on_the_chunks_of_its_pass() -> None:
    """Rows of several chunks start the model that their sample covariance starts."""
    rng = np.random.default_rng(8)
    x = 5 + rng.normal(size=(9000, 2)) @ rng.normal(size=(2, 40)) + rng.normal(size=(9000, 40))
    start = FactorAnalysis.start(x, 2)
    assert 1024 <= start.chunk_size(start.prepare(x)) < len(x)
    whole = FactorAnalysis.start(SampleCovariance(np.cov(x.T, ddof=0), len(x), x.mean(axis=0)), 2)
    assert_allclose(start.loadings, whole.loadings, rtol=1e-8, atol=1e-10)
    assert_allclose(start.noise, whole.noise, rtol=1e-10)
