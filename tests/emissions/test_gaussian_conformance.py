"""Gaussian mixtures obey every law where cells are missing, and where parameters are held."""

from typing import Any

import numpy as np

from emkit import (
    DiagonalRidge,
    FullGaussian,
    GaussianMixture,
    Incomplete,
    NormalInverseGamma,
    NormalInverseWishart,
    Ridge,
    TiedGaussian,
    Weighted,
    replace,
)
from emkit.testing import conformance
from tests.gaussians import KINDS, emissions_of

EXAMPLES = 2

_RNG = np.random.default_rng(8)
_NOISE = _RNG.normal(size=(40, 3)) @ [[1.0, 0.3, 0.2], [0.0, 0.8, -0.4], [0.0, 0.0, 0.7]]
ROWS = _NOISE + np.where(np.arange(40)[:, None] < 17, [0.0, 10.0, -2.0], [2.5, 12.0, -2.0])
HOLES = np.where(_RNG.random(ROWS.shape) < 0.25, np.nan, ROWS)
HOLES[7] = np.nan
WEIGHTS = np.where(np.arange(40) % 7 == 0, 0.0, _RNG.uniform(0.3, 3.0, 40))

MEANS = np.array([[0.0, 10.0, -2.0], [2.5, 12.0, -2.0]])
MATRIX = np.array([[1.0, 0.3, 0.2], [0.3, 0.8, -0.2], [0.2, -0.2, 0.7]])
SHAPES: dict[Any, Any] = {kind: MATRIX if kind in (FullGaussian, TiedGaussian) else 0.8 * np.eye(3) for kind in KINDS}

SCALE = np.array([1.0, 0.5, 0.7])
CONJUGATE: dict[bool, Any] = {
    True: NormalInverseWishart(MEANS.mean(axis=0), 0.7, 6.0, np.diag(SCALE)),
    False: NormalInverseGamma(MEANS.mean(axis=0), 0.7, 6.0, SCALE),
}
RIDGE: dict[bool, Any] = {True: Ridge(np.diag(SCALE), 3.0), False: DiagonalRidge(SCALE, 3.0)}


def _mixture(kind: Any, prior: Any = None, **more: Any) -> GaussianMixture:
    emissions = emissions_of(kind, MEANS, np.array([1.0, 1.3])[:, None, None] * SHAPES[kind], prior)
    return GaussianMixture([0.45, 0.55], replace(emissions, **more))


for _kind in KINDS:
    _name = _kind.__name__.removesuffix("Gaussian")
    _full = _kind in (FullGaussian, TiedGaussian)
    _cases: dict[str, tuple[GaussianMixture, Any]] = {
        "Incomplete": (_mixture(_kind), Incomplete(HOLES)),
        "IncompleteRidge": (_mixture(_kind, RIDGE[_full]), Weighted(Incomplete(HOLES), WEIGHTS)),
        "IncompleteConjugate": (_mixture(_kind, CONJUGATE[_full]), Weighted(Incomplete(HOLES), WEIGHTS)),
        "MeansHeld": (_mixture(_kind, fixed="means"), Weighted(ROWS, WEIGHTS)),
        "MeansHeldConjugate": (_mixture(_kind, CONJUGATE[_full], fixed="means"), Incomplete(HOLES)),
        "SpreadHeld": (_mixture(_kind, CONJUGATE[_full], fixed=_kind.stored_as), Incomplete(HOLES)),
        "Held": (_mixture(_kind, fixed=("means", _kind.stored_as)), Incomplete(HOLES)),
    }
    for _case, (_model, _data) in _cases.items():
        globals()[f"Test{_name}{_case}"] = conformance(_model, _data, examples=EXAMPLES)
