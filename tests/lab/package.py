"""Every model of the package where a fit of real or simulated data begins."""

from typing import Any

import numpy as np

import emkit
from emkit import (
    Answers,
    Censored,
    CensoredExponential,
    CensoredNormal,
    DawidSkene,
    DiagonalGaussian,
    Dirichlet,
    FactorAnalysis,
    FullGaussian,
    GaussianMixture,
    HiddenMarkov,
    Incomplete,
    LinearGaussianStateSpace,
    Mixture,
    NormalInverseWishart,
    Poisson,
    ProbabilisticPCA,
    SampleCovariance,
    SphericalGaussian,
    StationaryHiddenMarkov,
    TiedGaussian,
    Weighted,
)
from tests.zoo import EMISSIONS, rows

FAITHFUL = emkit.datasets.faithful().data
IRIS = emkit.datasets.iris().data
QUAKES = [emkit.datasets.earthquakes().data[:, 1:]]
AIR = Incomplete(emkit.datasets.airquality().data)
NILE = emkit.datasets.nile().data[:, 1:]
ANSWERS = Answers(*(emkit.datasets.anaesthetists().data.T - 1))
PEOPLE = Weighted(np.arange(4), [186.0, 38.0, 13.0, 284.0])
ANIMALS = Weighted(np.arange(4), [125.0, 18.0, 20.0, 34.0])
WEEKS = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
REMISSION = Censored.right(WEEKS, np.arange(21) < 9)
GAPS = NILE.copy()
GAPS[20:40] = np.nan
LEVEL = LinearGaussianStateSpace(
    [1000.0],
    [[1e4]],
    [[1.0]],
    [[1500.0]],
    [[1.0]],
    [[1e4]],
    fixed={"initial_mean", "initial_covariance", "observation"},
)
CONJUGATE = NormalInverseWishart([3.5, 71.0], 0.5, 6.0, [[1.0, 5.0], [5.0, 100.0]])

MODELS: dict[str, tuple[Any, Any]] = {
    "full Gaussians": (GaussianMixture.start(FAITHFUL, 2, rng=0), FAITHFUL),
    "tied Gaussians": (GaussianMixture.start(IRIS[:, :2], 3, rng=0, emissions=TiedGaussian), IRIS[:, :2]),
    "diagonal Gaussians": (GaussianMixture.start(IRIS, 3, rng=0, emissions=DiagonalGaussian), IRIS),
    "spherical Gaussians": (GaussianMixture.start(IRIS, 3, rng=0, emissions=SphericalGaussian), IRIS),
    "Gaussians, priors, weights": (
        GaussianMixture.start(FAITHFUL, 2, rng=1, prior=CONJUGATE, weights_prior=Dirichlet([2.0, 3.0])),
        Weighted(FAITHFUL, np.linspace(0.0, 2.0, len(FAITHFUL))),
    ),
    "full Gaussians, missing cells": (GaussianMixture.start(AIR, 2, rng=0), AIR),
    "tied Gaussians, missing cells": (GaussianMixture.start(AIR, 2, rng=0, emissions=TiedGaussian), AIR),
    "diagonal Gaussians, missing cells": (GaussianMixture.start(AIR, 2, rng=0, emissions=DiagonalGaussian), AIR),
    "spherical Gaussians, missing cells": (GaussianMixture.start(AIR, 2, rng=0, emissions=SphericalGaussian), AIR),
    "hidden Markov": (HiddenMarkov.start(QUAKES, 2, emissions=Poisson, rng=0), QUAKES),
    "hidden Markov, Gaussians": (
        HiddenMarkov.start([FAITHFUL[:90], FAITHFUL[90:]], 2, emissions=FullGaussian, rng=0),
        [FAITHFUL[:90], FAITHFUL[90:]],
    ),
    "stationary hidden Markov": (StationaryHiddenMarkov.start(QUAKES, 2, emissions=Poisson, rng=0), QUAKES),
    "state space": (LEVEL, [NILE]),
    "state space, missing steps": (LEVEL, [Incomplete(GAPS)]),
    "factor analysis": (FactorAnalysis.start(IRIS, 1), IRIS),
    "factor analysis, missing cells": (FactorAnalysis.start(AIR, 1), AIR),
    "factor analysis of a covariance": (
        FactorAnalysis.start(_COVARIANCE := SampleCovariance(np.cov(IRIS.T), 150), 1),
        _COVARIANCE,
    ),
    "probabilistic PCA": (ProbabilisticPCA.start(IRIS, 2), IRIS),
    "Dawid and Skene": (DawidSkene.start(ANSWERS), ANSWERS),
    "censored normal": (CensoredNormal(2.0, [], 1.0), Censored.right(np.log(WEEKS), np.arange(21) < 9)),
    "censored exponential": (CensoredExponential(0.1), REMISSION),
    "allele frequencies": (emkit.AlleleFrequencies.start(PEOPLE), PEOPLE),
    "linkage": (emkit.Linkage(0.5), ANIMALS),
}
"""The structures."""

MODELS |= {
    f"mixture of {name}": (Mixture([0.4, 0.6], emissions), rows(emissions, 60)) for name, emissions in EMISSIONS.items()
}

CLASSES = {
    cls for cls in map(emkit.__dict__.get, emkit.__all__) if isinstance(cls, type) and hasattr(cls, "e_step")
} - {emkit.LatentVariableModel}
