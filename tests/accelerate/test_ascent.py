"""Every accelerated algorithm on every model: it never falls, stays in the space and ends where EM does, or higher."""

from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import emkit
from emkit import Anderson, HiddenMarkov, IncrementalEM, Mixture, Poisson, QuasiNewton, Squarem, Weighted
from emkit.trace import Record, fell
from tests.gaussians import KINDS, random_mixture
from tests.lab.package import MODELS
from tests.zoo import EMISSIONS, rows

ALGORITHMS: dict[str, Any] = {
    "squarem": Squarem(),
    "squarem, scheme 1": Squarem(1),
    "squarem, scheme 2": Squarem(2),
    "anderson": Anderson(),
    "anderson of order 3": Anderson(3),
    "quasi-Newton": QuasiNewton(),
    "quasi-Newton, memory of 2": QuasiNewton(2),
}
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS.values(), ids=ALGORITHMS)


def records(model: Any, data: Any, algorithm: Any, n: int) -> list[Record]:
    """Return what the trace would keep of the first n points of a run."""
    path = islice(emkit.steps(model, data, algorithm=algorithm), n)
    return [Record.of(step.point, step.passes, step.algorithm, step.ascends) for step in path]


def falls(found: list[Record]) -> list[int]:
    """Return the iterations at which the objective fell by more than rounding, and by more than is rounding anywhere.

    The rounding that a later point claims for itself is no excuse.
    """
    return [
        i
        for i, (one, two) in enumerate(pairwise(found), start=1)
        if fell(one, two) or two.objective < one.objective - 1e-9 * (abs(one.objective) + one.units)
    ]


@every_algorithm
@pytest.mark.parametrize("name", MODELS)
def test_no_model_of_the_package_falls(name: str, algorithm: Any) -> None:
    """The objective of the first points never falls, and passes are at least one a point and at most two."""
    found = records(*MODELS[name], algorithm, 12)
    assert falls(found) == []
    assert np.isfinite([record.objective for record in found]).all()
    costs = np.diff([record.passes for record in found])
    assert set(costs.tolist()) <= {1, 2}


@every_algorithm
@pytest.mark.parametrize("structure", [Mixture, HiddenMarkov])
@given(st.sampled_from(sorted(EMISSIONS)), st.integers(0, 1000), st.floats(0.05, 0.95))
@example("product", 340, 0.5)  # coordinates whose EM steps vanish
def test_no_emissions_fall(structure: Any, algorithm: Any, name: str, seed: int, share: float) -> None:
    """Any emissions in a mixture or a chain, on any data and from any weights: the objective never falls."""
    emissions, x = EMISSIONS[name], rows(EMISSIONS[name], 30, seed)
    transition = () if structure is Mixture else ([[share, 1 - share], [0.3, 0.7]],)
    model = structure([share, 1 - share], *transition, emissions)
    assert falls(records(model, x if structure is Mixture else [x[:11], x[11:]], algorithm, 10)) == []


@every_algorithm
@pytest.mark.parametrize(("name", "seed"), [("gamma", 4), ("gamma", 12), ("diagonal", 9), ("full", 9)])
def test_no_collapse_is_a_fall(algorithm: Any, name: str, seed: int) -> None:
    """On six rows, where extrapolations lead to places whose numbers blow up."""
    x, emissions = rows(EMISSIONS[name], 6, seed), EMISSIONS[name]
    chain = HiddenMarkov([0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]], emissions)
    for model, data in ((Mixture([0.5, 0.5], emissions), x), (chain, [x])):
        found = emkit.fit(model, data, algorithm=algorithm, max_iter=60)
        assert falls(list(found.trace.records)) == []
        assert found.outcome in ("converged", "max_iter", "stalled", "degenerate")


@every_algorithm
def test_a_chain_with_three_counts(algorithm: Any) -> None:
    """Probabilities run to zero: no fall, and no warning."""
    model = HiddenMarkov([0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]], Poisson([[0.5], [4.0]]))
    data = [np.array([[0.0], [8.0], [0.0]])]
    found = emkit.fit(model, data, algorithm=algorithm)
    assert falls(list(found.trace.records)) == []
    assert found.objective > emkit.fit(model, data).objective - 1e-6


@pytest.mark.parametrize("algorithm", [Squarem(), Anderson(), QuasiNewton(), IncrementalEM(3)])
@pytest.mark.parametrize("apart", [1e-3, 1e-5])
def test_a_saddle_is_no_optimum(algorithm: Any, apart: float) -> None:
    """From two components nearly alike, gains are small and grow: a fit goes on until they part."""
    number = Weighted(np.arange(15.0)[:, np.newaxis], [100, 150, 90, 50, 20, 5, 5, 20, 50, 90, 120, 90, 50, 20, 5])
    mean = np.average(number.data[:, 0], weights=number.weight)
    start = Mixture([0.5, 0.5], Poisson([[mean - apart], [mean + apart]]))
    assert emkit.fit(start, number, algorithm=algorithm).objective == pytest.approx(-2186.503, abs=1e-3)


@every_algorithm
@given(st.sampled_from(KINDS), st.integers(0, 1000), st.sampled_from([1e-6, 1.0, 1e6]), st.sampled_from([0.0, 1e5]))
def test_no_gaussian_mixture_falls(algorithm: Any, kind: Any, seed: int, scale: float, offset: float) -> None:
    """Starts far from the data, in any units: the objective never falls."""
    rng = np.random.default_rng(seed)
    model = random_mixture(kind, rng, 2, 2)
    x = scale * (rng.normal(size=(40, 2)) * [1.0, 3.0] + offset)
    begin = emkit.GaussianMixture.start(x, 2, rng=seed, emissions=type(model.emissions))
    assert falls(records(begin, x, algorithm, 15)) == []


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("algorithm", [Squarem(), Anderson(), QuasiNewton()], ids=["squarem", "anderson", "newton"])
def test_fits_end_where_em_does_or_higher(name: str, algorithm: Any) -> None:
    """A fit with the default rule ends within tol of EM's optimum, or above it."""
    model, data = MODELS[name]
    plain = emkit.fit(model, data, max_iter=3000, tol=1e-9)
    fast = emkit.fit(model, data, algorithm=algorithm, max_iter=3000, tol=1e-9)
    assert fast.objective > plain.objective - 1e-7 * fast.trace.records[-1].units
    assert fast.trace.monotone
