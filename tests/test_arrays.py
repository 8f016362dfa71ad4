"""The crossing of log space, and averages."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import logsumexp

from emkit.arrays import Array, average, condition, divergence, excess, log_condition

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


@given(
    st.floats(-30.0, 3.0)
    | st.tuples(st.sampled_from([-1, 1]), st.floats(-12.0, 0.0)).map(lambda d: d[0] * 10.0 ** d[1])
)
def test_excess_keeps_its_digits(d: float) -> None:
    """exp d - 1 - d is that of many digits, however small d is."""
    with mpmath.workdps(700):
        expected = float(mpmath.expm1(d) - mpmath.mpf(d))
    np.testing.assert_allclose(excess(np.array(d)), expected, rtol=1e-11, atol=1e-320)


@given(st.floats(-12.0, 0.0), st.floats(-1.0, 1.0), st.integers(0, 2**32 - 1))
def test_a_divergence_of_shares_is_that_of_fifty_digits(log10: float, sign: float, seed: int) -> None:
    """Σ p log(p / q), also where p and q differ in the last digits only."""
    rng = np.random.default_rng(seed)
    log_p = np.log(rng.dirichlet(np.ones(4)))
    log_q = log_p + sign * 10.0**log10 * rng.normal(size=4)
    with mpmath.workdps(50):
        p, q = ([mpmath.exp(mpmath.mpf(one)) for one in logs] for logs in (log_p.tolist(), log_q.tolist()))
        expected = float(mpmath.fsum(a * mpmath.log(a / b) - a + b for a, b in zip(p, q, strict=True)))
    np.testing.assert_allclose(divergence(log_p, log_q), expected, rtol=1e-9, atol=1e-30)


def test_a_divergence_knows_impossible_states() -> None:
    """A state that neither has adds nothing, one that only the second has its share, one that only the first has: ∞."""
    with np.errstate(divide="ignore"):
        shares = [np.log(np.array(one)) for one in ([0.5, 0.5, 0.0], [0.25, 0.25, 0.5], [0.0, 1.0, 0.0])]
    assert divergence(shares[0], shares[0]) == 0.0
    np.testing.assert_allclose(divergence(shares[0], shares[1]), np.log(2))
    assert divergence(shares[0], shares[2]) == np.inf


@given(st.integers(0, 2**32 - 1))
def test_the_log_posterior_is_the_logarithm_of_the_posterior(seed: int) -> None:
    """`log_condition` is the logarithm of `condition`, and keeps shares that are too small for it."""
    rng = np.random.default_rng(seed)
    weights, log_density = rng.dirichlet(np.ones(3)), rng.normal(0.0, 50.0, (5, 3))
    log_density[0] = -np.inf
    log_posterior = log_condition(weights, log_density)
    np.testing.assert_allclose(np.exp(log_posterior), condition(weights, log_density)[1], rtol=1e-12, atol=1e-300)
    far = log_condition(weights, np.array([[0.0, -5000.0, -1.0]]))
    assert far[0, 1] == pytest.approx(np.log(weights[1]) - 5000.0 - np.log(weights[0] + weights[2] * np.exp(-1)))
