"""The crossing of log space, and averages."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logsumexp

from emkit.arrays import Array, average, condition

densities = arrays(np.float64, (4, 3), elements=st.floats(-1e4, 1e4))
weights = arrays(np.float64, 3, elements=st.floats(0.01, 1)).map(lambda w: w / w.sum())


@given(weights, densities)
def test_condition_is_bayes_rule(weights: Array, log_density: Array) -> None:
    """The log marginal is SciPy's weighted log-sum-exp, and the posterior the joint over it."""
    log_marginal, posterior = condition(weights, log_density)
    np.testing.assert_allclose(log_marginal, logsumexp(log_density, axis=1, b=weights), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(posterior, weights * np.exp(log_density - log_marginal[:, None]), rtol=1e-11, atol=1e-14)


@given(weights, densities)
def test_posterior_rows_sum_to_one(weights: Array, log_density: Array) -> None:
    """Every row of a posterior sums to one, to rounding."""
    np.testing.assert_allclose(condition(weights, log_density)[1].sum(axis=1), 1.0, rtol=1e-15)


def test_condition_where_every_density_underflows() -> None:
    """Densities of exp(-1e6) give the log marginal of a 60-digit evaluation."""
    log_density = np.array([[-1e6, -1e6 - 3.5]])
    log_marginal, _ = condition(np.array([0.3, 0.7]), log_density)
    with mpmath.workdps(60):
        exact = mpmath.log(
            mpmath.mpf(0.3) * mpmath.exp(mpmath.mpf(-1e6)) + mpmath.mpf(0.7) * mpmath.exp(mpmath.mpf(-1e6 - 3.5))
        )
    assert log_marginal[0] == pytest.approx(float(exact), rel=1e-15)


def test_impossible_rows_keep_the_prior() -> None:
    """A row that no state can emit has log marginal -inf and the prior as its posterior."""
    prior = np.array([0.25, 0.75])
    log_marginal, posterior = condition(prior, np.array([[-np.inf, -np.inf], [-np.inf, 0.0]]))
    assert log_marginal.tolist() == [-np.inf, np.log(0.75)]
    assert posterior.tolist() == [[0.25, 0.75], [0.0, 1.0]]


def test_a_state_of_weight_zero_never_happens() -> None:
    """A state of weight zero has posterior zero, however likely it makes the row."""
    log_marginal, posterior = condition(np.array([0.0, 1.0]), np.array([[500.0, -3.0]]))
    assert log_marginal.tolist() == [-3.0]
    assert posterior.tolist() == [[0.0, 1.0]]


@given(arrays(np.float64, (3, 2), elements=st.floats(-1e6, 1e6)), arrays(np.float64, 3, elements=st.floats(0, 1e6)))
def test_average_divides_where_there_is_weight(total: Array, weight: Array) -> None:
    """Rows with weight are divided by it, and rows without keep what they had."""
    with np.errstate(over="ignore"):
        result = average(total, weight, otherwise=np.array([7.0, 8.0]))
        expected = [list(t / w) if w > 0 else [7.0, 8.0] for t, w in zip(total, weight, strict=True)]
    assert result.tolist() == [[float(x) for x in row] for row in expected]


def test_average_of_a_single_total() -> None:
    """A weight without axes divides the whole array."""
    assert average(np.array([[2.0, 4.0]]), np.asarray(2.0), otherwise=np.zeros((1, 2))).tolist() == [[1.0, 2.0]]
