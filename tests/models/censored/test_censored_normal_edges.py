"""Censored normal regression on its edges: data without a maximum, extremes, and what is refused."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.stats import norm

import emkit
from emkit import Array, Censored, CensoredNormal, DiagonalRidge, NormalInverseGamma, Weighted
from tests.models.censored.test_censored_normal import motorettes

INF = np.inf
LINE = np.arange(5.0)[:, None]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Censored([1.0, 2.0], [INF, INF]), "all 2 values are right-censored"),
        (Censored([-INF, -INF], [1.0, 2.0]), "all 2 values are left-censored"),
        (Censored([3.0, -INF], [INF, 3.0]), "3 is the only limit"),
        (Censored([2.0, 2.0], [2.0, 2.0]), "no spread"),
        (Censored([2.0, 3.0], [2.0, 3.0], [[1.0], [1.0]]), r"covariate 0 is constant \(1\), as the intercept"),
        (Censored(LINE[:, 0] ** 2, LINE[:, 0] ** 2, LINE * [1, 2]), "combination of the others"),
        (Weighted(Censored([1.0], [2.0]), [0.0]), "at least one value with a limit and a weight"),
    ],
)
def test_starts_that_are_refused(data: Any, message: str) -> None:
    """Data without a maximum of the likelihood are refused before a fit, in words."""
    with pytest.raises(ValueError, match=message):
        CensoredNormal.start(data)


def test_a_prior_of_the_mean_decides_where_data_do_not() -> None:
    """With a prior of mean and variance even values that are all right-censored have a maximum."""
    data = Censored([1.0, 2.0, 4.0], [INF, INF, INF])
    prior = NormalInverseGamma([3.0], 1.0, 4.0, [2.0])
    fit = emkit.fit(CensoredNormal.start(data, prior=prior), data, tol=1e-12, max_iter=10_000)
    assert fit.converged

    def loss(p: Array) -> float:
        m, v = p[0], np.exp(p[1])
        return float(0.5 * (7 * p[1] + (2 + (m - 3) ** 2) / v) - np.sum(norm.logsf([1.0, 2.0, 4.0], m, np.sqrt(v))))

    best = minimize(loss, np.array([3.0, 0.0]))
    assert_allclose([fit.model.intercept, 2 * np.log(fit.model.standard_deviation)], best.x, atol=1e-4)
    assert_allclose(fit.objective, -best.fun, rtol=1e-8)


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (CensoredNormal(1.5, [], 0.1), Censored([1.0, 0.0, 1.2], [2.0, 3.0, INF])),  # one line meets all intervals
        (CensoredNormal(2.0, [], 0.1), Censored([2.0, 1.0, 0.0], [2.0, INF, 5.0])),  # and one exact value
        (CensoredNormal(0.0, [4.0], 0.5), Censored([-INF, -INF, 0, 0], [0, 0, INF, INF], [[-2.0], [-1], [1], [2]])),
    ],
)
def test_likelihoods_without_a_maximum(model: CensoredNormal, data: Censored) -> None:
    """A standard deviation that the data let fall to zero is reported."""
    fit = emkit.fit(model, data, tol=1e-10, max_iter=100)
    assert fit.outcome == "degenerate"
    assert "standard deviation" in fit.message


@pytest.mark.parametrize("options", [{"fixed": "standard_deviation"}, {"prior": DiagonalRidge([1.0], 3.0)}])
def test_a_mean_that_goes_up_without_end_is_reported(options: dict[str, Any]) -> None:
    """Where all values are right-censored and the standard deviation is known, the line is reported."""
    fit = emkit.fit(CensoredNormal(2.0, [], 1.0, **options), Censored([1.0, 2.0, 3.0], [INF] * 3), max_iter=200)
    assert fit.outcome == "degenerate"
    assert "intercept and coefficients" in fit.message
    both_sides = Censored([1.0, 2.0, 1.5], [3.0, 4.0, 3.5])
    assert emkit.fit(CensoredNormal(2.0, [], 1.0, **options), both_sides, max_iter=2000).converged


def test_squares_that_overflow_are_refused() -> None:
    """Values beyond 1e154 are refused by name, before the fit and inside it."""
    huge = Censored([1e200, 2e200, 4e200], [1e200, 2e200, 5e200])
    with pytest.raises(emkit.ParameterError, match="the response has squares that leave floating point"):
        CensoredNormal.start(huge)
    with pytest.raises(emkit.ParameterError, match="covariate 1 has squares that leave floating point"):
        CensoredNormal.start(Censored([1.0, 2.0, 4.0], [1.0, 2.0, 5.0], LINE[:3] ** [1, 2] * [1, 1e200]))
    fit = emkit.fit(CensoredNormal(1e200, [], 1e200), huge)
    assert fit.outcome == "non_finite"
    assert "the response has squares" in fit.message


def test_constant_covariates_are_reported() -> None:
    """A model made by hand complains of a column of ones, and of nothing where all is well."""
    y = np.random.default_rng(0).normal(size=20)
    model, data = CensoredNormal(0.0, [0.0], 1.0), Censored(y, y, np.ones((20, 1)))
    fit = emkit.fit(model, data)
    assert fit.outcome == "degenerate"
    assert "covariate 0: is constant" in fit.message
    _, healthy = motorettes()
    assert emkit.fit(CensoredNormal.start(healthy), healthy).converged


def test_rare_events_are_no_false_alarm() -> None:
    """A handful of events among thousands of right-censored values is no complaint."""
    y = np.random.default_rng(6).normal(size=20_000)
    assert 1 < (y < -3.4).sum() < 20
    data = Censored.right(np.minimum(y, -3.4), y < -3.4)
    fit = emkit.fit(CensoredNormal(0.0, [], 1.0), data, max_iter=5)
    assert "standard deviation" not in fit.message


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: CensoredNormal(0.0, [], 0.0), emkit.ParameterError, "standard_deviation"),
        (lambda: CensoredNormal(0.0, [np.nan], 1.0), emkit.ParameterError, r"coefficients\[0\] is nan"),
        (lambda: CensoredNormal(0.0, [], 1.0, DiagonalRidge([1.0, 2.0], 1.0)), emkit.ParameterError, "one column"),
        (
            lambda: CensoredNormal(0.0, [1.0], 1.0, NormalInverseGamma([0.0], 1.0, 3.0, [1.0])),
            emkit.ParameterError,
            "without covariates",
        ),
        (lambda: CensoredNormal(0.0, [1.0], 1.0).log_marginal(Censored([1.0], [1.0])), ValueError, "1 covariates"),
        (lambda: CensoredNormal(0.0, [], 1.0).log_marginal([1.0]), TypeError, "expected emkit.Censored"),
        (lambda: CensoredNormal(0.0, [1.0], 1.0).predict([[1.0, 2.0]]), ValueError, "covariates: expected 1 columns"),
    ],
)
def test_what_is_refused(make: Any, error: type[Exception], message: str) -> None:
    """Parameters, priors and data that do not fit are refused by name."""
    with pytest.raises(error, match=message):
        make()
