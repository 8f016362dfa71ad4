"""How far factors and missing cells move: against one dense joint normal, and against log marginals and Q."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Array, FactorAnalysis, Incomplete, ProbabilisticPCA, SampleCovariance, Weighted, replace
from tests.models.factors import dense_factors as dense
from tests.models.gain import gap, of_dense_normals

KINDS = (FactorAnalysis, ProbabilisticPCA)
SEEDS = st.integers(0, 2**32 - 1)
SHAPES = st.sampled_from([(3, 1), (4, 2), (2, 3), (1, 1)])  # columns and factors
HELD: list[set[str]] = [set(), {"mean"}, {"loadings"}, {"noise"}, {"mean", "loadings"}, {"loadings", "noise"}]


def expected(model: Any, other: Any, row: Array) -> float:
    """Return the divergence of all that is latent in one row (D,): cells that are nan, and factors."""
    latent = np.append(np.isnan(row), np.ones(model.loadings.shape[1], dtype=bool))
    parts = []
    for mean, covariance in (dense.given(one, row) for one in (model, other)):
        parts += [mean[latent], covariance[np.ix_(latent, latent)]]
    return of_dense_normals(*parts)


def forms(rng: np.random.Generator, rows: Array) -> list[Any]:
    """Return rows as all kinds of data: plain, with holes, weighted, and as a covariance matrix."""
    holes = Incomplete(np.where(rng.random(rows.shape) < 0.3, np.nan, rows))
    covariance = np.cov(rows.T, ddof=0).reshape(rows.shape[1], -1)
    table = SampleCovariance(covariance, len(rows), rows.mean(axis=0))
    weight = rng.choice([0.0, 0.5, 1.0, 3.0], size=len(rows))
    return [rows, holes, table, *(Weighted(x, weight) for x in (rows, holes, table))]


@given(SEEDS, st.sampled_from(KINDS), SHAPES, st.sampled_from([0.0, 0.4]))
def test_it_is_that_of_dense_normals(seed: int, kind: Any, shape: tuple[int, int], missing: float) -> None:
    """The divergence of each row is that of factors and missing cells together, given the cells seen."""
    rng = np.random.default_rng(seed)
    model, other = (dense.random_model(kind, rng, *shape) for _ in range(2))
    rows = dense.random_rows(model, rng, 9, missing)
    moved = model.posterior_divergence(other, Incomplete(rows))
    assert_allclose(moved, [expected(model, other, row) for row in rows], rtol=1e-9, atol=1e-9)
    assert (moved >= 0).all()
    assert_allclose(model.posterior_divergence(model, Incomplete(rows)), 0.0, atol=1e-13)


@given(SEEDS, st.sampled_from(KINDS), SHAPES)
def test_gain_is_q_and_divergence(seed: int, kind: Any, shape: tuple[int, int]) -> None:
    """From any model to any other, log likelihood gains what Q gains and the divergence, whatever the data's form."""
    rng = np.random.default_rng(seed)
    model, other = (dense.random_model(kind, rng, *shape) for _ in range(2))
    for data in forms(rng, np.asarray(model.sample(20, rng))):
        assert gap(model, other, data) < 1


@settings(max_examples=10)
@given(SEEDS, st.sampled_from(KINDS), st.sampled_from(HELD))
def test_a_step_gains_q_and_divergence(seed: int, kind: Any, held: set[str]) -> None:
    """From a model to what its M-step makes of it, whatever blocks are held, it is the same."""
    rng = np.random.default_rng(seed)
    model = replace(dense.random_model(kind, rng, 4, 2), fixed=held)
    for data in forms(rng, np.asarray(model.sample(40, rng))):
        other = model.m_step(model.e_step(model.prepare(data)).statistics)
        assert gap(model, other, data) < 1
        assert gap(other, model, data) < 1


@given(SEEDS, st.sampled_from(KINDS), st.sampled_from([0.0, 1e5]))
def test_a_covariance_matrix_is_the_average_of_its_rows(seed: int, kind: Any, offset: float) -> None:
    """Each unit of a covariance matrix moves as far as the rows that it comes from do on average."""
    rng = np.random.default_rng(seed)
    model, other = (dense.random_model(kind, rng, 4, 2) for _ in range(2))
    model, other = (replace(one, mean=one.mean + offset) for one in (model, other))
    rows = np.asarray(model.sample(30, rng))
    table = SampleCovariance(np.cov(rows.T), 30, rows.mean(axis=0), ddof=1)
    average = model.posterior_divergence(other, rows).mean()
    assert_allclose(model.posterior_divergence(other, table), np.full(30, average), rtol=1e-11 + 1e-14 * offset)


@given(SEEDS)
def test_units_of_columns_do_not_matter(seed: int) -> None:
    """Columns rescaled by 1e-140 to 1e140, with their models, move as far."""
    rng = np.random.default_rng(seed)
    models = [dense.random_model(FactorAnalysis, rng, 4, 2) for _ in range(2)]
    rows, scale = dense.random_rows(models[0], rng, 9), 10.0 ** rng.uniform(-140, 140, size=4)
    moved = models[0].posterior_divergence(models[1], Incomplete(rows))
    model, other = (FactorAnalysis(m.mean * scale, m.loadings * scale[:, None], m.noise * scale**2) for m in models)
    assert_allclose(model.posterior_divergence(other, Incomplete(rows * scale)), moved, rtol=1e-9)


@pytest.mark.parametrize("noise", [1e-2, 1e-8, 1e-14])
def test_nearly_no_noise_loses_no_digits(noise: float) -> None:
    """Where noise is next to nothing and doubles, each factor and each missing cell moves as far as one normal does."""
    loadings = np.array([[1.0, 0.3], [0.5, -2.0], [0.2, 0.7], [1.5, 0.1]])
    model, other = (ProbabilisticPCA(np.zeros(4), loadings, noise * times) for times in (1.0, 2.0))
    on_plane = np.random.default_rng(0).normal(size=(5, 2)) @ loadings.T
    one_normal = (0.5 - 1 + np.log(2)) / 2
    assert_allclose(model.posterior_divergence(other, on_plane), 2 * one_normal, rtol=1e-12 + 10 * noise)
    holes = Incomplete(np.where(np.arange(4) == 1, np.nan, on_plane))
    assert_allclose(model.posterior_divergence(other, holes), 3 * one_normal, rtol=1e-12 + 10 * noise)


@pytest.mark.parametrize("kind", KINDS)
def test_beyond_floating_point_it_is_infinite(kind: Any) -> None:
    """Rows whose squares overflow are infinitely far, without a warning, and leave the others alone."""
    rng = np.random.default_rng(0)
    model, other = (dense.random_model(kind, rng, 3, 1) for _ in range(2))
    rows = np.array([[1e200, 0.0, 0.0], [0.0, 1.7e308, 1.7e308], [1.0, 2.0, 3.0]])
    for data in (Incomplete(rows), Incomplete(np.where(np.arange(3) == 2, np.nan, rows))):
        moved = model.posterior_divergence(other, data)
        assert np.isinf(moved).tolist() == [True, True, False]
        assert_allclose(moved[2], model.posterior_divergence(other, data[2:])[0], rtol=1e-12)
