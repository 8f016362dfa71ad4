"""Hidden Markov models obey every law: two ways to begin, several emissions, priors, weights, each block held."""

from typing import Any

import numpy as np

from emkit import (
    DiagonalGaussian,
    Dirichlet,
    DirichletRows,
    HiddenMarkov,
    Incomplete,
    NormalInverseGamma,
    Poisson,
    StationaryHiddenMarkov,
    Weighted,
)
from emkit.testing import conformance

EXAMPLES = 2

INITIAL = np.array([0.6, 0.4])
TRANSITION = np.array([[0.8, 0.2], [0.35, 0.65]])
POISSON = Poisson(np.array([[1.5], [6.0]]))
NORMAL = DiagonalGaussian(np.array([[0.0, 5.0], [2.0, 7.0]]), np.array([[1.0, 0.5], [0.7, 1.2]]))

_RNG = np.random.default_rng(3)
LENGTHS = np.resize([1, 3, 2, 4, 3], 60)
COUNTS: list[Any] = HiddenMarkov(INITIAL, TRANSITION, POISSON).sample(60, 1, length=LENGTHS)
ROWS: list[Any] = HiddenMarkov(INITIAL, TRANSITION, NORMAL).sample(60, 1, length=LENGTHS)
WEIGHTS = np.where(np.arange(60) % 7 == 0, 0.0, _RNG.uniform(0.2, 3.0, 60))
GAPS = [Incomplete(np.where(_RNG.random(x.shape) < 0.3, np.nan, x)) for x in COUNTS]
CHAIN_PRIORS: dict[str, Any] = {
    "initial_prior": Dirichlet(np.array([2.0, 3.5])),
    "transition_prior": DirichletRows.diagonal(2, 4.0, 1.5),
}
NORMAL_PRIOR = NormalInverseGamma(np.array([1.0, 6.0]), 0.7, 5.0, np.array([1.0, 0.5]))
LEFT_TO_RIGHT = HiddenMarkov(
    np.array([1.0, 0.0, 0.0]),
    np.array([[0.6, 0.3, 0.1], [0.0, 0.7, 0.3], [0.0, 0.0, 1.0]]),
    Poisson(np.array([[1.0], [4.0], [12.0]])),
)
STAGES: list[Any] = LEFT_TO_RIGHT.sample(60, 2, length=np.resize([4, 2, 3, 4], 60))
STATIONARY = StationaryHiddenMarkov(TRANSITION, POISSON)

TestCounts = conformance(HiddenMarkov(INITIAL, TRANSITION, POISSON), COUNTS, examples=EXAMPLES)
TestRowsWeighted = conformance(HiddenMarkov(INITIAL, TRANSITION, NORMAL), Weighted(ROWS, WEIGHTS), examples=EXAMPLES)
TestRowsWithPriors = conformance(
    HiddenMarkov(INITIAL, TRANSITION, DiagonalGaussian(NORMAL.means, NORMAL.variances, NORMAL_PRIOR), **CHAIN_PRIORS),
    Weighted(ROWS, WEIGHTS),
    examples=EXAMPLES,
)
TestGaps = conformance(HiddenMarkov(INITIAL, TRANSITION, POISSON), GAPS, examples=EXAMPLES)
TestLeftToRight = conformance(LEFT_TO_RIGHT, STAGES, examples=EXAMPLES)

TestInitialHeld = conformance(HiddenMarkov(INITIAL, TRANSITION, POISSON, fixed="initial"), COUNTS, examples=EXAMPLES)
TestTransitionHeld = conformance(
    HiddenMarkov(INITIAL, TRANSITION, POISSON, **CHAIN_PRIORS, fixed="transition"), COUNTS, examples=EXAMPLES
)
TestEmissionsHeld = conformance(
    HiddenMarkov(INITIAL, TRANSITION, NORMAL, fixed="emissions"), Weighted(ROWS, WEIGHTS), examples=EXAMPLES
)

TestStationary = conformance(STATIONARY, COUNTS, examples=EXAMPLES)
TestStationaryWithPrior = conformance(
    StationaryHiddenMarkov(TRANSITION, POISSON, CHAIN_PRIORS["transition_prior"]),
    Weighted(COUNTS, WEIGHTS),
    examples=EXAMPLES,
)
TestStationaryTransitionHeld = conformance(
    StationaryHiddenMarkov(TRANSITION, POISSON, fixed="transition"), COUNTS, examples=EXAMPLES
)
TestStationaryEmissionsHeld = conformance(
    StationaryHiddenMarkov(TRANSITION, POISSON, fixed="emissions"), COUNTS, examples=EXAMPLES
)
