"""The linear Gaussian state space model obeys every law: whole and with gaps, weighted, each block held in turn."""

from itertools import combinations
from typing import Any

import numpy as np

from emkit import Incomplete, LinearGaussianStateSpace, Weighted, replace
from emkit.testing import conformance
from emkit.values import layout
from tests.models.state_space.dense_chain import random_model, with_gaps

EXAMPLES = 1

_RNG = np.random.default_rng(5)
MODEL = random_model(_RNG, 2, 2)
LENGTHS = np.repeat([3, 6], 18)
DATA = MODEL.sample(len(LENGTHS), _RNG, length=LENGTHS)
GAPS: list[Any] = [Incomplete(with_gaps(_RNG, x)) for x in DATA[::3]]
WEIGHTS = np.where(np.arange(len(DATA)) % 7 == 0, 0.0, _RNG.uniform(0.2, 3.0, len(DATA)))

TestComplete = conformance(MODEL, DATA, examples=EXAMPLES)
TestWithGaps = conformance(MODEL, GAPS, examples=EXAMPLES)
TestWeighted = conformance(MODEL, Weighted(DATA, WEIGHTS), examples=EXAMPLES)

SPIRAL = LinearGaussianStateSpace(
    [1.0, -1.0], [[1.0, 0.3], [0.3, 1.0]], [[0.8, 0.5], [-0.4, 0.6]], [[0.6, 0.1], [0.1, 0.4]], [[1.0, 0.5]], [[0.5]]
)
TestMoreStates = conformance(SPIRAL, SPIRAL.sample(36, _RNG, length=LENGTHS), examples=EXAMPLES)

NAMES = [name for name, declared in layout(MODEL) if declared is not None]

for _held in [*combinations(NAMES, 1), ("initial_mean", "transition", "observation")]:
    _model = replace(MODEL, fixed=_held)
    globals()[f"TestHeld_{'_'.join(_held)}"] = conformance(_model, DATA, examples=EXAMPLES)
