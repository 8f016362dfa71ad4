"""Stopping rules read records and return a verdict or nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit.algorithm import Ascent
from emkit.stopping import Increment, MaxIter, Outcome, Parameters, Remaining, Stall, check_rules
from emkit.trace import Record
from emkit.values import replace


def records(objectives: Sequence[float], units: float = 10.0) -> list[Record]:
    return [Record(objective, objective, 1e-12, units, units, i + 1) for i, objective in enumerate(objectives)]


@given(st.floats(-1e3, 1e3), st.floats(-1, 1), st.floats(0, 0.1), st.floats(0.5, 1e3))
def test_tolerance_is_a_change_per_unit(start: float, gain: float, tol: float, units: float) -> None:
    """Converged exactly when the last change of the objective, per unit, is below tol."""
    pair = records([start, start + gain], units)
    verdict = Increment(tol)(pair)
    small = abs((start + gain) - start) / units < tol
    assert (verdict is not None) == small
    if verdict is not None:
        assert verdict.outcome is Outcome.CONVERGED
        assert "nats per unit, less than tol" in verdict.message
        assert "smaller tol" in verdict.message


def test_tolerance_needs_two_objectives() -> None:
    """Nothing has converged at the start."""
    assert Increment(1.0)(records([0.0])) is None


@given(st.floats(0.5, 0.99), st.integers(3, 20), st.floats(0.1, 10.0))
def test_remaining_sums_the_gains_to_come(ratio: float, length: int, near: float) -> None:
    """Converged exactly when the tail of a geometric series of gains, per unit, is below tol."""
    found = records([-100.0 * ratio**i for i in range(length)])
    left = 100.0 * ratio ** (length - 1) / 10.0
    assert (Remaining(near * left)(found) is not None) == (near > 1) or abs(near - 1) < 1e-6
    assert Remaining(1e9)(found[:1]) is None


def test_remaining_waits_for_gains_that_grow() -> None:
    """Small gains that grow have no sum: more is to come, unless rounding hides them."""
    assert Remaining(1.0)(records([0.0, 1e-6, 3e-6])) is None
    assert Remaining(1.0)(records([0.0, 1e-13, 3e-13])) is not None
    assert Remaining(0.0)(records([1.0, 1.0, 1.0])) is None


def test_remaining_goes_by_what_an_algorithm_foresees() -> None:
    """The largest of three forecasts counts before any estimate; without them, the slower of three gains' ratios."""
    found = [replace(record, plain=False) for record in records([0.0, 8.0, 9.0, 9.5, 9.75])]
    assert Remaining(0.026)(found) is not None  # 0.25 nats of ten units
    assert Remaining(0.024)(found) is None
    grown = [replace(record, plain=False) for record in records([0.0, 8.0, 9.0, 9.5, 9.9, 10.4])]
    assert Remaining(1e3)(grown) is None
    ahead = [replace(record, foreseen=at) for record, at in zip(found, [9.0, 9.0, 5e-3, 1e-3, 3e-3], strict=True)]
    assert Remaining(6e-4)(ahead) is not None
    assert Remaining(4e-4)(ahead) is None
    assert Remaining(1e9)([*ahead[:-1], replace(ahead[-1], foreseen=np.inf)]) is None
    assert Remaining(1e9)([replace(found[0], foreseen=None), *ahead[3:]]) is None


def test_parameters_must_be_measured() -> None:
    """Without a measure of the change of parameters nothing has converged; with one, below tol only."""
    one, two = records([0.0, 1.0])
    assert Parameters(1.0)([one, two]) is None
    assert Parameters(1e-3)([one, replace(two, moved=1e-3)]) is None
    verdict = Parameters(1e-3)([one, replace(two, moved=9e-4)])
    assert verdict is not None
    assert "moved no free coordinate by more than 0.0009" in verdict.message


def test_steps_that_ascend_nothing_have_no_gain() -> None:
    """At max_iter, the last difference of objectives is no gain where nothing ascends."""
    verdict = MaxIter(1)([replace(record, ascends=Ascent.NOTHING) for record in records([1.0, 0.0])])
    assert verdict is not None
    assert "gained" not in verdict.message
    assert "ascends nothing" in verdict.message


def test_stall_waits_for_three_iterations_without_a_new_highest() -> None:
    """Three iterations that do not rise above the one before them are a stall; a rise among them is not."""
    assert Stall()(records([1.0, 1.0, 1.0])) is None
    assert Stall()(records([0.0, 1.0, 1.0, 1.5])) is None
    verdict = Stall()(records([0.0, 1.0, 1.0, 0.9, 1.0]))
    assert verdict is not None
    assert verdict.outcome is Outcome.STALLED
    assert "as far as floating point goes" in verdict.message
    assert "tol asks for more digits than there are" in verdict.message


@given(st.integers(1, 5), st.integers(1, 8))
def test_max_iter_counts_iterations(allowed: int, length: int) -> None:
    """The verdict falls once the start and max_iter iterations are on record, with the last gain and what to do."""
    verdict = MaxIter(allowed)(records([2.0 * i for i in range(length)]))
    assert (verdict is not None) == (length - 1 >= allowed)
    if verdict is not None:
        assert verdict.outcome is Outcome.MAX_ITER
        assert f"max_iter = {allowed} iterations done, the last one still gained 0.2 nats per unit" in verdict.message
        assert "Go on from fit.model, or raise max_iter" in verdict.message


BAD: list[tuple[Any, Any, type[Exception], str]] = [
    (-1e-3, 10, ValueError, "tol: expected a finite number, zero or more, found -0.001"),
    (np.nan, 10, ValueError, "tol: .* found nan"),
    (np.inf, 10, ValueError, "tol: .* found inf"),
    ("small", 10, TypeError, "tol: expected a number, nats per unit, found 'small'"),
    (True, 10, TypeError, "tol: "),
    (1e-3, 0, ValueError, "max_iter: expected at least 1, found 0"),
    (1e-3, 2.5, TypeError, "max_iter: expected a whole number, found 2.5"),
    (1e-3, True, TypeError, "max_iter: "),
]


@pytest.mark.parametrize(("tol", "max_iter", "error", "message"), BAD)
def test_bad_arguments_are_refused_by_name(tol: Any, max_iter: Any, error: type[Exception], message: str) -> None:
    """Arguments out of range are refused with their name and value."""
    with pytest.raises(error, match=message):
        check_rules(tol, max_iter)


def test_an_unknown_rule_is_refused() -> None:
    """The names of the rules there are, and what was found."""
    with pytest.raises(
        ValueError, match=r"stop: expected one of 'remaining', 'increment', 'parameters', found 'aitken'"
    ):
        check_rules(1e-3, 10, "aitken")


def test_numpy_numbers_are_numbers() -> None:
    """Integers and floats of NumPy are taken; tol = 0 is allowed."""
    assert len(check_rules(np.float32(0.5), np.int64(3))) == 3
    assert len(check_rules(0, 1)) == 3
