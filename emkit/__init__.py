"""emkit: expectation-maximization for latent variable models.

Write `e_step`, `m_step` and `log_marginal` on a value that is its own parameters; `emkit.fit` does the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emkit import starts
from emkit.algorithm import EM, Algorithm, Point
from emkit.arrays import Array, average, condition
from emkit.data import Weighted
from emkit.declarations import ParameterError, fixed, parts, positive, positive_definite, probability, real, simplex
from emkit.em import fit, steps
from emkit.emissions.gaussian.diagonal import DiagonalGaussian
from emkit.emissions.gaussian.full import FullGaussian
from emkit.emissions.gaussian.spherical import SphericalGaussian
from emkit.emissions.gaussian.tied import TiedGaussian
from emkit.emissions.protocol import Emissions, Family
from emkit.fitted import DegenerateError, Fit
from emkit.incomplete import Incomplete
from emkit.model import LatentVariableModel
from emkit.models.gaussian_mixture import GaussianMixture
from emkit.models.mixture import Mixture
from emkit.parameters import n_free_parameters, pack, unpack
from emkit.priors.dirichlet import Dirichlet, DirichletRows, SymmetricDirichlet
from emkit.priors.ridge import DiagonalRidge, Ridge
from emkit.run import ModelError, Step
from emkit.statistics import Expectation, Statistics
from emkit.stopping import Outcome
from emkit.trace import Trace
from emkit.values import replace, update, value

if TYPE_CHECKING:  # loaded when first used: see `_LATER`
    from emkit import datasets, lab, plot, testing
    from emkit.accelerate.anderson import Anderson
    from emkit.accelerate.incremental import IncrementalEM
    from emkit.accelerate.quasi_newton import QuasiNewton
    from emkit.accelerate.squarem import Squarem
    from emkit.censoring import Censored
    from emkit.emissions.bernoulli import Bernoulli
    from emkit.emissions.categorical import Categorical
    from emkit.emissions.exponential import Exponential
    from emkit.emissions.gamma import Gamma
    from emkit.emissions.point_mass import PointMass
    from emkit.emissions.poisson import Poisson
    from emkit.emissions.product import Product
    from emkit.emissions.regression.linear import LinearRegression
    from emkit.emissions.regression.poisson import PoissonRegression
    from emkit.emissions.regression.tied import TiedLinearRegression
    from emkit.emissions.stacked import Stacked
    from emkit.emissions.student_t import StudentT
    from emkit.models.annotators.answers import Answers
    from emkit.models.annotators.dawid_skene import DawidSkene
    from emkit.models.censored.exponential import CensoredExponential
    from emkit.models.censored.normal import CensoredNormal
    from emkit.models.factors.factor_analysis import FactorAnalysis
    from emkit.models.factors.probabilistic_pca import ProbabilisticPCA
    from emkit.models.genetics.allele_frequencies import AlleleFrequencies
    from emkit.models.genetics.linkage import Linkage
    from emkit.models.markov.hidden_markov import HiddenMarkov
    from emkit.models.markov.stationary_markov import StationaryHiddenMarkov
    from emkit.models.state_space.linear_gaussian import LinearGaussianStateSpace
    from emkit.models.variants.annealed import Annealed
    from emkit.models.variants.classification import Classification
    from emkit.models.variants.stochastic import Stochastic
    from emkit.online import OnlineEM
    from emkit.priors.beta import BetaPrior
    from emkit.priors.gamma import GammaPrior
    from emkit.priors.normal_inverse import NormalInverseGamma, NormalInverseWishart
    from emkit.priors.shape_rate import ShapeRatePrior
    from emkit.restarts import Restarts, best_of
    from emkit.sample_covariance import SampleCovariance

__all__ = [
    "EM",
    "Algorithm",
    "AlleleFrequencies",
    "Anderson",
    "Annealed",
    "Answers",
    "Array",
    "Bernoulli",
    "BetaPrior",
    "Categorical",
    "Censored",
    "CensoredExponential",
    "CensoredNormal",
    "Classification",
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
    "IncrementalEM",
    "LatentVariableModel",
    "LinearGaussianStateSpace",
    "LinearRegression",
    "Linkage",
    "Mixture",
    "ModelError",
    "NormalInverseGamma",
    "NormalInverseWishart",
    "OnlineEM",
    "Outcome",
    "ParameterError",
    "Point",
    "PointMass",
    "Poisson",
    "PoissonRegression",
    "ProbabilisticPCA",
    "Product",
    "QuasiNewton",
    "Restarts",
    "Ridge",
    "SampleCovariance",
    "ShapeRatePrior",
    "SphericalGaussian",
    "Squarem",
    "Stacked",
    "StationaryHiddenMarkov",
    "Statistics",
    "Step",
    "Stochastic",
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
    "lab",
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

_ROOMS = ("datasets", "lab", "plot", "testing")
"""Rooms that are loaded when first used."""

_LATER = {
    "AlleleFrequencies": "emkit.models.genetics.allele_frequencies",
    "Anderson": "emkit.accelerate.anderson",
    "Annealed": "emkit.models.variants.annealed",
    "Answers": "emkit.models.annotators.answers",
    "Bernoulli": "emkit.emissions.bernoulli",
    "BetaPrior": "emkit.priors.beta",
    "Categorical": "emkit.emissions.categorical",
    "Censored": "emkit.censoring",
    "CensoredExponential": "emkit.models.censored.exponential",
    "CensoredNormal": "emkit.models.censored.normal",
    "Classification": "emkit.models.variants.classification",
    "DawidSkene": "emkit.models.annotators.dawid_skene",
    "Exponential": "emkit.emissions.exponential",
    "FactorAnalysis": "emkit.models.factors.factor_analysis",
    "Gamma": "emkit.emissions.gamma",
    "GammaPrior": "emkit.priors.gamma",
    "HiddenMarkov": "emkit.models.markov.hidden_markov",
    "IncrementalEM": "emkit.accelerate.incremental",
    "LinearGaussianStateSpace": "emkit.models.state_space.linear_gaussian",
    "LinearRegression": "emkit.emissions.regression.linear",
    "Linkage": "emkit.models.genetics.linkage",
    "NormalInverseGamma": "emkit.priors.normal_inverse",
    "NormalInverseWishart": "emkit.priors.normal_inverse",
    "OnlineEM": "emkit.online",
    "PointMass": "emkit.emissions.point_mass",
    "Poisson": "emkit.emissions.poisson",
    "PoissonRegression": "emkit.emissions.regression.poisson",
    "ProbabilisticPCA": "emkit.models.factors.probabilistic_pca",
    "Product": "emkit.emissions.product",
    "QuasiNewton": "emkit.accelerate.quasi_newton",
    "Restarts": "emkit.restarts",
    "SampleCovariance": "emkit.sample_covariance",
    "ShapeRatePrior": "emkit.priors.shape_rate",
    "Squarem": "emkit.accelerate.squarem",
    "Stacked": "emkit.emissions.stacked",
    "StationaryHiddenMarkov": "emkit.models.markov.stationary_markov",
    "Stochastic": "emkit.models.variants.stochastic",
    "StudentT": "emkit.emissions.student_t",
    "TiedLinearRegression": "emkit.emissions.regression.tied",
    "best_of": "emkit.restarts",
}
"""What is loaded when first used, and from where: a fit needs few of the models and distributions there are."""


if not TYPE_CHECKING:  # to whom every name would be one of ours then

    def __getattr__(name: str) -> Any:
        """Load what is loaded when first used."""
        if name in _ROOMS:
            return import_module(f"emkit.{name}")
        if name not in _LATER:
            raise AttributeError(f"module 'emkit' has no attribute {name!r}")
        found = getattr(import_module(_LATER[name]), name)
        globals()[name] = found  # from here on, without this function
        return found


def __dir__() -> list[str]:
    """Name what there is, loaded or not."""
    return sorted({*globals(), *__all__})
