"""Tests of emkit/plot/traces.py."""

import numpy as np
import pytest

import emkit
import emkit.plot
from emkit.trace import Record
from tests.testing.healthy import COUNTS
from tests.testing.planted import OvershootingRates


def fit_with(objectives: list[float]) -> emkit.Fit[emkit.GaussianMixture]:
    model = emkit.GaussianMixture([1.0], emkit.SphericalGaussian([[0.0]], [1.0]))
    records = [Record(objective, objective, 1e-12, 10.0, 10.0, i + 1) for i, objective in enumerate(objectives)]
    return emkit.Fit(model, emkit.Trace(records), emkit.Outcome.CONVERGED, "")


def test_the_line_is_the_trace() -> None:
    """The line drawn has the objective of every iteration."""
    (line,) = emkit.plot.trace(fit_with([-5.0, -3.0, -2.5])).lines
    np.testing.assert_array_equal(line.get_ydata(), [-5.0, -3.0, -2.5])


def test_falls_are_marked() -> None:
    """An iteration at which the objective fell beyond rounding is marked, others are not."""
    _, falls = emkit.plot.trace(fit_with([-5.0, -3.0, -3.5, -2.0])).lines
    np.testing.assert_array_equal(falls.get_xdata(), [2])


def test_a_model_is_not_a_fit() -> None:
    """Who hands over a model is told to hand over a fit."""
    with pytest.raises(TypeError, match=r"expected a Fit, which emkit\.fit returns"):
        emkit.plot.trace(fit_with([-1.0]).model)


def test_the_fall_that_ended_a_fit_is_marked() -> None:
    """A fit that ended as `decreased` shows the point that fell, one iteration after the last that was accepted."""
    fit = emkit.fit(OvershootingRates([0.5, 0.5], [1.0, 5.0]), COUNTS)
    assert fit.outcome is emkit.Outcome.DECREASED
    assert fit.rejected is not None
    _, mark = emkit.plot.trace(fit).lines
    np.testing.assert_array_equal(mark.get_xdata(), [fit.n_iter + 1])
    np.testing.assert_array_equal(mark.get_ydata(), [fit.rejected.objective])
