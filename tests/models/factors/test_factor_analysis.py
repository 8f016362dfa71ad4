"""Factor analysis against R's factanal, scikit-learn, and at its edge: Heywood cases."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn import decomposition

import emkit
from emkit import Array, DiagonalRidge, FactorAnalysis, Outcome, SampleCovariance
from tests.references import load

CASES = [("factor_analysis_ability", 1), ("factor_analysis_ability", 2), ("factor_analysis_harman74", 4)]


def correlations(matrix: Array) -> Array:
    deviations = np.sqrt(np.diag(matrix))
    return matrix / np.outer(deviations, deviations)


@pytest.mark.parametrize(("name", "factors"), CASES)
def test_factanal(name: str, factors: int) -> None:
    """From a correlation matrix and n, EM finds the optimum of factanal: uniquenesses, loadings, discrepancy, χ²."""
    case = load(name)
    reference, tolerance, n = case["reference"][f"k{factors}"], case["tolerance"], case["data"]["n"]
    matrix = correlations(np.array(case["data"]["matrix"]))
    data = SampleCovariance(matrix, n)
    fit = emkit.fit(FactorAnalysis.start(data, factors), data, tol=1e-14, max_iter=5000)
    model, width = fit.model, len(matrix)
    assert fit.converged
    assert fit.trace.monotone
    assert_allclose(model.uniquenesses, reference["uniquenesses"], rtol=0, atol=tolerance["uniquenesses"])
    assert_allclose(model.noise, reference["uniquenesses"], rtol=0, atol=tolerance["uniquenesses"])
    loadings = np.array(reference["loadings_unrotated"])
    assert_allclose(model.loadings @ model.loadings.T, loadings @ loadings.T, rtol=0, atol=1e-5)
    saturated = -0.5 * n * (width * np.log(2 * np.pi) + np.linalg.slogdet(matrix)[1] + width)
    discrepancy = 2 * (saturated - fit.log_likelihood) / n
    assert_allclose(discrepancy, reference["criteria_objective"], rtol=0, atol=tolerance["discrepancy"])
    if "loglik_gaussian_corr" in reference:
        assert_allclose(fit.log_likelihood, reference["loglik_gaussian_corr"], rtol=0, atol=tolerance["loglik"])
    dof = width * (width + 1) // 2 + width - emkit.n_free_parameters(model)
    assert dof == reference["dof"]
    bartlett = n - 1 - (2 * width + 5) / 6 - 2 * factors / 3
    assert_allclose(discrepancy * bartlett, reference["chisq_bartlett"], rtol=0, atol=1e-5)


def test_the_matrix_in_its_own_units() -> None:
    """The covariance matrix of the ability tests gives the uniquenesses of its correlations."""
    case = load("factor_analysis_ability")
    matrix = np.array(case["data"]["matrix"])
    table = SampleCovariance(matrix, 112, ddof=1)
    fit = emkit.fit(FactorAnalysis.start(table, 1), table, tol=1e-14)
    expected = case["reference"]["k1"]
    assert_allclose(fit.model.uniquenesses, expected["uniquenesses"], rtol=0, atol=1e-5)
    scale = np.log(np.diag(matrix) * 111 / 112).sum() / 2
    assert_allclose(fit.log_likelihood + 112 * scale, expected["loglik_gaussian_corr"], rtol=0, atol=1e-5)


def test_scikit_learn() -> None:
    """scikit-learn's FactorAnalysis, run to its tightest, has this optimum, and these factors of each row."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(300, 2)) @ rng.normal(size=(2, 7)) + rng.normal(size=(300, 7)) + 4
    theirs = decomposition.FactorAnalysis(2, tol=1e-12, max_iter=20_000, svd_method="lapack").fit(rows)
    ours = emkit.fit(FactorAnalysis.start(rows, 2), rows, tol=1e-14, max_iter=20_000)
    assert_allclose(ours.model.noise, theirs.noise_variance_, rtol=1e-4)
    assert_allclose(ours.log_likelihood, theirs.score_samples(rows).sum(), rtol=0, atol=1e-4)
    there = FactorAnalysis(theirs.mean_, theirs.components_.T, theirs.noise_variance_)
    assert_allclose(there.transform(rows), theirs.transform(rows), atol=1e-9)
    assert_allclose(there.log_marginal(rows), theirs.score_samples(rows), rtol=1e-10)


def test_a_heywood_case_is_named_and_a_prior_cures_it() -> None:
    """One factor of iris takes all of petal length: the fit says so, and a ridge worth a few rows keeps it inside."""
    rows = emkit.datasets.iris().data
    fit = emkit.fit(FactorAnalysis.start(rows, 1), rows)
    assert fit.outcome is Outcome.DEGENERATE
    assert "column 2: its noise goes to zero" in fit.message
    assert "Heywood" in fit.message
    cured = emkit.fit(FactorAnalysis.start(rows, 1, prior=DiagonalRidge(rows.var(axis=0), 5.0)), rows)
    assert cured.converged
    assert cured.model.uniquenesses.min() > 0.01
    held = emkit.fit(emkit.replace(fit.model, fixed="noise"), rows)
    assert held.outcome is not Outcome.DEGENERATE


@pytest.mark.parametrize("noise", [1e-1, 1e-2, 1e-3])
@pytest.mark.parametrize("seed", range(1, 5))
def test_little_noise_is_no_heywood_case(noise: float, seed: int) -> None:
    """Columns that are all measured well, to a millionth of their variance, are no cause for complaint."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 8)) + noise * rng.normal(size=(200, 8))
    fit = emkit.fit(FactorAnalysis.start(rows, 2), rows)
    assert fit.outcome in (Outcome.CONVERGED, Outcome.STALLED)
    assert_allclose(np.exp(np.log(fit.model.noise).mean()), noise**2, rtol=0.3)


def test_more_columns_than_rows() -> None:
    """A singular covariance matrix is no obstacle: 40 columns of 12 rows."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(12, 1)) @ rng.normal(size=(1, 40)) + rng.normal(size=(12, 40))
    fit = emkit.fit(FactorAnalysis.start(rows, 1), rows, max_iter=100)
    assert fit.trace.monotone
    assert np.linalg.eigvalsh(fit.model.covariance).min() > 0


@pytest.mark.parametrize("columns", range(1, 13))
def test_ledermanns_bound(columns: int) -> None:
    """The most factors leave as many free parameters as a covariance matrix has, or fewer; one more does not."""
    most = FactorAnalysis.most_factors(columns)
    entries = columns * (columns + 1) // 2
    counts = [columns * q + columns - q * (q - 1) // 2 for q in (most, most + 1)]
    assert most == 0 or counts[0] <= entries
    assert counts[1] > entries


@pytest.mark.parametrize("seed", range(12))
def test_a_column_twice_is_named(seed: int) -> None:
    """A column that stands twice takes a factor: the fit is degenerate, names one of the two, and never falls."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(100, 2)) @ rng.normal(size=(2, 6)) + rng.normal(size=(100, 6))
    twice = np.column_stack([x, x[:, 0]])
    fit = emkit.fit(emkit.FactorAnalysis.start(twice, 2), twice)
    assert fit.outcome is emkit.Outcome.DEGENERATE
    assert any(name in fit.message for name in ("noise[0]", "noise[6]", "column 0", "column 6"))
    assert (np.diff(fit.trace) > -1e-3).all()
