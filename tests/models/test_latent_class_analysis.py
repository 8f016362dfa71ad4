"""Latent class analysis, mixtures of categorical items, against poLCA on published tables."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import Array, Bernoulli, Categorical, Mixture, Weighted
from tests.references import load

CASES = [(name, int(k[1:])) for name in ("lca_carcinoma", "lca_cheating", "lca_gss82") for k in load(name)["reference"]]


def table(case: dict[str, Any]) -> Weighted[Array]:
    """Return the distinct answers of a case, counted from 0, weighted by how often they occur."""
    return Weighted(np.array(case["data"]["patterns_1based"], dtype=float) - 1, case["data"]["counts"])


def best(x: Weighted[Array], n_classes: int) -> Any:
    """Fit from several random starts, far beyond the default tolerance, and return the best."""
    starts: list[Mixture[Categorical]] = [
        Mixture.start(x, n_classes, emissions=Categorical, rng=seed, how=emkit.starts.random_responsibilities)
        for seed in range(1 if n_classes == 1 else 12)
    ]
    search = emkit.best_of(starts, x, tol=1e-8, max_iter=5000)
    return emkit.fit(search.best.model, x, tol=1e-15, max_iter=20000)


@pytest.mark.parametrize(("name", "n_classes"), CASES)
def test_the_optimum_is_that_of_polca(name: str, n_classes: int) -> None:
    """Log likelihood, number of parameters, BIC and probabilities are poLCA's, to the stated tolerances."""
    case = load(name)
    expected, tolerance = case["reference"][f"k{n_classes}"], case["tolerance"]
    x = table(case)
    start: Mixture[Categorical] = Mixture.start(x, n_classes, emissions=Categorical, rng=0)
    assert emkit.n_free_parameters(start) == expected["npar"]
    fit = best(x, n_classes)
    assert_allclose(fit.log_likelihood, expected["loglik"], atol=tolerance["loglik"], rtol=0)
    bic = -2 * fit.log_likelihood + expected["npar"] * np.log(case["data"]["n"])
    assert_allclose(bic, expected["bic"], atol=tolerance["bic"])
    model = match(fit.model, np.array(expected["class_probs"]))
    assert_allclose(model.weights, expected["class_probs"], atol=tolerance["class_and_item_probs"])
    for d, item in enumerate(expected["item_probs"]):
        found = model.emissions.probabilities[:, d, : len(item[0])]
        assert_allclose(found, item, atol=tolerance["class_and_item_probs"])


def match(model: Any, weights: Array) -> Any:
    """Return the model with its classes in the order that fits the weights best."""
    orders = [list(order) for order in permutations(range(len(weights)))]
    order = min(orders, key=lambda one: float(np.abs(model.weights[one] - weights).sum()))
    shares = model.emissions.probabilities[order]
    return Mixture(model.weights[order], Categorical(shares))


def test_binary_items_of_five_dentists() -> None:
    """Two classes of teeth by five dentists: poLCA's optimum, with Bernoulli items."""
    case = load("lca_caries_dentists")
    records = case["data"]["patterns_and_counts"]
    raters = [f"rater_{i}" for i in range(1, 6)]
    answers = np.array([[record[rater] - 1.0 for rater in raters] for record in records])
    x = Weighted(answers, [record["n"] for record in records])
    start: Mixture[Bernoulli] = Mixture.start(x, 2, emissions=Bernoulli, rng=0)
    fit = emkit.fit(start, x, tol=1e-14, max_iter=20000)
    expected, tolerance = case["reference"], case["tolerance"]
    assert_allclose(fit.log_likelihood, expected["loglik"], atol=tolerance["loglik"], rtol=0)
    order = np.argsort(-fit.model.weights)
    assert_allclose(fit.model.weights[order], expected["class_probs"], atol=tolerance["probs"])
    for d, rater in enumerate(raters):
        ones = np.array(expected["item_probs_class_by_category"][rater])[:, 1]
        assert_allclose(fit.model.emissions.probabilities[order, d], ones, atol=tolerance["probs"])
    assert_allclose(fit.bic, expected["bic"], atol=2 * tolerance["loglik"] + 1e-3)
