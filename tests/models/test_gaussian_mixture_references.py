"""The Gaussian mixture against scikit-learn, R mclust and R mixtools, on iris and Old Faithful."""

from itertools import islice
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import DiagonalGaussian, FullGaussian, GaussianMixture, SphericalGaussian, TiedGaussian
from tests.gaussians import emissions_of
from tests.references import data, load

SKLEARN = {"full": FullGaussian, "tied": TiedGaussian, "diag": DiagonalGaussian, "spherical": SphericalGaussian}
MCLUST = {"VVV": FullGaussian, "EEE": TiedGaussian, "VVI": DiagonalGaussian, "VII": SphericalGaussian}

TRACES = [
    (file, variant)
    for file in ("gmm_trace_faithful", "gmm_trace_iris2d_full_diag")
    for variant in load(file)["reference"]
]
FITS = [
    (file, f"{variant}_{k}") for file in ("mclust_faithful", "mclust_iris2d") for variant in MCLUST for k in range(1, 6)
]


def sklearn_start(reference: dict[str, Any]) -> GaussianMixture:
    matrix = np.array(reference["init"]["S"])
    variances = np.diag(matrix)
    means = np.array(reference["init"]["means"])
    full = np.tile(matrix, (len(means), 1, 1))
    emissions: dict[str, Any] = {
        "full": lambda: FullGaussian(means, full),
        "tied": lambda: TiedGaussian(means, matrix),
        "diag": lambda: DiagonalGaussian.at(means, variances),
        "spherical": lambda: SphericalGaussian.at(means, variances),
    }
    return GaussianMixture(np.array(reference["init"]["weights"]), emissions[reference["covariance_type"]]())


def sklearn_covariances(model: GaussianMixture) -> Any:
    """Return the covariances in the shape scikit-learn stores."""
    emissions: Any = model.emissions
    stored: dict[Any, Any] = {
        FullGaussian: lambda: emissions.covariances,
        TiedGaussian: lambda: emissions.covariance,
        DiagonalGaussian: lambda: emissions.variances,
        SphericalGaussian: lambda: emissions.variances,
    }
    return stored[type(emissions)]()


def assert_parameters(model: GaussianMixture, expected: dict[str, Any], atol: float) -> None:
    assert_allclose(model.weights, expected["weights"], rtol=0, atol=atol)
    assert_allclose(model.means, expected["means"], rtol=0, atol=atol)
    assert_allclose(sklearn_covariances(model), expected["covariances"], rtol=0, atol=atol)


@pytest.mark.parametrize(("file", "variant"), TRACES)
def test_every_iterate_of_scikit_learn(file: str, variant: str) -> None:
    """From the same start, every iterate has the log-likelihood and the parameters of scikit-learn's."""
    case = load(file)
    reference, tolerance = case["reference"][variant], case["tolerance"]
    trace, snapshots = reference["trace_loglik"], reference["snapshots_after_iterations"]
    run = list(islice(emkit.steps(sklearn_start(reference), data(case)), len(trace)))
    assert_allclose([step.objective for step in run], trace, rtol=1e-9)
    assert_allclose([step.objective for step in run], trace, rtol=0, atol=tolerance["trace_loglik_abs"])
    assert_allclose(run[0].objective, reference["init_loglik_independent"], rtol=1e-12)
    for iteration, expected in snapshots.items():
        assert_parameters(run[int(iteration)].model, expected, tolerance["parameters_snapshot_abs"])
        assert_allclose(run[int(iteration)].objective, expected["loglik_independent_scipy"], rtol=1e-12)


@pytest.mark.parametrize(("file", "variant"), TRACES)
def test_the_last_iterate_of_scikit_learn(file: str, variant: str) -> None:
    """After as many iterations as scikit-learn took, the fit is where scikit-learn stopped."""
    case = load(file)
    reference, tolerance = case["reference"][variant], case["tolerance"]
    fit = emkit.fit(sklearn_start(reference), data(case), tol=0.0, max_iter=reference["n_iter"])
    last = next(islice(emkit.steps(sklearn_start(reference), data(case)), reference["n_iter"], None))
    assert_parameters(last.model, reference["final"], tolerance["parameters_snapshot_abs"])
    assert_allclose(last.objective, reference["final_loglik_independent"], rtol=1e-9)
    assert_allclose(fit.log_likelihood, reference["final_loglik"], rtol=0, atol=tolerance["final_loglik"])
    assert fit.trace.monotone


@pytest.mark.parametrize(("file", "variant"), FITS)
def test_optima_of_mclust(file: str, variant: str) -> None:
    """At mclust's optimum the log-likelihood is mclust's, EM stays there, and parameters and BIC count the same."""
    case = load(file)
    reference, tolerance, x = case["reference"][variant], case["tolerance"], data(case)
    emissions = emissions_of(MCLUST[reference["model"]], reference["means"], reference["covariances"])
    weights = np.array(reference["weights"])
    model = GaussianMixture(weights, emissions)
    assert_allclose(model.covariances, reference["covariances"], rtol=1e-12, atol=1e-300)  # of that kind indeed
    at = tolerance["loglik_at_given_parameters"]
    assert_allclose(model.log_marginal(x).sum(), reference["loglik"], rtol=0, atol=at)
    assert emkit.n_free_parameters(model) == reference["df"]
    fit = emkit.fit(model, x, tol=1e-10)
    after = tolerance["loglik_after_EM_started_at_given_parameters"]
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=after)
    assert_allclose(fit.bic, reference["BIC_minus2ll_convention"], rtol=0, atol=tolerance["BIC"])
    assert fit.trace.monotone


def mixtools_m_step(model: GaussianMixture, statistics: Any) -> GaussianMixture:
    """Take the step of mixtools' equal-variance EM, whose variance is about the means from before the step."""
    moments = statistics.emissions
    about_old_means = moments.scatter[0, 0] + moments.weight @ (moments.mean - model.means)[:, 0] ** 2
    variance = about_old_means / moments.weight.sum()
    return GaussianMixture(moments.weight / moments.weight.sum(), TiedGaussian(moments.mean, np.array([[variance]])))


def test_every_iterate_of_mixtools() -> None:
    """In one dimension with one shared variance, E-steps lead through every log-likelihood of mixtools."""
    case = load("gmm1d_waiting_K2_with_SE")
    reference = case["reference"]["mixtools_loglik_trace"]
    means = np.array(reference["start"]["mu"], dtype=float)[:, None]
    emissions = TiedGaussian(means, np.array([[float(reference["start"]["sigma"][0] ** 2)]]))
    start = model = GaussianMixture(np.array(reference["start"]["lambda"]), emissions)
    found = []
    for _ in reference["trace"]:
        learnt = model.e_step(model.prepare(data(case)))
        found.append(learnt.log_likelihood)
        exact, stepped = model.m_step(learnt.statistics), mixtools_m_step(model, learnt.statistics)
        slack = 1e-12 * abs(learnt.log_likelihood)
        assert exact.expected_log_joint(learnt.statistics) >= stepped.expected_log_joint(learnt.statistics) - slack
        model = stepped
    assert_allclose(found, reference["trace"], rtol=1e-9)
    fit = emkit.fit(start, data(case), tol=1e-14)
    assert_allclose(fit.log_likelihood, reference["trace"][-1], rtol=1e-11)


@pytest.mark.parametrize(("kind", "name"), [(FullGaussian, "unequal"), (TiedGaussian, "equal_variance")])
def test_waiting_times(kind: Any, name: str) -> None:
    """The two-component fits of Old Faithful's waiting times are those that other programs found."""
    case = load("gmm1d_waiting_K2_with_SE")
    reference, tolerance = case["reference"][name], case["tolerance"]
    start = GaussianMixture(np.array([0.5, 0.5]), kind.at([[55.0], [80.0]], [25.0]))
    fit = emkit.fit(start, data(case), tol=1e-14)
    deviations = np.sqrt(fit.model.covariances[:, 0, 0])[: 2 if name == "unequal" else 1]
    found = np.concatenate([fit.model.weights[:1], fit.model.means[:, 0], deviations])
    assert_allclose(found, reference["estimate"], rtol=0, atol=tolerance["parameters"])
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])


def test_old_faithful() -> None:
    """The two-component fit of Old Faithful is the optimum that mclust and scikit-learn share."""
    case = load("gmm2d_faithful_K2_full_SE")
    reference, tolerance = case["reference"], case["tolerance"]
    start = GaussianMixture(np.array([0.5, 0.5]), FullGaussian.at([[4.0, 80.0], [2.0, 55.0]], [1.0, 150.0]))
    fit = emkit.fit(start, data(case), tol=1e-13)
    lower = fit.model.covariances[:, [0, 1, 1], [0, 0, 1]]
    found = np.concatenate([fit.model.weights[:1], fit.model.means.ravel(), lower.ravel()])
    assert_allclose(found, reference["estimate"], rtol=0, atol=tolerance["parameters"])
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])
