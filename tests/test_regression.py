"""Lines from moments against least squares on rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from emkit import Array
from emkit.moments import FullMoments
from emkit.regression import distance, line, unidentified

SEEDS = st.integers(0, 2**32 - 1)


def draw(seed: int, width: int) -> tuple[Array, Array, Array, FullMoments]:
    rng = np.random.default_rng(seed)
    covariates = rng.normal(rng.normal(0, 3, width), 1.0, (30, width))
    response, weight = rng.normal(2, 1, 30), rng.uniform(0.1, 2, 30)
    rows = np.column_stack([covariates, response])
    return covariates, response, weight, FullMoments.of(rows, weight[:, None], about=rows[:1])


@given(SEEDS, st.integers(0, 3))
def test_weighted_least_squares(seed: int, width: int) -> None:
    """Intercept, coefficients and their squared distance are those of a fit to weighted rows."""
    covariates, response, weight, moments = draw(seed, width)
    design = np.column_stack([np.ones(30), covariates]) * np.sqrt(weight)[:, None]
    solution, *_ = np.linalg.lstsq(design, response * np.sqrt(weight))
    intercept, coefficients = line(moments, None, None)
    assert_allclose(np.append(intercept, coefficients), solution, rtol=1e-8, atol=1e-8)
    squares = weight @ np.square((response - intercept - covariates @ coefficients) / 3)
    assert_allclose(distance(moments, intercept, coefficients, 3.0), squares, rtol=1e-9)


@given(SEEDS, st.integers(0, 3))
def test_either_part_held(seed: int, width: int) -> None:
    """Where one part is held, the other is the fit to what it leaves."""
    covariates, response, weight, moments = draw(seed, width)
    root = np.sqrt(weight)
    through_point, *_ = np.linalg.lstsq(covariates * root[:, None], (response - 0.7) * root)
    intercept, coefficients = line(moments, 0.7, None)
    assert intercept == 0.7
    assert_allclose(coefficients, through_point, rtol=1e-8, atol=1e-8)
    held = np.arange(width) + 0.5
    intercept, coefficients = line(moments, None, held)
    assert coefficients is held
    assert_allclose(intercept, np.average(response - covariates @ held, weights=weight), rtol=1e-9, atol=1e-9)
    squares = weight @ np.square(response - 0.7 - covariates @ held)
    assert_allclose(distance(moments, 0.7, held), squares, rtol=1e-9)


def test_what_no_line_can_tell() -> None:
    """A constant covariate and one that is a combination of others are named; others are not."""
    covariates, response, weight, healthy = draw(1, 2)
    assert unidentified(healthy) == []
    columns = [covariates[:, 0], np.full(30, 7.0), covariates[:, 1], covariates @ [1.0, 2.0], response]
    rows = np.column_stack(columns)
    found = dict(unidentified(FullMoments.of(rows, weight[:, None], about=rows[:1])))
    assert set(found) == {"covariate 0", "covariate 1", "covariate 2", "covariate 3"}
    assert "constant (7)" in found["covariate 1"]
    assert "combination" in found["covariate 3"]
