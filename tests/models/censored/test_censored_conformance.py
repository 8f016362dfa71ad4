"""Censored models obey every law: with and without covariates, weights and priors, and with each block held."""

from typing import Any

import numpy as np

from emkit import (
    Censored,
    CensoredExponential,
    CensoredNormal,
    DiagonalRidge,
    GammaPrior,
    NormalInverseGamma,
    Weighted,
    replace,
)
from emkit.testing import conformance
from tests.censored import censor

_RNG = np.random.default_rng(7)
COVARIATES = _RNG.normal([3.0, -1.0], [1.0, 0.5], (36, 2))
VALUES = 2 + COVARIATES @ [0.5, -1.0] + _RNG.normal(0, 0.8, 36)
REGRESSION = censor(VALUES, _RNG, COVARIATES)
NUMBERS = censor(VALUES, _RNG)
TIMES = censor(_RNG.exponential(5.0, 36), _RNG, positive=True)
WEIGHTS = np.where(np.arange(36) % 7 == 0, 0.0, _RNG.uniform(0.2, 3.0, 36))

RIDGE = DiagonalRidge([0.5], 3.0)
CASES: dict[str, tuple[Any, Censored, tuple[str, ...], list[Any]]] = {
    "Regression": (
        CensoredNormal(2.0, [0.5, -1.0], 0.8),
        REGRESSION,
        ("intercept", "coefficients", "standard_deviation"),
        [RIDGE],
    ),
    "Normal": (
        CensoredNormal(4.5, [], 1.2),
        NUMBERS,
        ("intercept", "standard_deviation"),
        [RIDGE, NormalInverseGamma([3.0], 0.7, 5.0, [1.0])],
    ),
    "Exponential": (CensoredExponential(0.2), TIMES, (), [GammaPrior(2.5, 4.0)]),
}

for _name, (_model, _data, _blocks, _priors) in CASES.items():
    _weighted = Weighted(_data, WEIGHTS)
    globals()[f"Test{_name}"] = conformance(_model, _data, examples=2)
    globals()[f"Test{_name}Weighted"] = conformance(_model, _weighted, examples=2)
    for _prior in _priors:
        globals()[f"Test{_name}{type(_prior).__name__}"] = conformance(replace(_model, prior=_prior), _data, examples=2)
    for _block in _blocks:
        _held = replace(_model, prior=_priors[-1], fixed=_block)
        globals()[f"Test{_name}Held_{_block}"] = conformance(_held, _weighted, examples=2)
