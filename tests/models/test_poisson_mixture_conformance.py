"""The Poisson mixture of the documentation, with every power, obeys every law."""

import numpy as np

from emkit import Weighted
from emkit.testing import conformance
from tests.testing.healthy import COUNTS, POISSON, Gamma, PoissonMixture

TestPoissonMixture = conformance(PoissonMixture(*POISSON), COUNTS)
TestPoissonMixtureOfIntegers = conformance(PoissonMixture(*POISSON), COUNTS.astype(int))
TestPoissonMixtureOfLists = conformance(PoissonMixture(*POISSON), COUNTS.tolist())
TestPoissonMixtureWithPrior = conformance(PoissonMixture(*POISSON, Gamma(3.0, 0.5)), COUNTS)
TestPoissonMixtureWeighted = conformance(PoissonMixture(*POISSON), Weighted(COUNTS, np.linspace(0, 3, len(COUNTS))))
TestPoissonMixtureOfThree = conformance(PoissonMixture(np.ones(3) / 3, np.array([1.0, 4.0, 10.0])), COUNTS)
