"""Factor analysis and probabilistic PCA obey every law: each block held, with priors, weights and missing values."""

import numpy as np

from emkit import DiagonalRidge, FactorAnalysis, Incomplete, NormalInverseGamma, ProbabilisticPCA, Weighted, replace
from emkit.testing import conformance

EXAMPLES = 2

_RNG = np.random.default_rng(7)
MEAN = np.array([1.0, -2.0, 0.5, 10.0, 0.0])
LOADINGS = np.array([[1.0, 0.2], [0.8, -0.5], [-0.6, 0.7], [0.3, 1.1], [0.5, 0.4]])
NOISE = np.array([0.5, 0.3, 0.8, 0.4, 1.0])
ROWS = MEAN + _RNG.normal(size=(80, 2)) @ LOADINGS.T + _RNG.normal(size=(80, 5)) * np.sqrt(NOISE)
WEIGHTS = np.where(np.arange(len(ROWS)) % 7 == 0, 0.0, _RNG.uniform(0.2, 3.0, len(ROWS)))
_PATTERNS = np.array([[0, 0, 0, 0, 0], [0, 1, 0, 0, 0], [1, 0, 0, 1, 1], [0, 1, 1, 1, 1], [1, 1, 1, 1, 1]], dtype=bool)
HOLES = Incomplete(np.where(_PATTERNS[np.minimum(_RNG.integers(0, 12, len(ROWS)), 4)], np.nan, ROWS))

SCALE = np.array([1.0, 0.5, 0.5, 2.0, 1.0])
RIDGE = DiagonalRidge(SCALE, 3.0)
CONJUGATE = NormalInverseGamma(np.array([0.0, -1.0, 0.0, 9.0, 1.0]), 0.7, 5.0, SCALE)

MODELS = {
    "FactorAnalysis": FactorAnalysis(MEAN, LOADINGS, NOISE),
    "ProbabilisticPCA": ProbabilisticPCA(MEAN, LOADINGS, 0.6),
}

for _name, _model in MODELS.items():
    globals()[f"Test{_name}"] = conformance(_model, ROWS, examples=EXAMPLES)
    globals()[f"Test{_name}Weighted"] = conformance(_model, Weighted(ROWS, WEIGHTS), examples=EXAMPLES)
    globals()[f"Test{_name}Incomplete"] = conformance(_model, HOLES, examples=EXAMPLES)
    for _prior in (RIDGE, CONJUGATE):
        _variant = replace(_model, prior=_prior)
        globals()[f"Test{_name}{type(_prior).__name__}"] = conformance(
            _variant, Weighted(HOLES, WEIGHTS), examples=EXAMPLES
        )
    for _held in ({"mean"}, {"loadings"}, {"noise"}, {"mean", "loadings"}):
        _variant = replace(_model, prior=CONJUGATE, fixed=_held)
        globals()[f"Test{_name}Held{''.join(sorted(_held)).title()}"] = conformance(_variant, ROWS, examples=EXAMPLES)
