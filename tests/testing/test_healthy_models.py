"""Healthy models pass every law, whatever they are made of."""

import numpy as np

from emkit import Weighted
from emkit.testing import conformance
from tests.testing.healthy import COUNTS, FAR, NORMAL, NUMBERS, POISSON, YEARS, NormalMixture
from tests.testing.strangers import HEADS, Coins, HalfWay, RowsMixture, SummarisedPoisson

TestNormalMixture = conformance(NormalMixture(*NORMAL), NUMBERS)
TestNormalMixtureWithRidge = conformance(
    NormalMixture(*NORMAL, 2.0), Weighted(NUMBERS, np.linspace(0, 3, len(NUMBERS)))
)
TestRawMomentsFarFromZero = conformance(NormalMixture(*FAR), YEARS, examples=40)
TestPlainClass = conformance(Coins(np.array([0.2, 0.8])), HEADS)
TestStatisticsThatGrow = conformance(RowsMixture(np.array([2.0, 9.0])), COUNTS)
TestSummary = conformance(SummarisedPoisson(*POISSON), COUNTS)
TestPartialMStep = conformance(HalfWay(*POISSON), COUNTS)
