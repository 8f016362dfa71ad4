"""Promises on truth: the numbers are right, or the fit says that they are not."""

import itertools
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emkit
from emkit import DiagonalGaussian, GaussianMixture, Outcome, SphericalGaussian, TiedGaussian, Trace, starts
from tests.gaussians import KINDS, random_mixture
from tests.promises.hostile import (
    CENTRES,
    assert_same,
    every_chunking,
    every_kind,
    every_prior,
    groups,
    known,
    log_likelihood,
    start,
)

kinds = st.sampled_from(KINDS)
TRACE_TOLERANCE = 1e-11


@given(kinds, st.sampled_from(["ridge", None]), st.floats(0.5, 2), st.integers(0, 11), st.integers(0, 50))
def test_converged_means_that_the_increment_was_small(kind: Any, prior: Any, near: float, i: int, seed: int) -> None:
    """Promise 1: a fit is converged exactly when its last iteration, and none before, gained less than tol per unit."""
    x = groups(20, seed)
    begin = start(kind, x, prior=prior, how=starts.random_responsibilities)
    gains = np.diff(np.asarray(emkit.fit(begin, x, tol=0, max_iter=12).trace)) / len(x)
    tol = float(near * abs(gains[i]))  # close to what some iteration gains
    met = np.flatnonzero(np.abs(gains) < tol)
    fit = emkit.fit(begin, x, tol=tol, stop="increment", max_iter=12)
    assert fit.converged == (fit.outcome is Outcome.CONVERGED) == (len(met) > 0)
    assert fit.n_iter == len(fit.trace) - 1 == (met[0] + 1 if len(met) else 12)
    assert str(fit.outcome) in ("converged", "max_iter")
    assert fit.message


@given(kinds, st.sampled_from(["ridge", None]), st.floats(0.5, 2), st.integers(2, 12), st.integers(0, 50))
def test_converged_means_that_little_is_still_to_come(kind: Any, prior: Any, near: float, i: int, seed: int) -> None:
    """Promise 1: a fit is converged exactly when, and not before, the estimated gain to come is below tol per unit."""
    x = groups(20, seed)
    begin = start(kind, x, prior=prior, how=starts.random_responsibilities)
    whole = emkit.fit(begin, x, tol=0, max_iter=12).trace.records
    to_come = [Trace(whole[: n + 1]).remaining for n in range(len(whole))]
    tol = near * (to_come[min(i, len(to_come) - 1)] or 1.0) / len(x)  # close to what some iteration has still to come
    met = [n for n, left in enumerate(to_come) if left is not None and left < tol * len(x)]
    fit = emkit.fit(begin, x, tol=tol, max_iter=12)
    assert fit.converged == (len(met) > 0)
    assert fit.n_iter == (met[0] if met else 12)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
def test_converged_means_that_the_parameters_stood_still(tol: float) -> None:
    """Promise 1: by the parameters, it is when no free coordinate moved by more than tol times its size, or one."""
    x = groups(20, 3)
    begin = start(KINDS[0], x)
    fit = emkit.fit(begin, x, tol=tol, stop="parameters", max_iter=5000)
    models = [step.model for step in itertools.islice(emkit.steps(begin, x), fit.n_iter + 1)]
    free = np.array([emkit.pack(model) for model in models])
    moved = np.max(np.abs(np.diff(free, axis=0)) / np.maximum(1, np.abs(free[:-1])), axis=1)
    assert fit.converged
    assert moved[-1] < tol
    assert (moved[:-1] >= tol).all()
    np.testing.assert_allclose([r.moved for r in fit.trace.records[1:] if r.moved is not None], moved)


@every_kind
@every_prior
@pytest.mark.parametrize(
    ("options", "outcome"),
    [({}, "converged"), ({"max_iter": 2}, "max_iter"), ({"tol": 0}, "stalled")],
    ids=["converged", "max_iter", "stalled"],
)
def test_the_stored_log_likelihood_is_that_of_the_model(kind: Any, prior: Any, options: Any, outcome: str) -> None:
    """Promise 2: the log likelihood of a fit is that of the parameters it returns, to 1e-9, for every outcome."""
    x = groups()
    fit = emkit.fit(start(kind, x, prior=prior), x, **options)
    assert fit.outcome == outcome
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit.model, x), rel=1e-9)


@every_kind
def test_the_stored_log_likelihood_is_that_of_the_last_model_before_a_collapse(kind: Any) -> None:
    """Promise 2: a fit that ends degenerate returns the last model inside and stores its log likelihood."""
    x = groups()[:3]
    fit = emkit.fit(known(kind, x, 1.0), x)
    assert fit.outcome is Outcome.DEGENERATE
    assert fit.log_likelihood == pytest.approx(log_likelihood(fit.model, x), rel=1e-9)


@every_kind
@every_prior
@every_chunking
def test_exact_em_never_falls(kind: Any, prior: Any, chunk_size: int | None) -> None:
    """Promise 3: over many starts and up to the last digit, no iteration falls by more than rounding."""
    for seed in range(3):
        x = groups(20, seed)
        begin = GaussianMixture.start_at_points(x, 4, rng=seed, emissions=kind, prior=prior)
        fit = emkit.fit(begin, x, tol=0, max_iter=50, chunk_size=chunk_size)
        trace = np.asarray(fit.trace)
        assert fit.trace.monotone
        assert np.diff(trace).min() >= -TRACE_TOLERANCE * np.abs(trace).max()


def exact_log_marginal(model: GaussianMixture, row: Any) -> float:
    """Return log Σ_k w_k N(row; μ_k, Σ_k) from 60-digit arithmetic."""
    diagonal = isinstance(model.emissions, (DiagonalGaussian, SphericalGaussian))
    with mpmath.workdps(60):
        x = [mpmath.mpf(float(entry)) for entry in row]
        terms = []
        for k, weight in enumerate(model.weights):
            centred = [a - mpmath.mpf(float(b)) for a, b in zip(x, model.means[k], strict=True)]
            if diagonal:
                variances = np.broadcast_to(model.emissions.column_variances()[k], len(x))
                exact = [mpmath.mpf(float(v)) for v in variances]
                volume = mpmath.fsum(mpmath.log(v) for v in exact)
                distance = mpmath.fsum(c * c / v for c, v in zip(centred, exact, strict=True))
            else:
                matrix = mpmath.matrix(model.covariances[k].tolist())
                volume = mpmath.log(mpmath.det(matrix))
                column = mpmath.matrix(centred)
                distance = (column.T * mpmath.lu_solve(matrix, column))[0]
            density = -(len(x) * mpmath.log(2 * mpmath.pi) + volume + distance) / 2
            terms.append(mpmath.log(mpmath.mpf(float(weight))) + density)
        peak = max(terms)
        return float(peak + mpmath.log(mpmath.fsum(mpmath.exp(term - peak) for term in terms)))


@given(kinds, st.integers(0, 10_000), st.floats(-8, 150), st.floats(-100, 100))
def test_log_densities_match_60_digits(kind: Any, seed: int, far: float, scale: float) -> None:
    """Promise 4: log densities match 60-digit arithmetic to 1e-9, near the means and where every density underflows."""
    rng = np.random.default_rng(seed)
    unit = random_mixture(kind, rng, n_components=3, width=3)
    model = rescaled(unit, 10.0 ** min(scale, 150 - far))
    row = model.means[0] + 10.0**far * rng.normal(size=3) * np.sqrt(model.emissions.column_variances()[0])
    assert model.log_marginal(row[None])[0] == pytest.approx(exact_log_marginal(model, row), rel=1e-9)


def rescaled(model: GaussianMixture, factor: float) -> GaussianMixture:
    """Return a mixture in other units."""
    means, spread = model.means * factor, model.covariances * factor**2
    parameters = {
        "covariances": spread,
        "covariance": spread[0],
        "variances": np.asarray(getattr(model.emissions, "variances", 1.0)) * factor**2,
    }
    emissions = model.emissions
    changes = {name: value for name, value in parameters.items() if name in type(emissions).__annotations__}
    return emkit.replace(model, emissions=emkit.replace(emissions, means=means, **changes))


@pytest.mark.parametrize("kind", [DiagonalGaussian, SphericalGaussian])
def test_ten_thousand_features_match_60_digits(kind: Any) -> None:
    """Promise 4: with 10,000 features, where every density underflows, log densities match 60 digits to 1e-9."""
    rng = np.random.default_rng(5)
    emissions = kind.at(rng.normal(size=(2, 10_000)), rng.gamma(2.0, size=10_000))
    model = GaussianMixture([0.3, 0.7], emissions)
    rows = model.sample(2, rng)
    rows[1] += 50
    exact = [exact_log_marginal(model, row) for row in rows]
    assert model.log_marginal(rows) == pytest.approx(exact, rel=1e-9)
    assert model.posterior(rows).sum(axis=1) == pytest.approx([1, 1], abs=1e-12)


TRANSFORMATIONS = {
    "offset 1e8": (1.0, 1e8),
    "offset -1e8 and 1e8": (1.0, [-1e8, 1e8]),
    "scale 1e150": (1e150, 0.0),
    "scale 1e-150": (1e-150, 0.0),
    "micrometres": (1e-6, 0.3),
    "scale 1e-140, offset 1e-132": (1e-140, 1e-132),
    "columns 1e-8 and 1e8": ([1e-8, 1e8], 0.0),
    "columns 1e-150 and 1e150": ([1e-150, 1e150], 0.0),
}


@every_kind
@every_prior
@every_chunking
@pytest.mark.parametrize(("scale", "offset"), TRANSFORMATIONS.values(), ids=TRANSFORMATIONS)
def test_fits_are_affine_equivariant(kind: Any, prior: Any, chunk_size: int | None, scale: Any, offset: Any) -> None:
    """Promise 5: in other units and about another origin the default start and its fit find the same mixture."""
    if kind is SphericalGaussian and np.ndim(scale):
        return  # round components are round in one unit only
    moved = groups() * scale + offset
    factor = np.broadcast_to(scale, 2)
    x = (moved - offset) / scale  # the same digits as the moved data have
    here = emkit.fit(start(kind, x, prior=prior), x, tol=0, max_iter=12)
    there = emkit.fit(start(kind, moved, prior=prior), moved, tol=0, max_iter=12, chunk_size=chunk_size)
    back = GaussianMixture(
        there.model.weights,
        kind_of_matrices(
            kind, (there.model.means - offset) / scale, there.model.covariances / factor / factor[:, None]
        ),
    )
    assert_same(here.model, back, 1e-7)
    jacobian = len(x) * np.log(factor).sum()
    assert there.log_likelihood + jacobian == pytest.approx(here.log_likelihood, abs=1e-7 * len(x))


def kind_of_matrices(kind: Any, means: Any, matrices: Any) -> Any:
    """Return components of a kind from their covariance matrices."""
    if kind is SphericalGaussian:
        return kind(means, matrices[:, 0, 0])
    if kind is DiagonalGaussian:
        return kind(means, np.diagonal(matrices, axis1=1, axis2=2))
    return kind(means, matrices[0] if kind is TiedGaussian else matrices)


def pooled(kind: Any, x: Any, labels: Any) -> GaussianMixture:
    """Return the maximum-likelihood mixture of rows whose components are known, computed about one row of each."""
    count = np.bincount(labels)
    means, scatters = [], []
    for k in range(len(count)):
        mine = x[labels == k]
        centred = mine - mine[0]
        shift = centred.mean(axis=0)
        means.append(mine[0] + shift)
        scatters.append((centred - shift).T @ (centred - shift))
    matrices = np.array(scatters) / count[:, None, None]
    if kind is TiedGaussian:
        matrices = np.broadcast_to(np.sum(scatters, axis=0) / len(x), matrices.shape)
    if kind is SphericalGaussian:
        matrices = np.trace(matrices, axis1=1, axis2=2)[:, None, None] * np.eye(2) / 2
    return GaussianMixture(count / len(x), kind_of_matrices(kind, np.array(means), matrices))


@every_kind
@pytest.mark.parametrize("begin", ["default", "default without prior", "known"])
@pytest.mark.parametrize(("chunk_size", "tolerance"), [(None, 2e-6), (7, 1e-5)], ids=["whole", "chunked"])
def test_clusters_1e10_widths_apart_are_each_measured_exactly(
    kind: Any, begin: str, chunk_size: int | None, tolerance: float
) -> None:
    """Promise 5: clusters 1e10 widths apart get their own means and covariances, to the digits that the data have."""
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1, 2], 40)
    x = rng.normal(size=(120, 2)) + 1e10 * CENTRES[labels] / 7
    if begin == "known":
        model = known(kind, 1e10 * CENTRES / 7 + 0.5)
    else:
        model = start(kind, x, prior="ridge" if begin == "default" else None)
    fit = emkit.fit(model, x, chunk_size=chunk_size)
    found = fit.model.predict(x)
    expected = pooled(kind, x, found)
    assert fit.converged
    assert (np.bincount(found) == 40).all()
    assert_same(expected, fit.model, tolerance)


@every_kind
def test_float32_accumulates_in_float64(kind: Any) -> None:
    """Promise 6: float32 data give bit for bit the fit of the same numbers in float64."""
    single = (groups() + 1000).astype(np.float32)
    double = single.astype(np.float64)
    one, two = (emkit.fit(start(kind, x), x) for x in (single, double))
    assert one.model == two.model
    assert one.trace == two.trace


@every_kind
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint64])
def test_integers_do_not_overflow_when_squared(kind: Any, dtype: Any) -> None:
    """Promise 6: integers near the largest of their type give bit for bit the fit of the same numbers in float64."""
    top = min(float(np.iinfo(dtype).max), 2.0**62)
    whole = (top * (0.3 + groups() / 30)).astype(dtype)
    one, two = (emkit.fit(start(kind, x), x) for x in (whole, whole.astype(np.float64)))
    assert one.model == two.model


@every_kind
def test_samples_reproduce_the_moments(kind: Any) -> None:
    """Promise 7: the mean and covariance of many draws are those of the mixture, within six standard errors."""
    model = random_mixture(kind, np.random.default_rng(2), n_components=2)
    rows = model.sample(200_000, np.random.default_rng(1))
    mean = model.weights @ model.means
    shift = model.means - mean
    covariance = np.einsum("k,kde->de", model.weights, model.covariances + shift[:, :, None] * shift[:, None, :])
    centred = rows - mean
    products = centred[:, :, None] * centred[:, None, :]
    assert (np.abs(centred.mean(axis=0)) < 6 * centred.std(axis=0) / np.sqrt(len(rows))).all()
    error = products.std(axis=0) / np.sqrt(len(rows))
    assert (np.abs(products.mean(axis=0) - covariance) < 6 * error).all()
