"""Poisson regression emissions, alone and in a mixture."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.stats import poisson

import emkit
from emkit import Array, Incomplete, Mixture, PoissonRegression, Weighted
from emkit.testing import conformance
from tests import references

INTERCEPTS = np.array([0.5, 2.0])
COEFFICIENTS = np.array([[0.8, -0.3], [-0.5, 0.2]])
BOTH = PoissonRegression(INTERCEPTS, COEFFICIENTS)


def rows(n: int = 60) -> Array:
    rng = np.random.default_rng(5)
    covariates = rng.normal([1.0, -1.0], [1.0, 0.7], (n, 2))
    return np.column_stack([covariates, BOTH.sample_response(covariates, rng.integers(0, 2, n), rng)])


def mixture(emissions: Any = BOTH, **options: Any) -> Mixture[Any]:
    return Mixture([0.4, 0.6], emissions, **options)


def with_holes(n: int = 60) -> Incomplete:
    x = rows(n)
    x[::5] = np.nan
    return Incomplete(x)


TestPlain = conformance(mixture(), rows(), examples=3)
TestWeighted = conformance(mixture(), Weighted(rows(), np.linspace(0.5, 2, 60)), examples=2)
TestIncomplete = conformance(mixture(), with_holes(), examples=2)
TestWithoutCovariates = conformance(mixture(PoissonRegression(INTERCEPTS, np.zeros((2, 0)))), rows()[:, 2:], examples=2)
TestWeightsHeld = conformance(mixture(fixed="weights"), rows(), examples=2)
TestInterceptsHeld = conformance(mixture(emkit.replace(BOTH, fixed="intercepts")), rows(), examples=2)
TestCoefficientsHeld = conformance(mixture(emkit.replace(BOTH, fixed="coefficients")), rows(), examples=2)
TestBothHeld = conformance(mixture(emkit.replace(BOTH, fixed={"intercepts", "coefficients"})), rows(), examples=2)


def test_published_poisson_regression() -> None:
    """Articles of biochemists have the log likelihood of the case, and the coefficients that R's pscl prints.

    A. Zeileis, C. Kleiber and S. Jackman (2008), Regression models for count data in R, Journal of Statistical
    Software 27(8), prints these six digits for `glm(art ~ ., family = poisson)`.
    """
    case = references.load("zip_biochemists")
    table = emkit.datasets.biochemists().data
    x = np.column_stack([table[:, 1:], table[:, 0]])
    start: Mixture[PoissonRegression] = Mixture.start(x, 1, emissions=PoissonRegression, rng=0)
    result = emkit.fit(start, x)
    expected = case["reference"]["poisson_regression_loglik"]
    assert_allclose(result.log_likelihood, expected, rtol=0, atol=case["tolerance"]["loglik"])
    assert_allclose(result.model.emissions.intercepts, [0.304617], atol=1e-6)
    printed = [[-0.224594, 0.155243, -0.184883, 0.012823, 0.025543]]
    assert_allclose(result.model.emissions.coefficients, printed, atol=1e-6)


def test_log_density_is_that_of_scipy() -> None:
    """The log density is scipy's Poisson with a log-linear rate, for zeros and large counts alike."""
    x = np.vstack([rows(), [[5.0, -5.0, 0.0], [0.0, 0.0, 40.0]]])
    rates = np.exp(INTERCEPTS + x[:, :2] @ COEFFICIENTS.T)
    assert_allclose(BOTH.log_density(x), poisson.logpmf(x[:, 2:], rates), rtol=1e-10)
    assert_allclose(BOTH.expected_response(x[:, :2]), rates, rtol=1e-12)


def test_log_density_of_huge_counts_keeps_its_digits() -> None:
    """At a count of 1e12 that is its rate, the log density is -½ log(2 π y), where log y! has lost it."""
    huge = PoissonRegression([np.log(1e12)], [[0.0]])
    assert_allclose(huge.log_density(np.array([[0.0, 1e12]])), [[-0.5 * np.log(2 * np.pi * 1e12)]], rtol=1e-5)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("level", [1e-2, 1.0, 1e8])
def test_m_step_is_the_maximum_from_anywhere(level: float, offset: float) -> None:
    """From far starts, the M-step finds where a general optimiser finds the maximum of the weighted likelihood."""
    rng = np.random.default_rng(2)
    near = rng.normal(size=(300, 2))
    counts = rng.poisson(level * np.exp(near @ [0.5, -0.3])).astype(float)
    weight = rng.uniform(0.1, 2, 300)
    design = np.column_stack([np.ones(300), near])

    def loss(free: Array) -> float:
        return float(weight @ (np.exp(design @ free) - counts * (design @ free))) / level

    def slope(free: Array) -> Array:
        return design.T @ (weight * (np.exp(design @ free) - counts)) / level

    start = np.array([np.log(counts.mean()), 0.0, 0.0])
    best = minimize(loss, start, jac=slope, method="BFGS", options={"gtol": 1e-10}).x
    for intercept in (0.0, 700.0, -700.0):
        model = PoissonRegression([intercept], [[0.0, 1.0]])
        found = model.m_step(model.statistics(np.column_stack([near + offset, counts]), weight[:, None]))
        assert_allclose(found.coefficients[0], best[1:], atol=1e-6)
        assert_allclose(found.intercepts[0] + offset * found.coefficients[0].sum(), best[0], atol=1e-6)


@pytest.mark.parametrize("held", ["intercepts", "coefficients"])
def test_m_step_given_what_is_held(held: str) -> None:
    """With one block held, the other is where a general optimiser finds the maximum."""
    x, weight = rows(), np.random.default_rng(0).uniform(0, 1, (60, 1))
    model = PoissonRegression([0.4], [[0.2, 0.1]], fixed=held)
    found = model.m_step(model.statistics(x, weight))

    def loss(free: Array) -> float:
        a, b = (0.4, free) if held == "intercepts" else (free[0], np.array([0.2, 0.1]))
        log_rates = a + x[:, :2] @ b
        return float(weight[:, 0] @ (np.exp(log_rates) - x[:, 2] * log_rates))

    best = minimize(loss, np.zeros(2 if held == "intercepts" else 1), method="BFGS", options={"gtol": 1e-9}).x
    free = found.coefficients[0] if held == "intercepts" else found.intercepts
    assert_allclose(free, best, atol=1e-5)


def test_two_regressions_are_recovered() -> None:
    """From cold starts, EM finds a maximum as high as from the truth, near it."""
    x = rows(1000)
    starts: list[Mixture[PoissonRegression]] = [
        Mixture.start(x, 2, emissions=PoissonRegression, rng=seed) for seed in range(2)
    ]
    found = emkit.best_of(starts, x, max_iter=500).best
    truth = emkit.fit(mixture(), x, max_iter=500)
    assert_allclose(found.objective, truth.objective, atol=1e-3)
    assert_allclose(truth.model.emissions.coefficients, COEFFICIENTS, atol=0.15)


def complaints(model: Mixture[Any], x: Array) -> str:
    return str(model.complaints(model.e_step(model.prepare(x)).statistics))


def test_separation_is_an_outcome() -> None:
    """All-zero counts of a state, and covariates that part zeros from the rest, are named; a healthy fit is not."""
    x = rows()
    assert complaints(mixture(), x) == "[]"
    zeros = np.column_stack([x[:, :2], np.zeros(60)])
    fit = emkit.fit(mixture(), zeros)
    assert fit.outcome == "degenerate"
    assert "component 0: rates fall to zero and coefficients run to infinity" in fit.message
    group = (np.arange(60) % 2).astype(float)
    parted = np.column_stack([x[:, 0], group, group * np.arange(60)])
    one: Mixture[PoissonRegression] = Mixture.start(parted, 1, emissions=PoissonRegression, rng=0)
    assert "coefficients run to infinity" in emkit.fit(one, parted).message
    same = PoissonRegression([1.0, 1.0], COEFFICIENTS[[0, 0]])
    assert "components 0 and 1" in complaints(mixture(same), x)
    assert "do not determine the coefficient" in complaints(
        Mixture([1.0], PoissonRegression([0.0], [[0.0, 0.0]])), x[:2]
    )


def test_a_start_has_no_impossible_state() -> None:
    """A state that starts with zeros alone has a rate above zero; counts that are all zero are refused."""
    x = np.column_stack([np.arange(20.0), np.repeat([0.0, 9.0], 10)])
    model: Mixture[PoissonRegression] = Mixture.from_responsibilities(
        x, np.repeat([0, 1], 10), emissions=PoissonRegression
    )
    assert np.isfinite(model.e_step(model.prepare(x)).log_likelihood)
    assert complaints(model, x) == "[]"
    x[:, 1] = 0
    with pytest.raises(ValueError, match="the counts are all zero"):
        Mixture.from_responsibilities(x, np.repeat([0, 1], 10), emissions=PoissonRegression)


def test_refusals_name_row_and_column() -> None:
    """A response that is no count, and covariates without a coefficient, are refused by name."""
    x = rows()
    x[7, 2] = 2.5
    with pytest.raises(ValueError, match=r"row 7, column 2 is 2.5; expected a count in the last column"):
        emkit.fit(mixture(), x)
    with pytest.raises(ValueError, match="row 7, column 2"):
        Mixture.start(x, 2, emissions=PoissonRegression, rng=0)
    ones = np.column_stack([np.ones(60), rows()[:, 1:]])
    with pytest.raises(ValueError, match="covariate 0 is constant"):
        Mixture.start(ones, 2, emissions=PoissonRegression, rng=0)


def test_sampled_responses_have_the_rate_of_their_state() -> None:
    """Counts drawn at given covariates have mean and variance exp(a + b · x) of their state."""
    n = 40000
    drawn = BOTH.sample_response(np.tile([1.0, 2.0], (n, 1)), np.arange(n) % 2, 3)
    for k, rate in enumerate(np.exp(INTERCEPTS + COEFFICIENTS @ [1.0, 2.0])):
        mine = drawn[np.arange(n) % 2 == k]
        assert abs(mine.mean() - rate) < 5 * np.sqrt(2 * rate / n)
        assert_allclose(mine.var(), rate, rtol=0.05)


def test_statistics_keep_only_rows_with_weight() -> None:
    """Rows that no state takes are dropped, and sums of statistics hold the rows of both."""
    posterior = np.array([[0.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    found = BOTH.statistics(rows(3), posterior)
    assert_allclose(found.rows, rows(3)[1:])
    assert len((found + found).rows) == 4


def test_only_free_lines_run_away() -> None:
    """Counts of zero let no held line run away, nor one whose state sees no row."""
    x = np.column_stack([np.linspace(-1.0, 1.0, 5), np.zeros(5)])
    far = PoissonRegression([-40.0], [[0.0]])
    learnt = far.statistics(x, np.ones((5, 1)))
    assert "rates fall to zero" in far.complaints(learnt)[0][1]
    assert "rates fall to zero" in emkit.replace(far, fixed="coefficients").complaints(learnt)[0][1]
    assert emkit.replace(far, fixed={"intercepts", "coefficients"}).complaints(learnt) == []
    assert far.complaints(far.statistics(x[:0], np.ones((0, 1)))) == []
