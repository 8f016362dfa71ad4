"""The compiled E-step of Gaussian mixtures does what the plain one does."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import emkit
from emkit import Array, FullGaussian, GaussianMixture, Incomplete, Outcome, Weighted
from emkit.kernels import choice
from tests.gaussians import KINDS, emissions_of, random_mixture

SEEDS = st.integers(0, 2**32 - 1)


def compiled(model: Any, data: Any) -> Any:
    """Run the compiled E-step on prepared data."""
    with choice.use("always"):
        e_step = model.compiled_e_step(data)
    assert e_step is not None
    return e_step(model, data)


def case(kind: Any, seed: int, separation: float, width: int, n: int = 60) -> tuple[GaussianMixture, Array]:
    rng = np.random.default_rng(seed)
    base = random_mixture(kind, rng, 4, width)
    emissions = emissions_of(kind, base.emissions.means * separation, base.emissions.covariance_matrices())
    model = GaussianMixture(base.weights, emissions)
    return model, np.asarray(model.sample(n, rng))


def agree(one: Any, other: Any, model: Any, rtol: float = 1e-12) -> None:
    """Compare two expectations, scatters in units of the covariances."""
    assert_allclose(one.log_likelihood, other.log_likelihood, rtol=rtol)
    assert one.units == other.units
    assert_allclose(one.statistics.count, other.statistics.count, rtol=rtol, atol=rtol)
    found, expected = one.statistics.emissions, other.statistics.emissions
    width = np.sqrt(model.emissions.column_variances().max())
    assert_allclose(found.mean, expected.mean, rtol=rtol, atol=100 * rtol * width)
    assert_allclose(found.scatter, expected.scatter, rtol=rtol, atol=100 * rtol * width**2)


@settings(max_examples=60)
@given(
    SEEDS,
    st.sampled_from(KINDS),
    st.sampled_from([0.3, 1.0, 1e3, 1e10]),
    st.integers(1, 6),
    st.booleans(),
    st.sampled_from([np.float64, np.float32]),
)
def test_the_compiled_step_is_the_plain_one(
    seed: int, kind: Any, separation: float, width: int, weighted: bool, dtype: Any
) -> None:
    """For any covariances, separation, width and weights, both give the same to 1e-12 of what they measure."""
    model, rows = case(kind, seed, separation, width)
    weight = np.random.default_rng(seed).choice([0.0, 0.5, 3.0], len(rows)) + 1e-3
    x = rows.astype(dtype)
    data = model.prepare(Weighted(x, weight) if weighted else x)
    with np.errstate(all="raise", under="ignore"):
        found = compiled(model, data)
    exact = emkit.condition(model.weights, model.emissions.log_density(x))
    moments = model.emissions.statistics(x, exact[1] * data.weight[:, None])
    plain = model.e_step(data)
    assert_allclose(found.log_likelihood, data.weight @ exact[0], rtol=1e-12)
    agree(found, plain, model, rtol=1e-12 + 100 * plain.rounding / plain.units)
    assert_allclose(found.statistics.emissions.weight, moments.weight, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_means_that_move_far_lose_nothing(kind: Any) -> None:
    """A step in which means move by a million widths is summed anew, about where they moved to."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(40, 2)) * 1e-6, rng.normal(size=(40, 2)) * 1e-6 + 10])
    model = GaussianMixture([0.5, 0.5], kind.at([[1.0, 1.0], [9.0, 8.0]], [1.0, 1.0]))
    data = model.prepare(x)
    found = compiled(model, data).statistics.emissions
    expected = model.emissions.statistics(x, np.repeat(np.eye(2), 40, axis=0))
    assert_allclose(found.scatter, expected.scatter, rtol=1e-8)
    assert_allclose(found.mean, expected.mean, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_impossible_rows_are_left_to_the_plain_step(kind: Any) -> None:
    """A row beyond what floating point can square is impossible, compiled or not."""
    model, x = case(kind, 1, 1.0, 2)
    data = model.prepare(np.concatenate([x, [[1e200, 0.0]]]))
    found, plain = compiled(model, data), model.e_step(data)
    assert found.log_likelihood == plain.log_likelihood == -np.inf
    assert_allclose(found.statistics.count, plain.statistics.count, rtol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_components_of_weight_zero_learn_nothing(kind: Any) -> None:
    """A component of weight zero has no count, mean or scatter."""
    model, x = case(kind, 2, 1.0, 2)
    found = compiled(GaussianMixture([0.4, 0.0, 0.3, 0.3], model.emissions), model.prepare(x)).statistics
    assert found.count[1] == 0
    assert (found.emissions.mean[1] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", [1, 2])
def test_fits_are_the_same(kind: Any, workers: int) -> None:
    """A whole fit by kernels is the fit in NumPy, and with any number of threads the same to the bit."""
    model, x = case(kind, 3, 1.0, 3, n=400)
    fits = []
    for mode in ("never", "always"):
        with choice.use(mode):
            fits.append(emkit.fit(model, x, tol=0, max_iter=6, chunk_size=90, workers=workers))
    assert_allclose(list(fits[0].trace), list(fits[1].trace), rtol=1e-11)
    assert fits[1].outcome is Outcome.MAX_ITER
    with choice.use("always"):
        again = emkit.fit(model, x, tol=0, max_iter=6, chunk_size=90)
    assert again.model == fits[1].model


def test_what_is_not_compiled() -> None:
    """Missing cells, small data and subclasses with an E-step of their own keep the plain step."""
    model, x = case(FullGaussian, 4, 1.0, 2)
    assert model.compiled_e_step(model.prepare(x)) is None

    class Own(GaussianMixture):
        def e_step(self, data: Any) -> Any:
            return super().e_step(data)

    with choice.use("always"):
        assert Own(model.weights, model.emissions).compiled_e_step(model.prepare(x)) is None
        x[0, 0] = np.nan
        assert model.compiled_e_step(model.prepare(Incomplete(x))) is None
