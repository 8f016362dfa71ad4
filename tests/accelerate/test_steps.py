"""What a single run of an accelerated algorithm costs, depends on, keeps and survives."""

from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emkit
from benchmarks.slow_cases import CASES
from emkit import Anderson, DiagonalGaussian, GaussianMixture, LinearRegression, Mixture, QuasiNewton, Squarem
from emkit.accelerate.score import score
from emkit.algorithm import StepsPlainly
from tests.accelerate.test_ascent import ALGORITHMS, every_algorithm
from tests.lab.package import MODELS
from tests.toys import PoissonMixture, TwoCoins, counts

SEPALS = emkit.datasets.iris().data[:, :2]


def begin(x: Any = SEPALS, family: Any = None) -> GaussianMixture:
    """Return three components that overlap."""
    return GaussianMixture.start(x, 3, rng=0, emissions=family)


def plain(step: emkit.Step[Any]) -> bool:
    """Return whether EM led to this point."""
    assert isinstance(step.algorithm, StepsPlainly)
    return step.algorithm.is_plain()


def passes(model: Any, data: Any, algorithm: Any, n: int) -> list[int]:
    """Return the passes after each of the first n points."""
    return [step.passes for step in islice(emkit.steps(model, data, algorithm=algorithm), n)]


@every_algorithm
@given(st.integers(1, 30), st.integers(1, 30))
def test_a_run_goes_on_where_it_ended(algorithm: Any, first: int, second: int) -> None:
    """A fit that is stopped and continued gives the model of one that was not, to the last bit."""
    whole = emkit.fit(begin(), SEPALS, algorithm=algorithm, tol=0, max_iter=first + second)
    half = emkit.fit(begin(), SEPALS, algorithm=algorithm, tol=0, max_iter=first)
    rest = emkit.fit(half.model, SEPALS, algorithm=half.algorithm, tol=0, max_iter=second)
    assert rest.model == whole.model
    assert list(half.trace) + list(rest.trace)[1:] == list(whole.trace)
    assert rest.algorithm == whole.algorithm


@every_algorithm
@pytest.mark.parametrize("family", [None, DiagonalGaussian])
@pytest.mark.parametrize(("scale", "offset"), [(2.0**20, 0.0), (2.0**-20, 0.0), (1.0, 1000.0), (1000.0, -7.0)])
def test_units_do_not_matter(algorithm: Any, family: Any, scale: float, offset: float) -> None:
    """The same data in other units and with another zero take the same passes, to the same optimum."""
    moved = SEPALS * scale + offset
    one, two = (emkit.fit(begin(x, family), x, algorithm=algorithm, tol=1e-6, max_iter=2000) for x in (SEPALS, moved))
    shift = -SEPALS.size * np.log(scale)
    took = [fit.trace.records[-1].passes for fit in (one, two)]
    if offset == 0 and np.log2(scale).is_integer():  # which changes no digit
        assert took[0] == took[1]
    assert took[0] == pytest.approx(took[1], rel=0.1)
    np.testing.assert_allclose(two.objective, one.objective + shift, rtol=1e-6)


@pytest.mark.parametrize("scale", [2.0**-20, 2.0**20])
def test_units_of_one_column_do_not_matter(scale: float) -> None:
    """A regression whose covariate is measured in other units takes the same passes."""
    rng = np.random.default_rng(11)
    z = rng.normal(size=300)
    y = np.where(rng.random(300) < 0.5, z, -0.5 * z) + rng.normal(size=300)
    found = []
    for x in (np.column_stack([z, y]), np.column_stack([scale * z, y])):
        model: Any = Mixture.start(x, 2, emissions=LinearRegression, rng=11, how=emkit.starts.random_responsibilities)
        found.append([passes(model, x, algorithm, 20) for algorithm in (Squarem(), Anderson(), QuasiNewton())])
    assert found[0] == found[1]


@every_algorithm
def test_units_of_each_column_do_not_matter(algorithm: Any) -> None:
    """Columns in units that are 2^40 apart take the same passes as those in the same units."""
    one, two = (
        emkit.fit(begin(x), x, algorithm=algorithm, tol=1e-6, max_iter=2000)
        for x in (SEPALS, SEPALS * [2.0**20, 2.0**-20])
    )
    assert one.trace.records[-1].passes == pytest.approx(two.trace.records[-1].passes, rel=0.1)


def test_squarem_takes_two_passes_a_cycle_and_three_on_a_rejection() -> None:
    """Plain and extrapolated points alternate; an extrapolated one below the last costs one pass more."""
    path = list(islice(emkit.steps(begin(), SEPALS, algorithm=Squarem()), 200))
    costs = np.diff([step.passes for step in path])
    led_by_em = [plain(step) for step in path[1:]]
    assert {1, 2} == set(costs.tolist())
    for i, cost in enumerate(costs):
        assert cost == 1 or (led_by_em[i] and led_by_em[i - 1] and led_by_em[i + 1 : i + 2] != [False])
    assert not any(one is two is False for one, two in pairwise(led_by_em))


def test_a_plain_point_is_an_em_step() -> None:
    """What a run calls plain is the M-step's model, to the bit."""
    for algorithm in ALGORITHMS.values():
        path = list(islice(emkit.steps(begin(), SEPALS, algorithm=algorithm), 30))
        for before, after in pairwise(path):
            step = before.model.m_step(before.point.expectation.statistics)
            assert plain(after) == (step == after.model)


FAILURES: list[str] = []
"""What went wrong in E-steps of `Brittle`, the last test's."""


@emkit.value
class Brittle(PoissonMixture):
    """A mixture whose E-step fails where only extrapolations from `BEGIN` lead."""

    how: str = "raises"

    def m_step(self, s: Any) -> "Brittle":
        step = super().m_step(s)
        return Brittle(step.weights, step.rates, self.how)

    def e_step(self, x: emkit.Array) -> emkit.Expectation[Any]:
        learnt = super().e_step(x)
        if self.rates[0] < 1.15:
            return learnt
        FAILURES.append(self.how)
        if self.how == "raises":
            raise RuntimeError("too far")
        return emkit.Expectation(np.nan, learnt.units, learnt.rounding, learnt.statistics)


@pytest.mark.parametrize("how", ["raises", "is not finite"])
@pytest.mark.parametrize("algorithm", [Squarem(), Anderson()])
def test_an_extrapolation_that_fails_is_a_rejection(how: str, algorithm: Any) -> None:
    """Where the E-step of an extrapolated model raises or is not finite, EM's step is taken."""
    FAILURES.clear()
    x = np.repeat(np.arange(10.0), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1])
    path = pairwise(emkit.steps(Brittle([0.3, 0.7], [1.0, 2.5], how), x, algorithm=algorithm))
    before, after = next(pair for pair in path if FAILURES)
    assert len(FAILURES) == 1
    assert after.passes == before.passes + 2
    assert after.model == before.model.m_step(before.point.expectation.statistics)
    assert after.objective > before.objective


@pytest.mark.parametrize("algorithm", [Squarem(), Anderson(), QuasiNewton()])
def test_a_model_without_declared_parameters_is_refused(algorithm: Any) -> None:
    """A stranger's class has no free coordinates: refused by name, before its E-step runs."""
    with pytest.raises(TypeError, match=rf"{type(algorithm).__name__} works in free coordinates: .*TwoCoins"):
        emkit.fit(TwoCoins(0.3, 0.6), np.array([3.0, 7.0]), algorithm=algorithm)
    with pytest.raises(TypeError, match=r"TwoCoins"):
        emkit.steps(TwoCoins(0.3, 0.6), np.array([3.0, 7.0]), algorithm=algorithm)


@pytest.mark.parametrize("algorithm", [Squarem(), Anderson(), QuasiNewton()])
def test_what_ascends_nothing_is_refused(algorithm: Any) -> None:
    """Nothing tells a good extrapolation of tempered or drawn steps from a bad one; once annealed, all is well."""
    with pytest.raises(TypeError, match=r"Annealed declares that its steps ascend nothing"):
        emkit.fit(emkit.Annealed(begin()), SEPALS, algorithm=algorithm)
    with pytest.raises(TypeError, match=r"Stochastic declares that its steps ascend nothing"):
        emkit.fit(emkit.Stochastic(begin(), seed=0), SEPALS, algorithm=algorithm)


def test_parameters_that_stand_still_end_no_tempered_run() -> None:
    """While nothing ascends, no rule ends a fit."""
    annealed = emkit.Annealed(begin(), start=0.5, steps=60)
    assert emkit.fit(annealed, SEPALS, stop="parameters", tol=1e-3).model.beta == 1
    drawn = emkit.Stochastic(begin(), seed=1)
    assert emkit.fit(drawn, SEPALS, stop="parameters", tol=1e9, max_iter=5).outcome == "max_iter"


def test_quasi_newton_needs_q() -> None:
    """A model without Q is refused, and told of the algorithm that does without."""
    with pytest.raises(TypeError, match=r"PoissonMixture has no `expected_log_joint`.*Squarem"):
        emkit.fit(PoissonMixture([0.4, 0.6], [2.0, 9.0]), counts(), algorithm=QuasiNewton())


@pytest.mark.parametrize("make", [lambda: Squarem(4), lambda: Anderson(0), lambda: QuasiNewton(0)])
def test_options_are_checked(make: Any) -> None:
    """An impossible scheme, order or memory is refused where it is given."""
    with pytest.raises(ValueError, match=r"scheme|order|memory"):
        make()


@pytest.mark.parametrize("name", MODELS)
def test_the_score_is_the_gradient_of_the_objective(name: str) -> None:
    """The gradient of Q + log prior is that of log likelihood + log prior, by differences of the latter."""
    model, data = MODELS[name]
    point = next(emkit.steps(model, data)).point
    model, statistics, units = point.model, point.expectation.statistics, point.expectation.units
    found, widths = score(model, statistics, units)
    at = emkit.pack(model)
    rng = np.random.default_rng(0)
    for _ in range(3):
        along = rng.normal(size=len(at)) * widths
        high, low = (next(emkit.steps(emkit.unpack(at + side * along, like=model), data)).objective for side in (1, -1))
        noise = 1e-9 * abs(point.objective)
        np.testing.assert_allclose(2 * along @ found, high - low, rtol=2e-2, atol=noise + 1e-6 * units * 1e-4)


@every_algorithm
@pytest.mark.parametrize("name", ["london_times", "faithful_three", "articles", "nile"])
def test_what_is_foreseen_is_what_comes(name: str, algorithm: Any) -> None:
    """On slow cases, a fit that says little is still to come is right, within a factor of ten."""
    model, data = CASES[name]()
    for tol in (1e-6, 1e-8):
        found = emkit.fit(model, data, algorithm=algorithm, tol=tol, max_iter=5000)
        rest = emkit.fit(found.model, data, algorithm=QuasiNewton(), tol=1e-12, max_iter=5000)
        assert found.outcome in ("converged", "stalled")
        assert rest.objective - found.objective < 10 * tol * found.trace.records[-1].units


@every_algorithm
def test_nothing_to_move_is_no_obstacle(algorithm: Any) -> None:
    """A model all of whose parameters are held has no coordinates, and ends as it does with plain EM."""
    held = emkit.replace(begin(), fixed=frozenset({"weights", "emissions"}))
    found = emkit.fit(held, SEPALS, algorithm=algorithm, tol=0)
    assert found.model == held
    assert found.outcome == "stalled"
