"""Gaussian emissions of rows with missing cells, against dense algebra and SciPy."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

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
    Weighted,
)
from emkit.emissions.gaussian.base import Gaussian
from tests.gaussians import KINDS, emissions_of, random_mixture, random_rows

SEEDS = st.integers(0, 2**32 - 1)
MATRICES = (FullGaussian, TiedGaussian)
every_kind = pytest.mark.parametrize("kind", KINDS)


def holes(rng: np.random.Generator, x: Array, share: float = 0.3) -> Array:
    """Return rows with cells missing at random; the first row is missing as a whole, the second whole."""
    missing = rng.random(x.shape) < share
    missing[0], missing[1] = True, False
    return np.where(missing, np.nan, x)


def completed(row: Array, mean: Array, covariance: Array) -> tuple[Array, Array]:
    """Return the mean (D,) and covariance (D, D) of a row given its cells seen, by inverting the precision's block."""
    missing = np.isnan(row)
    precision = np.linalg.inv(covariance)
    left = np.zeros_like(covariance)
    left[np.ix_(missing, missing)] = np.linalg.inv(precision[np.ix_(missing, missing)])
    expected = np.where(missing, mean, row)
    expected -= left @ precision @ np.where(missing, 0.0, row - mean)
    return expected, left


@given(SEEDS, st.sampled_from(KINDS), st.integers(1, 4))
def test_missing_cells_are_integrated_out(seed: int, kind: Any, width: int) -> None:
    """The density of a row is SciPy's of its cells seen, under the marginal of these; 1 where nothing is seen."""
    rng = np.random.default_rng(seed)
    emissions = random_mixture(kind, rng, 3, width).emissions
    x = holes(rng, random_rows(rng, 12, width))
    found = emissions.log_density(Incomplete(x))
    for row, densities in zip(x, found, strict=True):
        o = np.flatnonzero(~np.isnan(row))
        pairs = zip(emissions.means, emissions.covariance_matrices(), strict=True)
        expected = [multivariate_normal.logpdf(row[o], m[o], c[np.ix_(o, o)]) if len(o) else 0.0 for m, c in pairs]
        assert_allclose(densities, expected, rtol=1e-9, atol=1e-9)


@given(SEEDS, st.sampled_from(KINDS))
def test_a_missing_column_is_the_marginal_mixture(seed: int, kind: Any) -> None:
    """Rows without some columns have the log marginal of the mixture of the other columns."""
    rng = np.random.default_rng(seed)
    model = random_mixture(kind, rng, 2, 3)
    x = random_rows(rng, 9, 3)
    kept = sorted(rng.choice(3, int(rng.integers(1, 3)), replace=False).tolist())
    hidden = np.full_like(x, np.nan)
    hidden[:, kept] = x[:, kept]
    expected = model.marginal(kept).log_marginal(x[:, kept])
    assert_allclose(model.log_marginal(Incomplete(hidden)), expected, rtol=1e-9)


@given(SEEDS, st.sampled_from(KINDS))
def test_m_step_of_expected_moments(seed: int, kind: Any) -> None:
    """The M-step averages rows and squares expected given the cells seen, row by row in dense algebra."""
    rng = np.random.default_rng(seed)
    emissions: Gaussian[Any] = random_mixture(kind, rng, 3, 3).emissions
    x = holes(rng, random_rows(rng, 20, 3))
    posterior = rng.dirichlet(np.ones(3), len(x)) * rng.uniform(0.5, 2, len(x))[:, None]
    fitted = emissions.m_step(emissions.statistics(Incomplete(x), posterior))
    told = ~np.isnan(x).all(axis=1)  # (N,)
    x, share = x[told], posterior[told]
    means, matrices = np.zeros((3, 3)), np.zeros((3, 3, 3))
    for k, (mean, covariance) in enumerate(zip(emissions.means, emissions.covariance_matrices(), strict=True)):
        rows, left = (np.array(part) for part in zip(*(completed(r, mean, covariance) for r in x), strict=True))
        means[k] = np.average(rows, axis=0, weights=share[:, k])
        centred = rows - means[k]
        square = centred[:, :, None] * centred[:, None, :] + left
        matrices[k] = np.average(square, axis=0, weights=share[:, k])
    expected: dict[Any, Any] = {
        FullGaussian: lambda: matrices,
        TiedGaussian: lambda: np.tile(np.average(matrices, axis=0, weights=share.sum(axis=0)), (3, 1, 1)),
        DiagonalGaussian: lambda: matrices * np.eye(3),
        SphericalGaussian: lambda: np.trace(matrices, axis1=1, axis2=2)[:, None, None] / 3 * np.eye(3),
    }
    assert_allclose(fitted.means, means, rtol=1e-8, atol=1e-9)
    assert_allclose(fitted.covariance_matrices(), expected[kind](), rtol=1e-8, atol=1e-9)


@every_kind
def test_whole_rows_are_whole_rows(kind: Any) -> None:
    """Where no cell is missing, `Incomplete` rows lead to the same model as the rows themselves, to rounding."""
    rng = np.random.default_rng(0)
    x = random_rows(rng, 60)
    model = GaussianMixture.start(x, 3, rng=1, emissions=kind)
    other = GaussianMixture.start(Incomplete(x), 3, rng=1, emissions=kind)
    one, two = (emkit.fit(m, rows, max_iter=15) for m, rows in ((model, x), (other, Incomplete(x))))
    assert_allclose(two.model.covariances, one.model.covariances, rtol=1e-9)
    assert_allclose(two.log_likelihood, one.log_likelihood, rtol=1e-12)


@every_kind
def test_far_from_zero_nothing_is_lost(kind: Any) -> None:
    """At an offset of 1e8 standard deviations a fit with missing cells goes as it does about zero."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(80, 3)) + 8 * (np.arange(80)[:, None] < 30)
    x = holes(rng, np.round(rows * 2**20) / 2**20, 0.2)  # so that the shift itself is exact
    shift = np.array([1.0, -1.0, 0.5]) * 2**27
    one, other = (
        emkit.fit(GaussianMixture.start(Incomplete(r), 2, rng=3, emissions=kind), Incomplete(r), max_iter=25, tol=0.0)
        for r in (x, x + shift)
    )
    assert one.trace.monotone
    assert other.trace.monotone
    assert_allclose(other.model.means - shift, one.model.means, atol=1e-6)
    assert_allclose(other.model.covariances, one.model.covariances, rtol=1e-5, atol=1e-6)
    assert_allclose(other.log_likelihood, one.log_likelihood, rtol=1e-8)


@given(SEEDS, st.sampled_from(KINDS), st.integers(-300, 300))
def test_units_do_not_matter(seed: int, kind: Any, power: int) -> None:
    """Rows rescaled by a power of two have the same responsibilities after a few iterations."""
    rng = np.random.default_rng(seed)
    x = holes(rng, random_rows(rng, 30, 2))
    one, other = (
        emkit.fit(GaussianMixture.start(Incomplete(r), 2, rng=0, emissions=kind), Incomplete(r), max_iter=3, tol=0.0)
        for r in (x, x * 2.0**power)
    )
    assert_allclose(other.model.means, one.model.means * 2.0**power, rtol=1e-7, atol=1e-9 * 2.0**power)


@every_kind
@pytest.mark.parametrize("prior", ["ridge", None])
def test_ascends_and_adds_over_chunks(kind: Any, prior: Any) -> None:
    """EM with missing cells never falls, and chunks of rows change nothing."""
    rng = np.random.default_rng(4)
    x = Incomplete(holes(rng, random_rows(rng, 90, 3)))
    start = GaussianMixture.start(x, 2, rng=0, emissions=kind, prior=prior)
    whole, chunked = (emkit.fit(start, x, max_iter=15, tol=0.0, chunk_size=size) for size in (None, 25))
    assert whole.trace.monotone
    assert whole.log_likelihood > whole.trace[0]
    assert_allclose(chunked.model.covariances, whole.model.covariances, rtol=1e-6, atol=1e-9)


@every_kind
def test_weights_are_repetition(kind: Any) -> None:
    """Whole weights count as copies of incomplete rows, the start included."""
    rng = np.random.default_rng(5)
    x, count = holes(rng, random_rows(rng, 40)), rng.integers(0, 4, 40)
    weighted, repeated = Weighted(Incomplete(x), count), Incomplete(np.repeat(x, count, axis=0))
    one, other = (
        emkit.fit(GaussianMixture.start(rows, 2, rng=0, emissions=kind), rows, max_iter=10, tol=0.0)
        for rows in (weighted, repeated)
    )
    assert_allclose(other.model.covariances, one.model.covariances, rtol=1e-6)
    assert_allclose(other.log_likelihood, one.log_likelihood, rtol=1e-9)


@every_kind
def test_rows_missing_as_a_whole_teach_nothing(kind: Any) -> None:
    """Rows of which nothing is seen change no emission, and only they make statistics of no weight."""
    rng = np.random.default_rng(6)
    emissions = random_mixture(kind, rng).emissions
    x = random_rows(rng, 9)
    posterior = rng.dirichlet(np.ones(3), 12)
    with_more = Incomplete(np.vstack([x, np.full((3, 2), np.nan)]))
    fitted = emissions.m_step(emissions.statistics(with_more, posterior))
    assert_allclose(fitted.means, emissions.m_step(emissions.statistics(x, posterior[:9])).means, rtol=1e-12)
    nothing = emissions.statistics(with_more[9:], posterior[9:])
    assert not nothing.weight.any()
    assert emissions.m_step(nothing) == emissions


# What the data cannot tell.


@every_kind
def test_a_column_never_observed_is_named(kind: Any) -> None:
    """A start refuses a column that is never observed, by number; a known model keeps it finite and complains."""
    rng = np.random.default_rng(7)
    x = random_rows(rng, 50, 3)
    x[:, 1] = np.nan
    rows = Incomplete(x)
    with pytest.raises(ValueError, match="column 1 is never observed"):
        GaussianMixture.start(rows, 2, rng=0, emissions=kind)
    with pytest.raises(ValueError, match="column 1 is never observed"):
        GaussianMixture.from_responsibilities(rows, np.arange(50) % 2, emissions=kind)
    means = np.array([[0.0, 5.0, 0.0], [8.0, 6.0, 8.0]])
    fit = emkit.fit(GaussianMixture([0.5, 0.5], emissions_of(kind, means, np.tile(4 * np.eye(3), (2, 1, 1)))), rows)
    assert fit.outcome is Outcome.DEGENERATE
    assert "column 1: is never observed" in fit.message
    assert "together" not in fit.message
    assert_allclose(fit.model.means[:, 1], means[:, 1], rtol=1e-9)
    assert fit.trace.monotone


@every_kind
def test_columns_never_observed_together_are_named(kind: Any) -> None:
    """Covariance matrices of two columns that no row shows together are named by pair; others are sound."""
    rng = np.random.default_rng(8)
    x = rng.normal(size=(80, 3)) @ np.array([[1.0, 0.5, 0.5], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]])
    x[:40, 0] = x[40:, 2] = np.nan
    rows = Incomplete(x)
    fit = emkit.fit(GaussianMixture.start(rows, 1, rng=0, emissions=kind), rows, max_iter=200)
    assert np.isfinite(fit.model.covariances).all()
    assert fit.trace.monotone
    assert (fit.outcome is Outcome.DEGENERATE) == (kind in MATRICES)
    assert ("columns 0 and 2: are never observed together" in fit.message) == (kind in MATRICES)
    held = GaussianMixture([1.0], emkit.replace(fit.model.emissions, fixed=kind.stored_as))
    assert "together" not in emkit.fit(held, rows).message


def test_many_pairs_are_counted() -> None:
    """Of many pairs that are never observed together five are named and the rest counted."""
    x = np.random.default_rng(9).normal(size=(60, 6))
    x[:30, :3] = x[30:, 3:] = np.nan
    fit = emkit.fit(GaussianMixture.start(Incomplete(x), 1, rng=0), Incomplete(x), max_iter=3)
    assert "columns 0 and 3" in fit.message
    assert "nor are 4 more pairs" in fit.message
    assert fit.message.count(" and ") >= 5


@every_kind
def test_a_constant_column_is_refused(kind: Any) -> None:
    """A column that is constant where it is seen is refused by number, round components excepted."""
    rng = np.random.default_rng(10)
    x = holes(rng, random_rows(rng, 40, 3))
    x[:, 2] = np.where(np.isnan(x[:, 2]), np.nan, 0.1)
    if kind is SphericalGaussian:
        assert GaussianMixture.start(Incomplete(x), 2, rng=0, emissions=kind)
    else:
        with pytest.raises(ValueError, match=r"column 2 is constant \(0.1\)"):
            GaussianMixture.start(Incomplete(x), 2, rng=0, emissions=kind)


def test_bad_rows_are_refused() -> None:
    """Another number of columns is refused, and a nan that nobody called missing."""
    model = random_mixture(FullGaussian, np.random.default_rng(0))
    with pytest.raises(ValueError, match="expected 2 columns, found 3"):
        model.log_marginal(Incomplete([[1.0, np.nan, 2.0]]))
    with pytest.raises(ValueError, match="row 0, column 1 is nan"):
        model.log_marginal([[1.0, np.nan]])


# What is missing, from what is seen.


@given(SEEDS, st.sampled_from(KINDS))
def test_impute_gives_conditional_means(seed: int, kind: Any) -> None:
    """Missing cells become their mean given the cells seen, components shared out by Bayes' rule."""
    rng = np.random.default_rng(seed)
    model = random_mixture(kind, rng, 2, 3)
    x = holes(rng, random_rows(rng, 8, 3))
    found, posterior = model.impute(Incomplete(x)), model.posterior(Incomplete(x))
    pairs = list(zip(model.means, model.covariances, strict=True))
    expected = [
        sum(p * completed(row, *one)[0] for p, one in zip(q, pairs, strict=True))
        for row, q in zip(x, posterior, strict=True)
    ]
    assert_allclose(found, expected, rtol=1e-7, atol=1e-8)
    assert np.array_equal(found[~np.isnan(x)], x[~np.isnan(x)])


@every_kind
def test_drawn_cells_have_the_conditional_moments(kind: Any) -> None:
    """Cells drawn given the rest have the conditional mean and covariance, within six standard errors."""
    rng = np.random.default_rng(11)
    model = random_mixture(kind, rng, 1, 3)
    row = np.array([np.nan, 1.0, np.nan])
    n = 20_000
    drawn = model.sample_missing(Incomplete(np.tile(row, (n, 1))), 12)
    mean, covariance = completed(row, model.means[0], model.covariances[0])
    scale = np.sqrt(np.diag(covariance))
    assert (drawn[:, 1] == 1.0).all()
    assert (np.abs(drawn.mean(axis=0) - mean) <= 6 * scale / np.sqrt(n)).all()
    assert (np.abs(np.cov(drawn, rowvar=False) - covariance) <= 6 * np.sqrt(2 / n) * np.outer(scale, scale)).all()


def test_drawn_cells_follow_the_component() -> None:
    """Each draw comes from one component: between two narrow ones there is nothing."""
    model = GaussianMixture([0.3, 0.7], DiagonalGaussian([[0.0, 0.0], [0.0, 9.0]], np.full((2, 2), 0.01)))
    drawn = model.sample_missing(Incomplete(np.tile([0.0, np.nan], (5000, 1))), 0)[:, 1]
    assert ((np.abs(drawn) < 1) | (np.abs(drawn - 9) < 1)).all()
    assert_allclose((drawn > 5).mean(), 0.7, atol=0.04)
