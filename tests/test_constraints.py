"""Each constraint: what it accepts, what it names, and its free coordinates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emkit.arrays import Array
from emkit.constraints import Constraint, Positive, PositiveDefinite, Probability, Real, Simplex, unexplained

numbers = arrays(np.float64, (2, 3), elements=st.floats(-1e6, 1e6))
positives = arrays(np.float64, (2, 3), elements=st.floats(1e-300, 1e300))
probabilities = arrays(np.float64, (2, 3), elements=st.just(0.0) | st.just(1.0) | st.floats(1e-12, 1 - 1e-12))
masses = arrays(np.float64, (2, 4), elements=st.just(0.0) | st.floats(1e-6, 1)).filter(
    lambda w: bool(w.any(axis=1).all())
)
simplices = masses.map(lambda w: w / w.sum(axis=1, keepdims=True))
factors = arrays(np.float64, (2, 3, 3), elements=st.floats(-1, 1)).map(lambda a: np.tril(a, -1) + np.eye(3))
scales = arrays(np.float64, (2, 3), elements=st.floats(-50, 50)).map(np.exp)


def covariance(factor: Array, scale: Array) -> Array:
    lower = factor * scale[:, :, None]
    return lower @ np.swapaxes(lower, 1, 2)


matrices = st.builds(covariance, factors, scales)

ROUND_TRIPS: list[tuple[Constraint, st.SearchStrategy[Array], float]] = [
    (Real(), numbers, 0.0),
    (Positive(), positives, 1e-12),
    (Probability(), probabilities, 1e-12),
    (Simplex(), simplices, 1e-12),
]


@pytest.mark.parametrize(("constraint", "values", "rtol"), ROUND_TRIPS, ids=lambda a: type(a).__name__)
@given(data=st.data())
def test_free_coordinates_round_trip(
    constraint: Constraint, values: st.SearchStrategy[Array], rtol: float, data: st.DataObject
) -> None:
    """A value comes back from its free coordinates, as many as were announced; structural zeros and ones exactly."""
    value = data.draw(values)
    assert constraint.problem(value) is None
    free = constraint.to_free(value)
    assert free.shape == (constraint.free_size(value),)
    back = constraint.from_free(free, value)
    np.testing.assert_allclose(back, value, rtol=rtol, atol=0)
    exact = (
        (value == 0) | (value == 1) if isinstance(constraint, (Probability, Simplex)) else np.zeros_like(value, bool)
    )
    assert np.array_equal(back[exact], value[exact])


@given(matrices)
def test_covariances_round_trip(value: Array) -> None:
    """Covariance matrices come back from D (D + 1) / 2 coordinates each, relative to their scale, exactly symmetric."""
    constraint = PositiveDefinite()
    free = constraint.to_free(value)
    assert free.shape == (constraint.free_size(value),) == (12,)
    back = constraint.from_free(free, value)
    sd = np.sqrt(np.diagonal(value, axis1=1, axis2=2))
    np.testing.assert_allclose(
        back / sd[:, :, None] / sd[:, None, :], value / sd[:, :, None] / sd[:, None, :], atol=1e-10
    )
    assert np.array_equal(back, np.swapaxes(back, 1, 2))
    assert constraint.problem(back) is None


@given(matrices, st.integers(0, 2), st.floats(1e-8, 1e8))
def test_units_shift_one_coordinate(value: Array, column: int, unit: float) -> None:
    """A change of one feature's units adds its logarithm to one coordinate of each matrix and leaves the others."""
    scale = np.ones(3)
    scale[column] = unit
    before = PositiveDefinite().to_free(value).reshape(2, 6)
    after = PositiveDefinite().to_free(value * np.outer(scale, scale)).reshape(2, 6)
    expected = np.zeros((2, 6))
    expected[:, [0, 2, 5][column]] = np.log(unit)  # the diagonal of a lower triangle stored row by row
    np.testing.assert_allclose(after - before, expected, atol=1e-9 * (1 + np.abs(before).max()))


@given(arrays(np.float64, 6, elements=st.floats(-20, 20)))
def test_every_free_vector_is_a_simplex(free: Array) -> None:
    """Any free coordinates give positive rows that sum to one, as log-ratios to the last entry."""
    value = Simplex().from_free(free, np.full((2, 4), 0.25))
    np.testing.assert_allclose(value.sum(axis=1), 1.0)
    np.testing.assert_allclose(np.log(value[:, :3] / value[:, 3:]), free.reshape(2, 3), atol=1e-9)


PROBLEMS: list[tuple[Constraint, list[object], tuple[int, ...], str]] = [
    (Positive(), [1.0, 0.0], (1,), "is 0, expected a positive number"),
    (Positive(), [1.0, 1e-310], (1,), "expected a positive number"),
    (Probability(), [0.5, 1.5], (1,), "is 1.5, expected a probability from 0 to 1"),
    (Simplex(), [[0.5, 0.5], [1.5, -0.5]], (1, 1), "is -0.5, expected nonnegative numbers that sum to 1"),
    (Simplex(), [[0.5, 0.5], [0.5, 0.4]], (1,), "sums to 0.9; expected 1"),
    (PositiveDefinite(), [np.eye(2), [[1, 2], [2, 1]]], (1,), "not positive definite: with D = 2 columns"),
    (PositiveDefinite(), [np.eye(2), [[1, 0.5], [0.2, 1]]], (1,), "is not symmetric"),
    (PositiveDefinite(), [[[1, 0], [0, -3]]], (0,), "has variance -3 in column 1, expected a positive number"),
]


@pytest.mark.parametrize(("constraint", "value", "index", "text"), PROBLEMS)
def test_a_problem_names_its_entry(
    constraint: Constraint, value: list[object], index: tuple[int, ...], text: str
) -> None:
    """What leaves a constraint is named by the index of its first entry, and how."""
    problem = constraint.problem(np.array(value, dtype=np.float64))
    assert problem is not None
    assert problem[0] == index
    assert text in problem[1]


@given(st.floats(1e-150, 1e150))
def test_dependent_columns_are_refused_at_any_scale(scale: float) -> None:
    """A matrix of rank one is refused, and an almost singular one that floating point can hold is not."""
    direction = np.array([1.0, 3.0]) * scale
    assert PositiveDefinite().problem(np.outer(direction, direction)) is not None
    held = np.outer(direction, direction) * (1 + 1e-10 * np.eye(2))
    assert PositiveDefinite().problem(held) is None


@given(st.integers(0, 10**6), st.floats(1e-6, 1), st.floats(1e-100, 1e100))
def test_unexplained_is_what_a_regression_leaves(seed: int, noise: float, unit: float) -> None:
    """The unexplained share of a column is the residual variance of its regression on the others, in any units."""
    rows = np.random.default_rng(seed).normal(size=(50, 3))
    rows[:, 1] = rows[:, 0] + noise * rows[:, 1]
    rows -= rows.mean(axis=0)
    expected = []
    for d in range(3):
        others = np.delete(rows, d, axis=1)
        residual = rows[:, d] - others @ np.linalg.lstsq(others, rows[:, d])[0]
        expected.append(residual @ residual / (rows[:, d] @ rows[:, d]))
    value = rows.T @ rows * np.outer([unit, 1, 1], [unit, 1, 1])
    share = unexplained(np.asarray(np.linalg.cholesky(value), dtype=np.float64), np.diagonal(value))
    np.testing.assert_allclose(share, expected, rtol=1e-14 / noise**2 + 1e-10)


def test_a_matrix_singular_in_two_steps_is_refused() -> None:
    """Two mild dependencies whose product is beyond rounding are refused, though no pivot is at rounding level."""
    factor = np.array([[1.0, 0.0, 0.0], [1.0, 1e-4, 0.0], [0.0, 1.0, 5e-5]])
    value = factor @ factor.T
    pivots = np.diagonal(factor) ** 2 / np.diagonal(value)
    assert pivots.min() > 1e-9
    assert PositiveDefinite().problem(value) is not None
