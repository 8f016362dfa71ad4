"""Hidden Markov models, data and arguments that cannot be are refused with what is wrong."""

from typing import Any

import numpy as np
import pytest

import emkit
from emkit import HiddenMarkov, Poisson, StationaryHiddenMarkov, Weighted

TRANSITION = np.array([[0.9, 0.1], [0.2, 0.8]])
COUNTS = HiddenMarkov(np.array([0.3, 0.7]), TRANSITION, Poisson(np.array([[2.0], [9.0]])))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: HiddenMarkov([0.5, 0.5], np.eye(3), COUNTS.emissions), "axis 'K'"),
        (lambda: HiddenMarkov([0.5, 0.4], TRANSITION, COUNTS.emissions), "initial sums to 0.9"),
        (lambda: HiddenMarkov([0.5, 0.5], [[0.5, 0.4], [0.5, 0.5]], COUNTS.emissions), r"transition\[0\] sums to 0.9"),
        (lambda: emkit.replace(COUNTS, emissions=Poisson), "expected emissions"),
        (
            lambda: HiddenMarkov([1.0, 0.0], TRANSITION, COUNTS.emissions, emkit.Dirichlet(np.array([2.0, 2.0]))),
            r"initial\[1\] is 0",
        ),
        (
            lambda: HiddenMarkov(
                [0.5, 0.5], np.eye(2), COUNTS.emissions, transition_prior=emkit.DirichletRows.diagonal(2, 2.0, 2.0)
            ),
            r"transition\[0, 1\] is 0",
        ),
        (lambda: StationaryHiddenMarkov(np.eye(2), COUNTS.emissions), "states 0 and 1 are never left"),
        (lambda: COUNTS.log_marginal(np.ones((3, 1))), r"write \[x\]"),
        (lambda: COUNTS.log_marginal([np.ones((3, 1)), np.ones((0, 1))]), "sequence 1 has no observation"),
        (lambda: COUNTS.log_marginal([np.ones((3, 1)), -np.ones((2, 1))]), "sequence 1: .*row 0"),
        (lambda: COUNTS.log_marginal([np.ones((3, 2))]), "sequence 0: .*1 column"),
        (lambda: COUNTS.sample(2, 0, length=[3]), "length"),
        (lambda: COUNTS.sample(0, 0), "n: expected at least 1"),
        (lambda: COUNTS.impute([np.ones((3, 1))]), "nothing is missing"),
        (lambda: HiddenMarkov.start([np.ones((3, 1))], 2, rng=0, emissions=Poisson), "distinct rows"),
        (lambda: HiddenMarkov.start(np.ones((3, 1)), 2, rng=0, emissions=Poisson), r"write \[x\]"),
        (
            lambda: HiddenMarkov.from_responsibilities([np.ones((3, 1))], [[0, 1]], emissions=Poisson),
            "sequence 0 has 3 observations",
        ),
        (lambda: HiddenMarkov.from_responsibilities([np.ones((3, 1))] * 2, [[0, 1, 1]], emissions=Poisson), "a list"),
        (
            lambda: HiddenMarkov.from_responsibilities([np.ones((3, 1))], [1], emissions=Poisson),
            r"sequence 0 has 3 observations; expected shape \(3,\), found \(\)",
        ),
        (
            lambda: HiddenMarkov.from_responsibilities(
                [np.ones((3, 1))] * 2, [np.full((3, 2), 0.5), np.full((3, 1), 1.0)], emissions=Poisson
            ),
            r"sequence 1 has 3 observations; expected shape \(3, 2\), found \(3, 1\)",
        ),
        (
            lambda: HiddenMarkov.from_responsibilities([np.ones((2, 1))], [[[1.0], [0.5, 0.5]]], emissions=Poisson),
            "sequence 0: expected real numbers, found rows that do not fit",
        ),
        (
            lambda: HiddenMarkov.start(Weighted([np.ones((3, 1))], [0.0]), 1, rng=0, emissions=Poisson),
            "weights are all zero",
        ),
    ],
)
def test_mistakes_are_named(make: Any, message: str) -> None:
    """Models, data and arguments that cannot be are refused with what is wrong."""
    with pytest.raises((ValueError, TypeError), match=message):
        make()
