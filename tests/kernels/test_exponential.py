"""exp and log as the kernels compute them, against 40 digits."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emkit.arrays import TINY, Array
from emkit.kernels import exponential
from emkit.kernels.compiled import inner

LOWEST = math.log(TINY)


@inner
def exps(x: Array, out: Array) -> None:
    for i in range(len(x)):
        out[np.uintp(i)] = exponential.exp(x[np.uintp(i)])


@inner
def logs(x: Array, out: Array) -> None:
    for i in range(len(x)):
        out[np.uintp(i)] = exponential.log(x[np.uintp(i)])


def exp(*x: float) -> Array:
    out = np.empty(len(x))
    exps(np.array(x, dtype=float), out)
    return out


def log(*x: float) -> Array:
    out = np.empty(len(x))
    logs(np.array(x, dtype=float), out)
    return out


def ulps(values: Array, truth: list[mpmath.mpf]) -> float:
    """Return the largest error in units of the last place of the true value."""
    return max(float(abs(mpmath.mpf(v) - t) / np.spacing(abs(float(t)))) for v, t in zip(values, truth, strict=True))


def test_exp_is_within_one_unit_in_the_last_place() -> None:
    """Over the whole range, densely where two polynomials meet and near zero, where exp(x) is near one."""
    meeting = -math.log(2) * (np.arange(40) + 0.5)
    x = np.concatenate(
        [
            np.linspace(LOWEST + 1e-9, 0, 5001),
            np.nextafter(meeting, 0),
            np.nextafter(meeting, -np.inf),
            -np.logspace(-20, 2, 2001),
        ]
    )
    with mpmath.workdps(40):
        assert ulps(exp(*x), [mpmath.exp(mpmath.mpf(v)) for v in x]) <= 1.0


@given(st.floats(LOWEST + 1e-9, 0))
def test_exp_is_within_one_unit_anywhere(x: float) -> None:
    with mpmath.workdps(40):
        assert ulps(exp(x), [mpmath.exp(mpmath.mpf(x))]) <= 1.0


@given(st.lists(st.floats(LOWEST, 0), min_size=1, max_size=40))
def test_exp_does_not_depend_on_the_place_in_an_array(x: list[float]) -> None:
    """The vector instructions and the loop over what they leave give the same bits."""
    np.testing.assert_array_equal(exp(*x), [exp(one)[0] for one in x])


def test_exp_at_its_edges() -> None:
    """One at zero; zero, not a subnormal number, where the result is not normal, and for nan."""
    np.testing.assert_array_equal(exp(0.0, -0.0, -5e-324), 1.0)
    np.testing.assert_array_equal(exp(-708.3965, -745.2, -1e308, -np.inf, np.nan), 0.0)
    assert exp(-708.3964)[0] >= TINY


def test_exp_never_falls() -> None:
    """A larger argument has no smaller exponential, within a unit in the last place."""
    values = exp(*np.linspace(-710, 0, 200_001))
    assert (np.diff(values) >= -np.spacing(values[1:])).all()


def test_log_is_within_one_unit_in_the_last_place() -> None:
    x = np.concatenate([np.linspace(1, 300, 5001), 1 + np.logspace(-16, 0, 2001), np.logspace(-300, 300, 2001)])
    with mpmath.workdps(40):
        truth = [mpmath.log(mpmath.mpf(v)) for v in x]
        apart = [i for i, t in enumerate(truth) if t]
        assert ulps(log(*x)[apart], [truth[i] for i in apart]) <= 1.0


@pytest.mark.parametrize(("x", "value"), [(1.0, 0.0), (0.0, -np.inf)])
def test_log_is_exact_at_one_and_zero(x: float, value: float) -> None:
    assert log(x)[0] == value
