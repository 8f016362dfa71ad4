"""Slow problems: where EM takes hundreds of passes over the data to within a millionth of a nat of an optimum.

They were chosen, from the models and data that emkit has, before any accelerated algorithm was run on them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

import emkit
from emkit import (
    Array,
    Bernoulli,
    Categorical,
    Censored,
    CensoredNormal,
    DiagonalGaussian,
    FactorAnalysis,
    GaussianMixture,
    HiddenMarkov,
    Incomplete,
    LinearGaussianStateSpace,
    LinearRegression,
    Mixture,
    Poisson,
    SampleCovariance,
    StudentT,
    Weighted,
)

Case = tuple[Any, Any]
"""A model to start from, and data."""


def _overlapping(n: int, columns: int, components: int, apart: float, seed: int) -> Array:
    """Return rows (N, D) of round components whose means lie about so many deviations apart."""
    rng = np.random.default_rng(seed)
    means = apart / np.sqrt(2) * rng.normal(size=(components, columns))
    return np.asarray(means[rng.integers(components, size=n)] + rng.normal(size=(n, columns)))


def london_times() -> Case:
    """Deaths of women over eighty in The Times: two Poisson distributions that overlap."""
    days = [162.0, 267.0, 271.0, 185.0, 111.0, 61.0, 27.0, 8.0, 3.0, 1.0]
    return Mixture(np.array([0.3, 0.7]), Poisson(np.array([[1.0], [2.5]]))), Weighted(np.arange(10.0)[:, None], days)


def faithful_three() -> Case:
    """Old Faithful in three full components, one more than it shows."""
    x = emkit.datasets.faithful().data
    return GaussianMixture.start(x, 3, rng=0), x


def iris_three() -> Case:
    """Sepals of iris in three full components, of which two overlap."""
    x = emkit.datasets.iris().data[:, :2]
    return GaussianMixture.start(x, 3, rng=0), x


def overlapping_three() -> Case:
    """Three components a deviation apart."""
    x = _overlapping(5000, 2, 3, 1.0, seed=1)
    return GaussianMixture.start(x, 3, rng=1), x


def overlapping_eight() -> Case:
    """Eight components of four columns, two deviations apart."""
    x = _overlapping(5000, 4, 8, 2.0, seed=2)
    return GaussianMixture.start(x, 8, rng=2), x


def diagonal_six() -> Case:
    """Six diagonal components of three columns, two deviations apart."""
    x = _overlapping(4000, 3, 6, 2.0, seed=3)
    return GaussianMixture.start(x, 6, rng=3, emissions=DiagonalGaussian), x


def student_t() -> Case:
    """Two t distributions that overlap, with free degrees of freedom."""
    rng = np.random.default_rng(4)
    x = np.concatenate([rng.standard_t(4, (400, 2)), rng.standard_t(10, (300, 2)) + 1.2])
    return Mixture.start(x, 2, emissions=StudentT, rng=4), x


def third_missing() -> Case:
    """One normal distribution of six columns, with a third of all cells missing."""
    rng = np.random.default_rng(5)
    mix = rng.normal(size=(6, 6))
    x = rng.normal(size=(500, 6)) @ mix
    holes = Incomplete(np.where(rng.random(x.shape) < 0.33, np.nan, x))
    return GaussianMixture.start(holes, 1, rng=0), holes


def pathologists() -> Case:
    """Four latent classes of slides by seven pathologists, one more than they show."""
    x = emkit.datasets.carcinoma().data
    return Mixture.start(x, 4, emissions=Bernoulli, rng=0, how=emkit.starts.random_responsibilities), x


def five_classes() -> Case:
    """Latent classes of twelve items of three answers each, five classes that are not clear."""
    rng = np.random.default_rng(6)
    shares = rng.dirichlet(np.full(3, 2.0), size=(5, 12))
    classes = rng.integers(5, size=1500)
    x = np.array([[rng.choice(3, p=shares[k, d]) for d in range(12)] for k in classes], dtype=float)
    return Mixture.start(x, 5, emissions=Categorical, rng=6, how=emkit.starts.random_responsibilities), x


def psychological_tests() -> Case:
    """Five factors of twelve tests with strong uniquenesses."""
    rng = np.random.default_rng(7)
    loadings = rng.normal(size=(12, 4)) * np.array([1.0, 0.7, 0.5, 0.3])
    x = rng.normal(size=(300, 4)) @ loadings.T + rng.normal(size=(300, 12)) * rng.uniform(0.2, 1.5, 12)
    return FactorAnalysis.start(x, 4), x


def abilities() -> Case:
    """Two factors of six ability tests, from their published covariance matrix."""
    covariance = [
        [24.641, 5.991, 33.520, 6.023, 20.755, 29.701],
        [5.991, 6.700, 18.137, 1.782, 4.936, 7.204],
        [33.520, 18.137, 149.831, 19.424, 31.430, 50.753],
        [6.023, 1.782, 19.424, 12.711, 4.757, 9.075],
        [20.755, 4.936, 31.430, 4.757, 52.604, 66.762],
        [29.701, 7.204, 50.753, 9.075, 66.762, 135.292],
    ]
    table = SampleCovariance(covariance, 112, ddof=1)
    return FactorAnalysis.start(table, 2), table


def earthquakes_four() -> Case:
    """Major earthquakes of each year by a chain of four states."""
    x = [emkit.datasets.earthquakes().data[:, 1:]]
    return HiddenMarkov.start(x, 4, emissions=Poisson, rng=0), x


def nile() -> Case:
    """The level of the Nile: a random walk seen through noise, both variances to be learnt."""
    flow = emkit.datasets.nile().data[:, 1:]
    fixed = frozenset({"initial_mean", "initial_covariance", "transition", "observation"})
    one = np.array([[1.0]])
    model = LinearGaussianStateSpace(flow[0], 1e7 * one, one, 1000.0 * one, one, 10000.0 * one, fixed=fixed)
    return model, [flow]


def crossing_lines() -> Case:
    """Two regression lines that cross, with as much noise as slope."""
    rng = np.random.default_rng(11)
    z = rng.normal(size=600)
    y = np.where(rng.random(600) < 0.5, z, -0.5 * z) + rng.normal(size=600)
    x = np.column_stack([z, y])
    return Mixture.start(x, 2, emissions=LinearRegression, rng=11), x


def articles() -> Case:
    """Articles of PhD students by three Poisson distributions."""
    x = emkit.datasets.biochemists().data[:, :1]
    return Mixture.start(x, 3, emissions=Poisson, rng=0), x


def censored() -> Case:
    """Normal values of which nineteen of twenty are only known to lie above a limit."""
    rng = np.random.default_rng(9)
    z = rng.normal(size=(400, 2))
    y = 1.0 + z @ [0.5, -1.0] + rng.normal(size=400)
    limit = np.quantile(y, 0.05)
    data = Censored.right(np.minimum(y, limit), y <= limit, z)
    return CensoredNormal.start(data), data


CASES: dict[str, Callable[[], Case]] = {
    function.__name__: function
    for function in (
        london_times,
        faithful_three,
        iris_three,
        overlapping_three,
        overlapping_eight,
        diagonal_six,
        student_t,
        third_missing,
        pathologists,
        five_classes,
        psychological_tests,
        abilities,
        earthquakes_four,
        nile,
        crossing_lines,
        articles,
        censored,
    )
}
"""All of them, by name."""
