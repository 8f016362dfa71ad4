"""Mistakes that newcomers make are answered with what to do instead."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pytest

import emkit
from emkit import Array, Expectation, GaussianMixture, Weighted

FAITHFUL = emkit.datasets.faithful().data
MODEL = GaussianMixture.start(FAITHFUL, 2, rng=0)

MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "one column without brackets": (lambda: MODEL.conditional(0, [3.0]), "column numbers such as"),
    "columns by name": (lambda: MODEL.marginal(["eruptions"]), "column numbers such as"),
    "columns by mask": (lambda: MODEL.conditional([True, False], [3.0]), "column numbers such as"),
    "no columns": (lambda: MODEL.conditional([], []), "different columns from 0 to 1"),
    "values that do not fit": (lambda: MODEL.conditional([0], [3.0, 4.0]), "values: expected 1 columns"),
    "one row alone": (lambda: MODEL.predict([3.0, 70.0]), r"x\[None, :\] for one"),
    "no observations": (lambda: MODEL.sample(0, 0), "n: expected at least 1"),
    "one start without brackets": (lambda: emkit.best_of(MODEL, FAITHFUL), r"write \[model\]"),
    "labels from one": (
        lambda: GaussianMixture.from_responsibilities(FAITHFUL, np.where(FAITHFUL[:, 0] < 3, 1, 2)),
        "count labels from 0",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_advice(mistake: str) -> None:
    """The error is a TypeError or ValueError whose message says what to write instead."""
    make, advice = MISTAKES[mistake]
    with pytest.raises((TypeError, ValueError), match=advice):
        make()


def test_a_seed_draws_what_its_generator_draws() -> None:
    """A seed may stand where a generator is expected, and means the same."""
    np.testing.assert_array_equal(MODEL.sample(5, 3), MODEL.sample(5, np.random.default_rng(3)))


class Decay:
    """An exponential lifetime, with whatever powers a test adds."""

    def __init__(self, rate: float) -> None:
        self.rate = rate

    def e_step(self, x: Array) -> Expectation[Array]:
        return Expectation.of(self.log_marginal(x), np.array([len(x), np.sum(x)]))

    def m_step(self, s: Array) -> Self:
        return type(self)(s[0] / s[1])

    def log_marginal(self, x: Array) -> Array:
        return np.log(self.rate) - self.rate * np.asarray(x)


class Shrinking(Decay):
    """An M-step that walks away from the optimum."""

    def m_step(self, s: Array) -> Self:
        return type(self)(self.rate / 2)


class Mumbling(Decay):
    """Complaints that are no pairs."""

    def complaints(self, statistics: Array) -> list[str]:
        return ["rate is odd"]


class Unsummable(Decay):
    """A summary that does not add."""

    def summary(self, x: Array) -> Weighted[Array]:
        return Weighted(x, np.ones(len(x)))

    def e_step_of(self, s: Weighted[Array]) -> Expectation[Array]:
        return self.e_step(s.data)


def test_a_rejected_fall_is_printed_as_one() -> None:
    """A fit that ended because the objective fell does not print itself as monotone."""
    fit = emkit.fit(Shrinking(0.2), FAITHFUL[:, 0])
    assert fit.outcome == "decreased"
    assert "no, fell at iterations [1]" in str(fit)


def test_complaints_that_are_no_pairs_are_explained() -> None:
    """A complaint of another form is answered with the form expected."""
    with pytest.raises(emkit.ModelError, match="expected pairs such as"):
        emkit.fit(Mumbling(0.5), FAITHFUL[:, 0])


def test_a_summary_that_does_not_add_is_explained() -> None:
    """A summary without `+` is refused before the loop, where chunks need it."""
    with pytest.raises(TypeError, match="something that adds"):
        emkit.fit(Unsummable(0.5), FAITHFUL[:, 0], chunk_size=50)
