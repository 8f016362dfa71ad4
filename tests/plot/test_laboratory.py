"""Pictures of the laboratory: what is drawn is what was computed."""

from itertools import islice
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import emkit
import emkit.plot
from emkit import GaussianMixture, Linkage, lab
from tests.lab.package import ANIMALS, FAITHFUL
from tests.testing.healthy import COUNTS, PoissonMixture

START = PoissonMixture([0.5, 0.5], [1.0, 5.0])


def test_gains_are_drawn_by_their_parts() -> None:
    """Three lines: the increments of the objective, what was raised, and what came free."""
    fit = emkit.fit(START, COUNTS, record=lab.gains)
    whole, raised, free = emkit.plot.gains(fit).lines
    np.testing.assert_array_equal(whole.get_ydata(), np.where(fit.trace.increments > 0, fit.trace.increments, np.nan))
    parts = np.asarray(raised.get_ydata(), float) + np.asarray(free.get_ydata(), float)
    np.testing.assert_allclose(parts[:5], np.asarray(whole.get_ydata(), float)[:5], rtol=1e-8)


def test_the_bound_touches_and_stays_below() -> None:
    """Each bound drawn meets the objective where it touches, is below it elsewhere, and the next touches at its top."""
    ax = emkit.plot.bound(START, COUNTS)
    objective, first, touch, top, second, next_touch, _ = ax.lines
    curve = np.asarray(objective.get_ydata(), float)
    for tangent in (first, second):
        assert (np.asarray(tangent.get_ydata(), float) <= curve + 1e-9).all()
    assert touch.get_xdata()[0] == 0.0  # type: ignore[index]
    assert touch.get_ydata()[0] == pytest.approx(np.interp(0.0, objective.get_xdata(), curve))  # type: ignore[index]
    assert top.get_xdata()[0] == next_touch.get_xdata()[0]  # type: ignore[index]
    assert max(first.get_ydata()) == top.get_ydata()[0]  # type: ignore[index, type-var]
    assert np.interp(next_touch.get_xdata()[0], objective.get_xdata(), curve) == pytest.approx(  # type: ignore[index]
        next_touch.get_ydata()[0]  # type: ignore[index]
    )


def test_a_profile_is_drawn_with_its_top() -> None:
    """The line is the profile, the mark its best place."""
    found = lab.profile(START, COUNTS, "rates", (1,))
    line, mark = emkit.plot.profile(found).lines
    np.testing.assert_array_equal(line.get_ydata(), found.objective)
    assert set(mark.get_xdata()) == {found.best}


def test_eigenvalues_are_bars() -> None:
    """A bar for each eigenvalue, as high as it is."""
    optimum = emkit.fit(START, COUNTS, tol=0, max_iter=5000).model
    found = lab.rate(optimum, COUNTS)
    heights = [bar.get_height() for bar in emkit.plot.eigenvalues(found).patches]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(heights, found.eigenvalues)


def test_increments_are_drawn_with_the_slope_that_is_predicted() -> None:
    """The points are the increments, the line falls by the ratio predicted."""
    fit = emkit.fit(Linkage(0.5), ANIMALS, tol=0)
    found = lab.rate(fit.model, ANIMALS)
    points, line = emkit.plot.increments(fit, rate=found).lines
    seen = np.asarray(points.get_ydata(), float)
    np.testing.assert_array_equal(seen, np.where(fit.trace.increments > 0, fit.trace.increments, np.nan))
    predicted = np.asarray(line.get_ydata(), float)
    np.testing.assert_allclose(predicted[1:] / predicted[:-1], found.increment_ratio)
    np.testing.assert_allclose(seen[2:5], predicted[2:5], rtol=0.1)


def test_basins_are_bars_of_their_starts() -> None:
    """A bar for each optimum, as long as starts reach it, labelled with its objective."""
    starts = [PoissonMixture([0.5, 0.5], rates) for rates in ([1.0, 5.0], [2.0, 3.0], [4.0, 4.0])]
    found = lab.basins(starts, COUNTS, tol=1e-12)
    ax = emkit.plot.basins(found)
    assert [bar.get_width() for bar in ax.patches] == [len(basin.starts) for basin in found.basins]  # type: ignore[attr-defined]
    assert [text.get_text() for text in ax.get_yticklabels()] == [f"{one.fit.objective:.4f}" for one in found.basins]


@pytest.mark.parametrize("by", ["passes", "seconds"])
def test_a_comparison_is_drawn_by_passes_and_by_time(by: str) -> None:
    """A line for each run, at its passes or seconds, as far below the best as it was."""
    found = lab.compare({"near": START, "far": PoissonMixture([0.9, 0.1], [3.0, 3.5])}, COUNTS)
    *lines, _ = emkit.plot.comparison(found, by=by).lines
    for line, (name, course) in zip(lines, found.courses.items(), strict=True):
        gap = found.target + found.margin - course.objective
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_ydata(), gap[gap > 0])
        axis = course.passes if by == "passes" else course.seconds
        np.testing.assert_array_equal(line.get_xdata(), axis[gap > 0])


def test_an_animation_has_a_frame_for_each_step(tmp_path: Path) -> None:
    """It is saved as a GIF of so many frames, and shown as HTML5."""
    steps = list(islice(emkit.steps(GaussianMixture.start(FAITHFUL, 2, rng=0), FAITHFUL), 3))
    made = emkit.plot.animation(steps, FAITHFUL)
    file = tmp_path / "fit.gif"
    made.save(file, writer="pillow")
    assert file.read_bytes().startswith(b"GIF89a")
    assert "<script" in made.to_jshtml()
    plane, curve = plt.gcf().axes
    assert plane.get_title() == "iteration 2"
    assert curve.get_title() == f"{steps[2].objective:.4f} nats"


@pytest.mark.parametrize(
    ("draw", "given", "kind"),
    [
        (emkit.plot.gains, START, "Fit"),
        (emkit.plot.profile, START, "Profile"),
        (emkit.plot.eigenvalues, START, "Rate"),
        (emkit.plot.increments, START, "Fit"),
        (emkit.plot.basins, START, "Basins"),
        (emkit.plot.comparison, START, "Comparison"),
    ],
)
def test_other_things_are_refused(draw: Any, given: Any, kind: str) -> None:
    """Who hands over something else is told what, and where it comes from."""
    with pytest.raises(TypeError, match=rf"expected a {kind}, which emkit\..* returns, found a PoissonMixture"):
        draw(given)


def test_requests_that_make_no_sense_are_refused() -> None:
    """A fit without gains, an animation without steps, a comparison by something else."""
    with pytest.raises(TypeError, match=r"fit with record=emkit\.lab\.gains"):
        emkit.plot.gains(emkit.fit(START, COUNTS))
    with pytest.raises(ValueError, match="steps: expected at least one"):
        emkit.plot.animation([], FAITHFUL)
    with pytest.raises(ValueError, match='by: expected "passes" or "seconds", found \'iterations\''):
        emkit.plot.comparison(lab.compare({"one": START}, COUNTS), by="iterations")


def test_each_draws_on_the_axes_given() -> None:
    """The Axes handed over are those drawn on and returned."""
    _, ax = plt.subplots()
    assert emkit.plot.profile(lab.profile(START, COUNTS, "rates", (0,)), ax) is ax
    assert emkit.plot.bound(START, COUNTS, ax) is ax
