"""Passes over the data on the mixture of The Times, where R's turboEM, SQUAREM and daarem counted theirs."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import EM, Anderson, Mixture, Poisson, QuasiNewton, Squarem, Weighted
from tests.references import load

CASE = load("acceleration_poisson_mixture")
OPTIMUM = -1989.945859883
RUNS = [run for run in CASE["reference"]["runs_here"] if run["tol"] == 1e-7]
DATA = Weighted(np.arange(10.0)[:, np.newaxis], [162.0, 267.0, 271.0, 185.0, 111.0, 61.0, 27.0, 8.0, 3.0, 1.0])
FACTOR = 2.0
"""Within which counts are to agree: implementations differ."""


def start(pi: float, first: float, second: float) -> Any:
    """Return the mixture with these three parameters."""
    return Mixture([pi, 1 - pi], Poisson([[first], [second]]))


def theta(model: Any) -> emkit.Array:
    """Return the three parameters of the reference: the share and mean of one kind of days, the mean of the other."""
    return np.array([model.weights[0], *model.emissions.rates[:, 0]])


def passes(algorithm: Any, begin: list[float], tol: float) -> tuple[int, float]:
    """Return the passes until an EM step moves the parameters by less than tol, and the log likelihood there."""
    for step in emkit.steps(start(*begin), DATA, algorithm=algorithm):
        to = step.model.m_step(step.point.expectation.statistics)
        if np.linalg.norm(theta(to) - theta(step.model)) < tol:
            return step.passes, step.objective
    raise AssertionError("steps ended")


@pytest.mark.parametrize("run", [run for run in RUNS if run["method"] == "em"], ids=lambda run: str(run["start"]))
def test_em_takes_the_published_number_of_passes(run: dict[str, Any]) -> None:
    """Plain EM needs what turboEM's needs, to one."""
    count, _ = passes(EM(), run["start"], run["tol"])
    assert abs(count - run["fpevals"]) <= CASE["tolerance"]["plain_em_iteration_count"]


@pytest.mark.parametrize(
    ("method", "algorithm"), [("squarem_K1", Squarem()), ("daarem", Anderson()), ("qn2", QuasiNewton())]
)
@pytest.mark.parametrize("begin", [run["start"] for run in RUNS if run["method"] == "em"], ids=str)
def test_accelerated_counts_are_those_of_r_or_less(method: str, algorithm: Any, begin: list[float]) -> None:
    """Each algorithm needs at most twice the passes of its fellow in R, and ends at the same optimum."""
    (run,) = (run for run in RUNS if run["method"] == method and run["start"] == begin)
    count, log_likelihood = passes(algorithm, begin, run["tol"])
    assert count <= FACTOR * run["fpevals"]
    np.testing.assert_allclose(log_likelihood, OPTIMUM, rtol=0, atol=CASE["tolerance"]["loglik"])


def test_the_start_of_the_squarem_vignette() -> None:
    """EM and SQUAREM from the start of the vignette, to its tolerance."""
    case = CASE["reference"]["SQUAREM_vignette"]
    plain, _ = passes(EM(), case["start_pi1_lambda1_lambda2"], case["tol"])
    fast, log_likelihood = passes(Squarem(), case["start_pi1_lambda1_lambda2"], case["tol"])
    assert abs(plain - case["EM_fpevals"]) <= CASE["tolerance"]["plain_em_iteration_count"]
    assert fast <= FACTOR * case["SQUAREM_fpevals"]
    np.testing.assert_allclose(log_likelihood, OPTIMUM, rtol=0, atol=CASE["tolerance"]["loglik"])
