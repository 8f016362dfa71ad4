"""emkit: expectation-maximization for latent variable models.

Write `e_step`, `m_step` and `log_marginal` on a value that is its own parameters; `emkit.fit` does the rest.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

from emkit import datasets, starts
from emkit.algorithm import EM, Algorithm, Point
from emkit.arrays import Array, average, condition
from emkit.censoring import Censored
from emkit.data import Weighted
from emkit.declarations import ParameterError, fixed, parts, positive, positive_definite, probability, real, simplex
from emkit.em import DegenerateError, Fit, fit, steps
from emkit.emissions.bernoulli import Bernoulli
from emkit.emissions.categorical import Categorical
from emkit.emissions.exponential import Exponential
from emkit.emissions.gamma import Gamma
from emkit.emissions.gaussian.diagonal import DiagonalGaussian
from emkit.emissions.gaussian.full import FullGaussian
from emkit.emissions.gaussian.spherical import SphericalGaussian
from emkit.emissions.gaussian.tied import TiedGaussian
from emkit.emissions.point_mass import PointMass
from emkit.emissions.poisson import Poisson
from emkit.emissions.product import Product
from emkit.emissions.protocol import Emissions, Family
from emkit.emissions.regression.linear import LinearRegression
from emkit.emissions.regression.poisson import PoissonRegression
from emkit.emissions.regression.tied import TiedLinearRegression
from emkit.emissions.stacked import Stacked
from emkit.emissions.student_t import StudentT
from emkit.incomplete import Incomplete
from emkit.model import LatentVariableModel
from emkit.models.annotators.answers import Answers
from emkit.models.annotators.dawid_skene import DawidSkene
from emkit.models.censored.exponential import CensoredExponential
from emkit.models.censored.normal import CensoredNormal
from emkit.models.factors.factor_analysis import FactorAnalysis
from emkit.models.factors.probabilistic_pca import ProbabilisticPCA
from emkit.models.gaussian_mixture import GaussianMixture
from emkit.models.genetics.allele_frequencies import AlleleFrequencies
from emkit.models.genetics.linkage import Linkage
from emkit.models.markov.hidden_markov import HiddenMarkov
from emkit.models.markov.stationary_markov import StationaryHiddenMarkov
from emkit.models.mixture import Mixture
from emkit.models.state_space.linear_gaussian import LinearGaussianStateSpace
from emkit.parameters import n_free_parameters, pack, unpack
from emkit.priors.beta import BetaPrior
from emkit.priors.dirichlet import Dirichlet, DirichletRows, SymmetricDirichlet
from emkit.priors.gamma import GammaPrior
from emkit.priors.normal_inverse import NormalInverseGamma, NormalInverseWishart
from emkit.priors.ridge import DiagonalRidge, Ridge
from emkit.priors.shape_rate import ShapeRatePrior
from emkit.restarts import Restarts, best_of
from emkit.run import ModelError, Step
from emkit.sample_covariance import SampleCovariance
from emkit.statistics import Expectation, Statistics
from emkit.stopping import Outcome
from emkit.trace import Trace
from emkit.values import replace, update, value

if TYPE_CHECKING:
    from emkit import plot, testing

__all__ = [
    "EM",
    "Algorithm",
    "AlleleFrequencies",
    "Answers",
    "Array",
    "Bernoulli",
    "BetaPrior",
    "Categorical",
    "Censored",
    "CensoredExponential",
    "CensoredNormal",
    "DawidSkene",
    "DegenerateError",
    "DiagonalGaussian",
    "DiagonalRidge",
    "Dirichlet",
    "DirichletRows",
    "Emissions",
    "Expectation",
    "Exponential",
    "FactorAnalysis",
    "Family",
    "Fit",
    "FullGaussian",
    "Gamma",
    "GammaPrior",
    "GaussianMixture",
    "HiddenMarkov",
    "Incomplete",
    "LatentVariableModel",
    "LinearGaussianStateSpace",
    "LinearRegression",
    "Linkage",
    "Mixture",
    "ModelError",
    "NormalInverseGamma",
    "NormalInverseWishart",
    "Outcome",
    "ParameterError",
    "Point",
    "PointMass",
    "Poisson",
    "PoissonRegression",
    "ProbabilisticPCA",
    "Product",
    "Restarts",
    "Ridge",
    "SampleCovariance",
    "ShapeRatePrior",
    "SphericalGaussian",
    "Stacked",
    "StationaryHiddenMarkov",
    "Statistics",
    "Step",
    "StudentT",
    "SymmetricDirichlet",
    "TiedGaussian",
    "TiedLinearRegression",
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
