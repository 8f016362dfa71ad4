"""Edges of emissions with independent columns, and what is said of them."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import (
    Bernoulli,
    BetaPrior,
    Categorical,
    Exponential,
    Gamma,
    GammaPrior,
    Incomplete,
    Mixture,
    Poisson,
    ShapeRatePrior,
    SymmetricDirichlet,
)

KINDS: dict[str, tuple[Any, str, Any]] = {  # emissions of two columns, a parameter, and a prior of it
    "poisson": (Poisson([[1.5, 7.0], [6.0, 2.0]]), "rates", GammaPrior(2.0, 1.0)),
    "exponential": (Exponential([[1.5, 0.2], [0.3, 0.6]]), "rates", GammaPrior(2.0, 1.0)),
    "gamma": (Gamma([[1.5, 3.0], [6.0, 2.0]], [[0.5, 2.0], [1.0, 0.3]]), "rates", ShapeRatePrior(2.0, [1.0, 1.0], 0.5)),
    "bernoulli": (Bernoulli([[0.8, 0.3], [0.2, 0.7]]), "probabilities", BetaPrior(2.0, 2.0)),
    "categorical": (
        Categorical([[[0.8, 0.2], [0.3, 0.7]], [[0.2, 0.8], [0.7, 0.3]]]),
        "probabilities",
        SymmetricDirichlet(2.0),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_never_observed_is_named(kind: str) -> None:
    """A column that no row shows is a complaint where no prior knows of it, and stays where it was."""
    emissions, parameter, prior = KINDS[kind]
    x = emissions.sample(np.arange(60) % 2, np.random.default_rng(0))
    x[:, 1] = np.nan
    fit = emkit.fit(Mixture([0.4, 0.6], emissions), Incomplete(x))
    assert fit.outcome == "degenerate"
    assert "column 1: is never observed" in fit.message
    assert np.array_equal(getattr(fit.model.emissions, parameter)[:, 1], getattr(emissions, parameter)[:, 1])
    known = emkit.fit(Mixture([0.4, 0.6], emkit.replace(emissions, prior=prior)), Incomplete(x))
    assert "never observed" not in known.message


@pytest.mark.parametrize("kind", KINDS)
def test_coincident_components_are_named(kind: str) -> None:
    """Components that begin equal stay so, which is a complaint; those a little apart are none."""
    emissions, _, _ = KINDS[kind]
    x = emissions.sample(np.arange(60) % 2, np.random.default_rng(0))
    twins = emkit.unpack(np.tile(emkit.pack(emissions).reshape(-1, 2, 2)[:, :1], (1, 2, 1)).ravel(), like=emissions)
    fit = emkit.fit(Mixture([0.4, 0.6], twins), x)
    assert fit.outcome == "degenerate"
    assert "components 0 and 1: coincide" in fit.message
    apart = emkit.unpack(emkit.pack(twins) + 1e-3 * np.arange(emkit.pack(twins).size), like=twins)
    assert "coincide" not in str(apart.complaints(apart.statistics(x, np.full((60, 2), 0.5))))


@pytest.mark.parametrize(
    "emissions", [Poisson([[1e16], [1e16 + 1e9]]), Gamma([[1e16], [1e16]], [[1e8], [1e8 * (1 + 1e-7)]])]
)
def test_narrow_components_far_apart_are_not_one(emissions: Any) -> None:
    """Means that agree to seven digits are apart where the components are ten times as narrow."""
    learnt = emissions.statistics(np.full((2, 1), 1e8), np.eye(2))
    assert emissions.complaints(learnt) == []
