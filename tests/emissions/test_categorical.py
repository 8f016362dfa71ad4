"""Categorical emissions, alone and in a mixture: latent class analysis."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import dirichlet

import emkit
from emkit import Array, Bernoulli, Categorical, Incomplete, Mixture, ParameterError, SymmetricDirichlet, Weighted
from emkit.testing import conformance

SHARES = np.array([[[0.7, 0.2, 0.1], [0.5, 0.5, 0.0]], [[0.1, 0.3, 0.6], [0.2, 0.8, 0.0]]])  # the second is binary
MODEL = Mixture([0.4, 0.6], Categorical(SHARES))


def labels(n: int = 60) -> Array:
    x: Array = MODEL.sample(n, 3)
    return x


def with_holes(n: int = 60) -> Incomplete:
    rng = np.random.default_rng(4)
    return Incomplete(np.where(rng.random((n, 2)) < 0.3, np.nan, labels(n)))


PRIOR = SymmetricDirichlet(1.5)
TestPlain = conformance(MODEL, labels(), examples=3)
TestWeighted = conformance(MODEL, Weighted(labels(), np.linspace(0.5, 2, 60)), examples=3)
TestPrior = conformance(Mixture([0.4, 0.6], Categorical(SHARES, PRIOR)), labels(), examples=3)
TestIncomplete = conformance(MODEL, with_holes(), examples=3)
TestHeld = conformance(Mixture([0.4, 0.6], Categorical(SHARES, fixed="probabilities")), labels(), examples=3)


def test_two_categories_are_bernoulli() -> None:
    """A categorical item with two answers has the density of a Bernoulli one, missing cells included."""
    ones = np.array([[0.8, 0.3, 0.0], [0.2, 1.0, 0.5]])
    rng = np.random.default_rng(0)
    x = Incomplete(np.where(rng.random((30, 3)) < 0.2, np.nan, rng.integers(0, 2, (30, 3))))
    found = Categorical(np.stack([1 - ones, ones], axis=2)).log_density(x)
    assert_allclose(found, Bernoulli(ones).log_density(x), rtol=1e-12)


def test_prior_is_a_dirichlet_density() -> None:
    """The log prior is scipy's Dirichlet density over the categories a column has, up to a constant."""
    other = np.array([[0.2, 0.3, 0.5], [0.9, 0.1, 0.0]])[None]
    found = Categorical(SHARES[:1], PRIOR).log_prior() - Categorical(other, PRIOR).log_prior()
    three, two = np.full(3, 1.5), np.full(2, 1.5)
    expected = sum(
        sign * (dirichlet.logpdf(p[0, 0], three) + dirichlet.logpdf(p[0, 1, :2], two))
        for sign, p in ((1, SHARES[:1]), (-1, other))
    )
    assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("bad", [-1.0, 3.0, 0.5])
def test_labels_outside_the_range_are_refused(bad: float) -> None:
    """A label that is no category is refused with its row and column, and the range is said."""
    x = labels()
    x[7, 1] = bad
    with pytest.raises(ValueError, match=rf"row 7, column 1 is {bad:g}; expected a label, a whole number from 0 to 2"):
        emkit.fit(MODEL, x)


def test_a_start_knows_the_categories_of_each_column() -> None:
    """A start gives every category that a column has a chance in each component, and the others none."""
    model: Mixture[Categorical] = Mixture.start(labels(), 2, emissions=Categorical, rng=0)
    found = model.emissions.probabilities
    assert found.shape == (2, 2, 3)
    assert (found[:, 0] > 0).all()
    assert (found[:, 1, :2] > 0).all()
    assert (found[:, 1, 2] == 0).all()
    assert emkit.n_free_parameters(model) == 1 + 2 * (2 + 1)
    wide: Mixture[Categorical] = Mixture.start(labels(), 2, emissions=Categorical, rng=0, categories=4)
    assert (wide.emissions.probabilities > 0).all()
    with pytest.raises(ValueError, match="categories: expected more than the largest label, 2, found 2"):
        Mixture.start(labels(), 2, emissions=Categorical, rng=0, categories=2)


def test_a_column_never_observed_is_named() -> None:
    """A start refuses a column without any observation, by name."""
    x = labels()
    x[:, 1] = np.nan
    with pytest.raises(ValueError, match="column 1 is never observed"):
        Mixture.start(Incomplete(x), 2, emissions=Categorical, rng=0)


def test_one_category_is_refused() -> None:
    """Categories are at least two."""
    with pytest.raises(ParameterError, match="at least two categories"):
        Categorical([[[1.0]]])


def test_a_missing_label_is_imputed_by_the_most_probable() -> None:
    """A missing label is imputed by the mode of its distribution given the others, and drawn from it."""
    x = Incomplete([[np.nan, 1.0]] * 20000)
    expected = MODEL.posterior(x)[0] @ SHARES[:, 0]  # (C,)
    assert MODEL.impute(x)[0].tolist() == [int(np.argmax(expected)), 1.0]
    drawn = np.bincount(MODEL.sample_missing(x, 0)[:, 0].astype(int), minlength=3) / 20000
    assert_allclose(drawn, expected, atol=0.02)
