"""Stopping rules read records and return a verdict or nothing."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit.stopping import Increment, MaxIter, Outcome, Stall, check_rules
from emkit.trace import Record


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


def test_numpy_numbers_are_numbers() -> None:
    """Integers and floats of NumPy are taken; tol = 0 is allowed."""
    assert len(check_rules(np.float32(0.5), np.int64(3))) == 3
    assert len(check_rules(0, 1)) == 3
