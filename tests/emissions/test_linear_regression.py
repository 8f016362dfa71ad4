"""Linear regression emissions, alone and in a mixture."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

import emkit
from emkit import Array, DiagonalRidge, Incomplete, LinearRegression, Mixture, TiedLinearRegression, Weighted
from emkit.emissions.protocol import SamplesGivenStates
from emkit.model import MissingPowerError
from emkit.starts import random_responsibilities
from emkit.testing import conformance
from tests import references

INTERCEPTS = np.array([1.0, -2.0])
COEFFICIENTS = np.array([[2.0, 0.5], [-1.0, 1.5]])
VARIANCES = np.array([0.3, 1.2])
OWN = LinearRegression(INTERCEPTS, COEFFICIENTS, VARIANCES)
TIED = TiedLinearRegression(INTERCEPTS, COEFFICIENTS, 0.7)
RIDGE = DiagonalRidge([0.5], 3.0)


def rows(n: int = 60, emissions: Any = OWN) -> Array:
    rng = np.random.default_rng(5)
    covariates = rng.normal([1.0, -3.0], [1.0, 2.0], (n, 2))
    return np.column_stack([covariates, emissions.sample_response(covariates, rng.integers(0, 2, n), rng)])


def mixture(emissions: Any = OWN, **options: Any) -> Mixture[Any]:
    return Mixture([0.4, 0.6], emissions, **options)


def with_holes(n: int = 60) -> Incomplete:
    x = rows(n)
    x[::5] = np.nan
    return Incomplete(x)


TestOwn = conformance(mixture(), rows(), examples=3)
TestTied = conformance(mixture(TIED), rows(), examples=3)
TestWeighted = conformance(mixture(), Weighted(rows(), np.linspace(0.5, 2, 60)), examples=2)
TestTiedWeighted = conformance(mixture(TIED), Weighted(rows(), np.linspace(0.5, 2, 60)), examples=2)
TestPrior = conformance(mixture(emkit.replace(OWN, prior=RIDGE)), rows(), examples=2)
TestTiedPrior = conformance(mixture(emkit.replace(TIED, prior=RIDGE)), rows(), examples=2)
TestIncomplete = conformance(mixture(), with_holes(), examples=2)
TestWithoutCovariates = conformance(
    mixture(LinearRegression(INTERCEPTS, np.zeros((2, 0)), VARIANCES)), rows()[:, 2:], examples=2
)
TestWeightsHeld = conformance(mixture(fixed="weights"), rows(), examples=2)
TestInterceptsHeld = conformance(mixture(emkit.replace(OWN, fixed="intercepts")), rows(), examples=2)
TestCoefficientsHeld = conformance(mixture(emkit.replace(OWN, fixed="coefficients")), rows(), examples=2)
TestLinesHeld = conformance(mixture(emkit.replace(OWN, fixed={"intercepts", "coefficients"})), rows(), examples=2)
TestVariancesHeld = conformance(mixture(emkit.replace(OWN, fixed="variances")), rows(), examples=2)
TestVarianceHeld = conformance(mixture(emkit.replace(TIED, fixed="variance")), rows(), examples=2)
TestTiedInterceptsHeld = conformance(mixture(emkit.replace(TIED, fixed="intercepts")), rows(), examples=2)


def fitted(case: dict[str, Any], x: Array, start: Mixture[LinearRegression]) -> Mixture[LinearRegression]:
    """Return the maximum from a start, having checked its log likelihood."""
    result = emkit.fit(start, x, tol=1e-13, max_iter=20000)
    assert_allclose(result.log_likelihood, case["reference"]["loglik"], rtol=0, atol=case["tolerance"]["loglik"])
    return result.model


@pytest.mark.parametrize("name", ["mixreg_NOdata", "mixreg_NPreg"])
def test_published_maxima(name: str) -> None:
    """From lines near the published ones, and from a cold start, EM finds the published maximum."""
    case = references.load(name)
    table, reference, tolerance = case["data"], case["reference"], case["tolerance"]["parameters"]
    if name == "mixreg_NOdata":
        x = np.column_stack([table["x_NO"], table["y_equivalence"]])
    else:
        x = np.column_stack([table["x"], np.square(table["x"]), table["yn"]])
    lines = np.array([reference["beta1"], reference["beta2"]])
    near = LinearRegression(lines[:, 0] * 1.1, lines[:, 1:] * 0.9, np.square(reference["sigma"]) * 2)
    warm = fitted(case, x, Mixture([0.5, 0.5], near))
    starts: Iterator[Mixture[LinearRegression]] = (
        Mixture.start(x, 2, emissions=LinearRegression, rng=seed, how=random_responsibilities, prior=None)
        for seed in range(6)
    )
    cold = emkit.best_of(starts, x).best.model
    for model in (warm, fitted(case, x, cold)):
        order = np.argsort(np.abs(model.emissions.intercepts - lines[0, 0]))
        found = model.emissions
        assert_allclose(model.weights[order], [reference["pi1"], 1 - reference["pi1"]], atol=tolerance)
        assert_allclose(found.intercepts[order], lines[:, 0], atol=tolerance)
        assert_allclose(found.coefficients[order], lines[:, 1:], atol=tolerance)
        assert_allclose(np.sqrt(found.variances[order]), reference["sigma"], atol=tolerance)


def test_published_iterates() -> None:
    """From the published start, each iteration has the log likelihood of the published trace."""
    case = references.load("mixreg_CO2")
    start, reference, tolerance = case["data"]["start"], case["reference"], case["tolerance"]
    x = np.column_stack([case["data"]["GNP"], case["data"]["CO2"]])
    lines = np.array(start["beta_cols"])
    emissions = LinearRegression(lines[:, 0], lines[:, 1:], np.square(start["sigma"]))
    model = Mixture(start["weights"], emissions)
    trace = reference["loglik_trace"]
    result = emkit.fit(model, x, tol=0.0, max_iter=len(trace) - 1)
    assert_allclose(np.asarray(result.trace), trace, rtol=0, atol=tolerance["loglik"])
    found = fitted(case, x, model)
    published = np.array(reference["beta_rows_coef_cols_component"])
    assert_allclose(found.emissions.intercepts, published[0], atol=tolerance["parameters"])
    assert_allclose(found.emissions.coefficients[:, 0], published[1], atol=tolerance["parameters"])
    assert_allclose(np.sqrt(found.emissions.variances), reference["sigma"], atol=tolerance["parameters"])


def test_log_density_is_that_of_scipy() -> None:
    """The log density is scipy's normal about the line, in one state and the other."""
    x = rows()
    lines = INTERCEPTS + x[:, :2] @ COEFFICIENTS.T
    assert_allclose(OWN.log_density(x), norm.logpdf(x[:, 2:], lines, np.sqrt(VARIANCES)), rtol=1e-12)
    assert_allclose(TIED.log_density(x), norm.logpdf(x[:, 2:], lines, np.sqrt(0.7)), rtol=1e-12)
    assert_allclose(OWN.expected_response(x[:, :2]), lines, rtol=1e-12)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (1e8, 1.0), (-1e6, 1e-3), (0.0, 1e100)])
def test_m_step_is_weighted_least_squares_at_any_place(offset: float, scale: float) -> None:
    """Coefficients and variances are those of least squares on centred rows, wherever the rows lie."""
    near, posterior = rows(), np.random.default_rng(0).dirichlet([1, 1], 60)
    x = (near + offset) * scale
    near = x / scale - offset  # what is left of the rows, exactly
    found = OWN.m_step(OWN.statistics(x, posterior))
    for k, weight in enumerate(posterior.T):
        design, root = np.column_stack([np.ones(60), near[:, :2]]), np.sqrt(weight)
        line = np.linalg.lstsq(root[:, None] * design, root * near[:, 2], rcond=None)[0]
        variance = weight @ np.square(near[:, 2] - design @ line) / weight.sum()
        assert_allclose(found.coefficients[k], line[1:], rtol=1e-9)
        assert_allclose(found.variances[k], variance * scale**2, rtol=1e-9)


def test_em_does_not_fall_far_from_zero() -> None:
    """Where covariates and response lie 1e8 deviations from zero, a fit ends without a fall."""
    x = rows(200) + 1e8
    start: Mixture[LinearRegression] = Mixture.start(x, 2, emissions=LinearRegression, rng=1)
    result = emkit.fit(start, x, tol=1e-12, max_iter=500)
    assert result.outcome in ("converged", "stalled")
    near: Mixture[LinearRegression] = emkit.fit(
        Mixture.start(rows(200), 2, emissions=LinearRegression, rng=1), rows(200), tol=1e-12, max_iter=500
    ).model
    assert_allclose(result.model.emissions.coefficients, near.emissions.coefficients, atol=1e-4)


@pytest.mark.parametrize("emissions", [OWN, TIED])
def test_ridge_is_a_density(emissions: Any) -> None:
    """The log prior is -½ ν (log σ² + σ₀² / σ²), once for each variance."""
    with_prior = emkit.replace(emissions, prior=RIDGE)
    variances = VARIANCES if emissions is OWN else np.array([0.7])
    assert_allclose(with_prior.log_prior(), -1.5 * (np.log(variances) + 0.5 / variances).sum(), rtol=1e-12)


def test_a_ridge_of_several_columns_is_refused() -> None:
    """The ridge is of the response, one column."""
    with pytest.raises(emkit.ParameterError, match="one column"):
        emkit.replace(OWN, prior=DiagonalRidge([1.0, 1.0], 1.0))


def test_what_has_no_coefficient_is_refused() -> None:
    """A constant covariate and one that copies another are refused by name, and a response without errors too."""
    x = rows()
    for column, what in ((np.ones(60), "covariate 0 is constant"), (2 * x[:, 1], "linear combination")):
        with pytest.raises(ValueError, match=what):
            Mixture.start(np.column_stack([column, x[:, 1:]]), 2, emissions=LinearRegression, rng=0)
    with pytest.raises(ValueError, match="linear function of the covariates"):
        Mixture.start(np.column_stack([x[:, :2], x[:, 0] + 1]), 2, emissions=LinearRegression, rng=0)


def test_refusals_name_row_and_column() -> None:
    """A nan, another number of columns, and a row missing in part are refused."""
    x = rows()
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="row 7, column 1"):
        emkit.fit(mixture(), x)
    with pytest.raises(ValueError, match="expected 3 columns, found 2"):
        emkit.fit(mixture(), rows()[:, :2])
    with pytest.raises(ValueError, match="row 7 is missing in column 1 but not in column 0"):
        Mixture.start(Incomplete(x), 2, emissions=LinearRegression, rng=0)


def test_missing_rows_change_nothing() -> None:
    """A start and a fit with missing rows are those without them."""
    x = with_holes(100)
    kept = rows(100)[x.whole_rows()]
    share = np.eye(2)[np.arange(100) % 2]
    with_them: Mixture[Any] = Mixture.from_responsibilities(x, share, emissions=LinearRegression)
    without: Mixture[Any] = Mixture.from_responsibilities(kept, share[x.whole_rows()], emissions=LinearRegression)
    found, expected = with_them.emissions, without.emissions
    assert_allclose(found.coefficients, expected.coefficients, rtol=1e-12)
    assert_allclose(found.variances, expected.variances, rtol=1e-12)
    assert_allclose(found.prior.variances, expected.prior.variances)


def test_sampled_responses_have_the_moments_of_their_state() -> None:
    """Responses drawn at given covariates have mean and variance of the line of their state."""
    n = 40000
    covariates, states = np.tile([1.0, 2.0], (n, 1)), np.arange(n) % 2
    for emissions in (OWN, TIED):
        drawn = emissions.sample_response(covariates, states, 3)
        for k in range(2):
            mine, expected = drawn[states == k], INTERCEPTS[k] + COEFFICIENTS[k] @ [1.0, 2.0]
            deviation = np.sqrt(emissions.noise[k])
            assert abs(mine.mean() - expected) < 5 * deviation / np.sqrt(n / 2)
            assert_allclose(mine.std(), deviation, rtol=0.03)


def test_a_regression_draws_no_covariates() -> None:
    """A mixture of regressions has no sample, and says so."""
    assert not isinstance(OWN, SamplesGivenStates)
    with pytest.raises(MissingPowerError, match="LinearRegression has no `sample`"):
        mixture().sample(3, 0)
    with pytest.raises(ValueError, match="states: expected one for each of the 60 rows"):
        OWN.sample_response(rows()[:, :2], [0, 1], 0)
    with pytest.raises(ValueError, match="states: row 0 is 2"):
        OWN.sample_response(rows()[:1, :2], [2], 0)


def complaints(model: Mixture[Any], x: Array) -> str:
    return str(model.complaints(model.e_step(model.prepare(x)).statistics))


def test_complaints() -> None:
    """States that fit too few rows, hang on the ridge, have no noise or coincide are named; healthy ones are not."""
    x = rows()
    assert complaints(mixture(), x) == "[]"
    one = Mixture([1.0], LinearRegression([0.0], [[0.0, 0.0]], [1.0]))
    assert "do not determine the coefficient of covariate" in complaints(one, x[:2])
    near = LinearRegression([1.0, 1.0 + 1e-9], COEFFICIENTS[[0, 0]], [1.0, 1.0])
    assert "components 0 and 1" in complaints(mixture(near), x)
    few = OWN.statistics(x, np.eye(2)[(np.arange(60) > 2).astype(int)])  # three rows for three coefficients
    assert "component 0', 'its noise collapsed" in str(OWN.m_step(few).complaints(few))
    held_up = emkit.replace(OWN, prior=DiagonalRidge([1e-4], 1e-6)).m_step(few)
    assert "component 0', \"its noise is the ridge's" in str(held_up.complaints(few))
    assert "component 1" not in str(held_up.complaints(few))
