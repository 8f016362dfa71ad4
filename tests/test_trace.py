"""The trace: a sequence of objectives, and what can be read off it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit.algorithm import Point
from emkit.statistics import Expectation
from emkit.trace import Record, Trace, fall_threshold
from tests.toys import Scripted


def trace(objectives: Sequence[float], rounding: float = 1e-12) -> Trace:
    return Trace(
        [Record(objective, objective - 1.0, rounding, 10.0, 10.0, i + 1) for i, objective in enumerate(objectives)]
    )


def test_a_trace_is_a_sequence_of_floats() -> None:
    """Length, indices, slices, iteration and np.asarray all give the objectives."""
    values = [-3.0, -2.0, -1.5]
    made = trace(values)
    assert len(made) == 3
    assert made[-1] == -1.5
    assert made[1:] == [-2.0, -1.5]
    assert list(made) == list(reversed(list(reversed(made)))) == values
    assert np.asarray(made).tolist() == values
    assert np.asarray(made, dtype=np.float32).dtype == np.float32
    assert made.log_likelihoods.tolist() == [-4.0, -3.0, -2.5]
    assert made.increments.tolist() == [1.0, 0.5]
    assert repr(made) == "Trace(-3.000000 .. -1.500000, 2 iterations)"


def test_traces_compare_by_their_records() -> None:
    """Two traces are equal where every record is."""
    assert trace([1.0, 2.0]) == trace([1.0, 2.0])
    assert trace([1.0, 2.0]) != trace([1.0, 3.0])
    assert trace([1.0]) != [1.0]


def test_a_record_keeps_the_numbers_of_a_point() -> None:
    """The rounding of an objective is that of its E-step plus eps times the log prior."""
    learnt = Expectation(-5.0, 10.0, 1e-12, np.zeros(1))
    record = Record.of(Point(Scripted((0.0,)), learnt, -5.0 + 64.0), passes=3)
    assert (record.objective, record.log_likelihood, record.units, record.passes) == (59.0, -5.0, 10.0, 3)
    assert record.rounding == 1e-12 + 2.0**-52 * 64.0


@given(st.floats(1e-13, 1e-3), st.floats(1e-13, 1e-3))
def test_the_threshold_is_eight_times_both_roundings(before: float, after: float) -> None:
    """A fall counts beyond eight times the sum of the two roundings."""
    one, other = (Record(0.0, 0.0, rounding, 1.0, 1.0, 1) for rounding in (before, after))
    assert fall_threshold(one, other) == 8 * (before + after)


@given(st.lists(st.sampled_from([-2.0, -0.5, 0.0, 1.0]), min_size=1, max_size=8))
def test_violations_are_the_falls_beyond_rounding(changes: list[float]) -> None:
    """With a threshold of 1, exactly the falls of 2 are violations, named by their iteration."""
    made = trace(np.cumsum([0.0, *changes]).tolist(), rounding=1 / 16)
    assert made.violations == [i for i, change in enumerate(changes, start=1) if change == -2.0]
    assert made.monotone == (-2.0 not in changes)


@given(st.floats(0.1, 0.9), st.floats(-100, 100), st.floats(0.1, 10), st.integers(3, 12))
def test_ratio_and_limit_of_a_geometric_approach(ratio: float, limit: float, gap: float, length: int) -> None:
    """Objectives limit - gap ratioⁱ have this ratio, the rate that is its root, this limit, and this much to come."""
    made = trace([limit - gap * ratio**i for i in range(length)])
    if gap * ratio**length > 1e-6:
        assert made.ratio == pytest.approx(ratio, rel=1e-5)
        assert made.rate == pytest.approx(np.sqrt(ratio), rel=1e-5)
        assert made.limit == pytest.approx(limit, abs=1e-5)
        assert made.remaining == pytest.approx(gap * ratio ** (length - 1), rel=1e-4, abs=1e-9)


@pytest.mark.parametrize(
    "objectives", [[0.0], [0.0, 1.0], [0.0, 1.0, 0.5], [0.0, 1.0, 3.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0 + 1e-13]]
)
def test_no_rate_without_a_shrinking_rise(objectives: list[float]) -> None:
    """Too few, falling, growing, still or invisible increments have no ratio, rate, limit or remainder."""
    made = trace(objectives)
    assert made.ratio is made.rate is made.limit is made.remaining is None
    assert not made.unfinished(0.0)


def test_accelerated_increments_tell_no_rate() -> None:
    """Increments of steps that are not those of plain EM are not taken for its."""
    records = [Record(one, one, 1e-12, 1.0, 1.0, i + 1, plain=False) for i, one in enumerate([0.0, 1.0, 1.5, 1.75])]
    assert Trace(records).ratio is None
    mixed = [*records[:-1], Record(1.75, 1.75, 1e-12, 1.0, 1.0, 4)]
    assert Trace(mixed).ratio is None


def test_what_is_to_come_is_held_against_the_tolerance() -> None:
    """A fit is unfinished where more than tol nats per unit are still to come."""
    made = trace([0.0, 1.0, 1.5])  # half a nat is, of ten units
    assert made.unfinished(0.04)
    assert not made.unfinished(0.06)
