"""Mixtures of counts against published fits: deaths in The Times, and articles of biochemists with too many zeros."""

from itertools import islice

import numpy as np
from numpy.testing import assert_allclose

import emkit
from emkit import Array, Mixture, PointMass, Poisson, Stacked, Weighted
from tests.references import load

LONDON = load("poisson_mixture_london_times")
ARTICLES = load("zip_biochemists")


def london() -> Weighted[Array]:
    """Return how many women over 80 died on a day, weighted by the number of such days."""
    return Weighted(np.array(LONDON["data"]["deaths"], dtype=float)[:, None], LONDON["data"]["days"])


def parameters(model: Mixture[Poisson]) -> Array:
    """Return the first weight and both rates, by rate."""
    order = np.argsort(model.emissions.rates[:, 0])
    return np.array([model.weights[order[0]], *model.emissions.rates[order, 0]])


def test_london_times() -> None:
    """The Poisson mixture of Hasselblad's (1969) deaths has the published log likelihood, weight and rates.

    EM crawls: its error shrinks by the largest eigenvalue of its Jacobian, 0.9957, as the reference says.
    """
    reference, tolerance = LONDON["reference"], LONDON["tolerance"]
    expected = np.array([reference["pi1"], reference["lambda1"], reference["lambda2"]])
    start: Mixture[Poisson] = Mixture.start(london(), 2, emissions=Poisson, rng=0)
    fit = emkit.fit(start, london(), tol=1e-14, max_iter=10_000)
    assert fit.converged
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])
    assert_allclose(parameters(fit.model), expected, rtol=0, atol=tolerance["parameters_default_em"])
    later = [parameters(step.model) for step in islice(emkit.steps(fit.model, london()), 900)]
    assert_allclose(later[-1], expected, rtol=0, atol=tolerance["parameters_converged"])
    shrinks = ((later[101] - expected) / (later[1] - expected)) ** (1 / 100)
    assert_allclose(shrinks, reference["em_map_jacobian_eigenvalues_at_mle"][0], atol=2e-4)


def test_london_times_as_one_poisson() -> None:
    """A single Poisson has the mean of the deaths as its rate, and the published log likelihood."""
    single = LONDON["reference"]["single_poisson"]
    fit = emkit.fit(Mixture([1.0], Poisson([[1.0]])), london())
    assert_allclose(fit.model.emissions.rates, [[single["lambda"]]], rtol=1e-13)
    assert_allclose(fit.log_likelihood, single["loglik"], rtol=0, atol=LONDON["tolerance"]["loglik"])


def test_biochemists() -> None:
    """The zero-inflated Poisson of the articles has the published log likelihood, rate and share of extra zeros."""
    x = emkit.datasets.biochemists().data[:, :1]
    start: Mixture[Stacked] = Mixture.start(x, 2, emissions=Stacked.of(PointMass([[0.0]]), Poisson), rng=0)
    fit = emkit.fit(start, x, tol=1e-12)
    reference, tolerance = ARTICLES["reference"]["intercept_only"], ARTICLES["tolerance"]
    assert fit.converged
    assert_allclose(fit.log_likelihood, reference["loglik"], rtol=0, atol=tolerance["loglik"])
    found = [fit.model.weights[0], fit.model.emissions.parts[1].rates[0, 0]]
    assert_allclose(found, [reference["pi"], reference["lambda"]], rtol=0, atol=tolerance["coef"])


def test_biochemists_as_counts_of_counts() -> None:
    """Counts weighted by how often they occur give the fit of all rows."""
    x = emkit.datasets.biochemists().data[:, :1]
    values, times = np.unique(x, return_counts=True)
    start = Mixture([0.5, 0.5], Stacked((PointMass([[0.0]]), Poisson([[2.0]]))))
    rows, weighted = (emkit.fit(start, data) for data in (x, Weighted(values[:, None], times)))
    assert_allclose(np.asarray(weighted.trace), np.asarray(rows.trace), rtol=1e-12)
