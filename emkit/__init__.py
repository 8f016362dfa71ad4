"""emkit: expectation-maximization for latent variable models.

Write `e_step`, `m_step` and `log_marginal` on a value that is its own parameters; `emkit.fit` does the rest.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from emkit import datasets, starts
from emkit.algorithm import EM, Algorithm, Point
from emkit.arrays import Array, average, condition
from emkit.data import Weighted
from emkit.declarations import ParameterError, fixed, parts, positive, positive_definite, probability, real, simplex
from emkit.em import DegenerateError, Fit, fit, steps
from emkit.emissions.gaussian.diagonal import DiagonalGaussian
from emkit.emissions.gaussian.full import FullGaussian
from emkit.emissions.gaussian.spherical import SphericalGaussian
from emkit.emissions.gaussian.tied import TiedGaussian
from emkit.emissions.poisson import Poisson
from emkit.emissions.protocol import Emissions, Family
from emkit.incomplete import Incomplete
from emkit.model import LatentVariableModel
from emkit.models.gaussian_mixture import GaussianMixture
from emkit.models.mixture import Mixture
from emkit.parameters import n_free_parameters, pack, unpack
from emkit.priors.dirichlet import Dirichlet
from emkit.priors.gamma import GammaPrior
from emkit.priors.normal_inverse import NormalInverseGamma, NormalInverseWishart
from emkit.priors.ridge import DiagonalRidge, Ridge
from emkit.restarts import Restarts, best_of
from emkit.run import ModelError, Step
from emkit.statistics import Expectation, Statistics
from emkit.stopping import Outcome
from emkit.trace import Trace
from emkit.values import replace, update, value

if TYPE_CHECKING:
    from emkit import plot, testing

__all__ = [
    "EM",
    "Algorithm",
    "Array",
    "DegenerateError",
    "DiagonalGaussian",
    "DiagonalRidge",
    "Dirichlet",
    "Emissions",
    "Expectation",
    "Family",
    "Fit",
    "FullGaussian",
    "GammaPrior",
    "GaussianMixture",
    "Incomplete",
    "LatentVariableModel",
    "Mixture",
    "ModelError",
    "NormalInverseGamma",
    "NormalInverseWishart",
    "Outcome",
    "ParameterError",
    "Point",
    "Poisson",
    "Restarts",
    "Ridge",
    "SphericalGaussian",
    "Statistics",
    "Step",
    "TiedGaussian",
    "Trace",
    "Weighted",
    "average",
    "best_of",
    "condition",
    "datasets",
    "fit",
    "fixed",
    "n_free_parameters",
    "pack",
    "parts",
    "plot",
    "positive",
    "positive_definite",
    "probability",
    "real",
    "replace",
    "simplex",
    "starts",
    "steps",
    "testing",
    "unpack",
    "update",
    "value",
]


def __getattr__(name: str) -> ModuleType:
    """Load `emkit.plot` and `emkit.testing` when first used: matplotlib and hypothesis are not needed to fit."""
    if name in ("plot", "testing"):
        return importlib.import_module(f"emkit.{name}")
    raise AttributeError(f"module 'emkit' has no attribute {name!r}")
