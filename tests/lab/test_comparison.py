"""Algorithms and starts side by side: passes, seconds and the target, each against the fit run by itself."""

from itertools import islice
from typing import Any, Self

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import GaussianMixture, Outcome, Poisson, Weighted
from emkit.algorithm import Evaluate, M, Point
from emkit.lab import Comparison, Course, compare
from tests.toys import PoissonMixture, Scripted, counts, objective

ERUPTIONS = emkit.datasets.faithful().data
FLOWERS = emkit.datasets.iris().data
COUNTS = counts()
START = PoissonMixture(np.array([0.5, 0.5]), np.array([4.0, 5.0]))
ELSEWHERE = PoissonMixture(np.array([0.2, 0.8]), np.array([1.0, 9.0]))


@emkit.value
class TwoAtATime:
    """Two steps of plain EM for each accepted point."""

    def advance(self, at: Point[M], evaluate: Evaluate[M], /) -> tuple[Self, Point[M]]:
        """Take two M-steps and evaluate both."""
        middle = evaluate(at.model.m_step(at.expectation.statistics))
        return self, evaluate(middle.model.m_step(middle.expectation.statistics))


BOTH = compare({"one": emkit.EM(), "two": TwoAtATime()}, COUNTS, start=START, tol=1e-12)


def test_each_contestant_runs_as_a_fit() -> None:
    """Each course is the fit of that algorithm from the start, with the options given, step by step."""
    for name, algorithm in (("one", emkit.EM()), ("two", TwoAtATime())):
        alone = emkit.fit(START, COUNTS, algorithm=algorithm, tol=1e-12)
        assert BOTH.courses[name].fit.model == alone.model
        assert BOTH.courses[name].fit.trace == alone.trace
        assert_allclose(BOTH.courses[name].objective, list(alone.trace))
    short = compare({"one": emkit.EM()}, COUNTS, start=START, tol=0.0, max_iter=3, chunk_size=7)
    assert short.courses["one"].fit.n_iter == 3
    assert short.courses["one"].fit.outcome is Outcome.MAX_ITER


def test_passes_are_those_of_the_trace() -> None:
    """Plain EM takes one pass for each accepted point, and an algorithm of two M-steps two, after one for the start."""
    one, two = BOTH.courses["one"], BOTH.courses["two"]
    assert one.passes.tolist() == list(range(1, one.fit.n_iter + 2))
    assert two.passes.tolist() == list(range(1, 2 * two.fit.n_iter + 2, 2))
    shared = min(len(two.objective), (len(one.objective) + 1) // 2)
    assert_allclose(two.objective[:shared], one.objective[: 2 * shared : 2], rtol=1e-14)


def test_seconds_rise() -> None:
    """There is a time for each accepted point; times are positive and never fall."""
    for course in BOTH.courses.values():
        assert course.seconds.shape == course.objective.shape == course.passes.shape
        assert course.seconds[0] > 0
        assert (np.diff(course.seconds) > 0).all()


def test_objectives_are_of_the_models() -> None:
    """Each objective is that of the model after so many steps, by its log marginal."""
    start = GaussianMixture.start(ERUPTIONS, 2, rng=0)
    course = compare({"EM": emkit.EM()}, ERUPTIONS, start=start).courses["EM"]
    models = [step.model for step in islice(emkit.steps(start, ERUPTIONS), len(course.objective))]
    assert_allclose(course.objective, [objective(model, ERUPTIONS) for model in models], rtol=1e-12)


@pytest.mark.parametrize("margin", [1e-9, 1e-3, 2.0])
def test_the_target_is_the_best_objective_less_the_margin(margin: float) -> None:
    """The target is the margin below the highest objective of any run; passes count up to the first point there."""
    found = compare({"near": START, "far": ELSEWHERE}, COUNTS, tol=1e-10, margin=margin)
    best = max(max(emkit.fit(start, COUNTS, tol=1e-10).trace) for start in (START, ELSEWHERE))
    assert_allclose(found.target, best - margin, rtol=1e-14)
    for course in found.courses.values():
        reached = [i for i, one in enumerate(course.fit.trace) if one >= found.target]
        assert course.passes_to(found.target) == reached[0] + 1
        assert course.seconds_to(found.target) == course.seconds[reached[0]]


def test_a_model_starts_plain_em() -> None:
    """A contestant that is no algorithm but a model is where plain EM starts, whatever the common start."""
    found = compare({"EM": emkit.EM(), "elsewhere": ELSEWHERE}, COUNTS, start=START)
    assert found.courses["EM"].fit.model == emkit.fit(START, COUNTS).model
    assert found.courses["elsewhere"].fit.model == emkit.fit(ELSEWHERE, COUNTS).model


def test_weighted_data_and_other_models_are_compared() -> None:
    """Models of different classes run over the same weighted data, each with its own trace."""
    data = Weighted(FLOWERS, np.linspace(0.0, 2.0, len(FLOWERS)))
    starts = {f"{k} components": GaussianMixture.start(data, k, rng=0) for k in (1, 2, 3)}
    found = compare(starts, data, tol=1e-6)
    for name, start in starts.items():
        assert found.courses[name].fit.trace == emkit.fit(start, data, tol=1e-6).trace
    one = found.courses["1 components"]
    assert np.isnan(one.passes_to(found.target))
    assert np.isnan(one.seconds_to(found.target))


def test_printing_shows_a_line_for_each_contestant() -> None:
    """Below a heading there is one line for each, in order: passes to the target, all passes, objective, outcome."""
    heading, *lines = str(BOTH).splitlines()
    assert "passes" in heading
    assert "outcome" in heading
    assert len(lines) == 2
    for line, (name, course) in zip(lines, BOTH.courses.items(), strict=True):
        shown = line.split()
        assert shown[0] == name
        assert float(shown[1]) == course.passes_to(BOTH.target)
        assert_allclose(float(shown[2]), course.seconds_to(BOTH.target), rtol=0.01)
        assert float(shown[3]) == course.passes[-1]
        assert_allclose(float(shown[4]), course.fit.objective, atol=1e-6)
        assert shown[5] == course.fit.outcome
        assert len(line) <= len(heading) + len("converged")


def test_a_run_that_never_arrives_is_shown_without_a_number() -> None:
    """Who does not reach the target has no passes to it."""
    found = compare({"low": Scripted((-3.0, -2.0)), "high": Scripted((-1.5, -1.0))}, np.zeros(4))
    low, high = str(found).splitlines()[1:]
    assert low.split()[1:3] == ["nan", "nan"]
    assert high.split()[1] == "2"


def test_a_start_without_an_objective_spoils_no_target() -> None:
    """A run that is not finite from the start leaves the target to the others."""
    found = compare({"broken": Scripted((np.nan,)), "sound": Scripted((-2.0, -1.0))}, np.zeros(4))
    assert found.courses["broken"].fit.outcome is Outcome.NON_FINITE
    assert_allclose(found.target, -4.0 - 1e-6)
    assert np.isnan(found.courses["broken"].passes_to(found.target))
    assert found.courses["sound"].passes_to(found.target) == 2


def test_a_comparison_made_by_hand() -> None:
    """A target above all objectives is reached by none, one below all by the start."""
    course = BOTH.courses["one"]
    assert np.isnan(Comparison({"one": course}, -1.0).courses["one"].passes_to(BOTH.target + 1.0))
    assert Course(course.fit, course.seconds).passes_to(-np.inf) == 1


WRONG: Any = {"rates": Poisson([[1.0], [2.0]])}


@pytest.mark.parametrize(
    ("contestants", "options", "error", "message"),
    [
        ({}, {}, ValueError, r"contestants: expected at least one, such as \{'EM': emkit\.EM\(\)\}"),
        ({"plain": emkit.EM()}, {}, ValueError, r"start: the algorithm 'plain' needs a model to start from"),
        (WRONG, {}, TypeError, r"contestants\['rates'\]: expected an algorithm or a model, found Poisson"),
        (
            {"EM": "EM"},
            {"start": START},
            TypeError,
            r"contestants\['EM'\]: expected an algorithm or a model, found 'EM'",
        ),
        (
            {"class": emkit.EM},
            {"start": START},
            TypeError,
            r"expected an algorithm such as emkit\.EM\(\), found <class",
        ),
        ({"class": PoissonMixture}, {}, TypeError, "call the class to make a model"),
        ({"EM": emkit.EM()}, {"start": START, "tol": -1.0}, ValueError, "tol"),
    ],
)
def test_what_is_refused(contestants: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    """No contestants, algorithms without a start, and what is neither algorithm nor model are refused by name."""
    with pytest.raises(error, match=message):
        compare(contestants, COUNTS, **options)


def test_nothing_runs_before_all_contestants_are_known() -> None:
    """A contestant that is refused stops the comparison before the first run."""
    ran = []
    first = Scripted((-1.0,), on_e_step=lambda model: ran.append(model))
    with pytest.raises(ValueError, match="needs a model to start from"):
        compare({"first": first, "second": emkit.EM()}, COUNTS)
    assert ran == []
