"""Product emissions: mixed columns."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import emkit
from emkit import (
    Array,
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Exponential,
    FullGaussian,
    Incomplete,
    Mixture,
    ParameterError,
    Poisson,
    Product,
    Weighted,
)
from emkit.testing import conformance

NORMAL = FullGaussian([[0.0, 1.0], [3.0, -1.0]], [[[1.0, 0.3], [0.3, 0.5]], [[0.6, -0.2], [-0.2, 1.5]]])
COUNTS = Poisson([[2.0], [6.0]])
LABELS = Categorical([[[0.6, 0.3, 0.1]], [[0.2, 0.2, 0.6]]])
MIXED = Product((NORMAL, COUNTS, LABELS), ((3, 0), (1,), (2,)))
MODEL = Mixture([0.4, 0.6], MIXED)


def rows(n: int = 50) -> Array:
    x: Array = MODEL.sample(n, 3)
    return x


TestPlain = conformance(MODEL, rows(), examples=3)
TestWeighted = conformance(MODEL, Weighted(rows(), np.linspace(0.5, 2, 50)), examples=3)
TestHeld = conformance(
    Mixture([0.4, 0.6], emkit.replace(MIXED, blocks=(NORMAL, emkit.replace(COUNTS, fixed="rates"), LABELS))),
    rows(),
    examples=3,
)
TestAllHeld = conformance(Mixture([0.4, 0.6], emkit.replace(MIXED, fixed="blocks")), rows(), examples=3)


def test_the_density_is_the_product_of_those_of_the_blocks() -> None:
    """Log densities add up over blocks, each of its own columns in their own order."""
    x = rows()
    expected = NORMAL.log_density(x[:, [3, 0]]) + COUNTS.log_density(x[:, [1]]) + LABELS.log_density(x[:, [2]])
    assert_allclose(MIXED.log_density(x), expected, rtol=1e-12)


def test_a_product_of_columns_is_diagonal() -> None:
    """A fit of a product of one-dimensional Gaussians is that of one diagonal Gaussian, iterate by iterate."""
    x = emkit.datasets.faithful().data
    start = Mixture([0.3, 0.7], DiagonalGaussian([[2.0, 50.0], [4.0, 80.0]], [[1.0, 100.0], [1.0, 100.0]]))
    blocks = [DiagonalGaussian(start.emissions.means[:, [d]], start.emissions.variances[:, [d]]) for d in range(2)]
    parted = Mixture([0.3, 0.7], Product(tuple(blocks), ((0,), (1,))))
    whole, pieces = emkit.fit(start, x), emkit.fit(parted, x)
    assert_allclose(pieces.trace, whole.trace, rtol=1e-12)
    found = np.concatenate([block.means for block in pieces.model.emissions.blocks], axis=1)
    assert_allclose(found, whole.model.emissions.means, rtol=1e-8)


def test_missing_counts_and_labels_marginalise() -> None:
    """A row with a missing cell has the density of the blocks that are seen."""
    two = Product((COUNTS, LABELS), ((0,), (1,)))
    x = Incomplete([[np.nan, 2.0], [4.0, np.nan], [np.nan, np.nan]])
    expected = [LABELS.log_density(np.array([[2.0]]))[0], COUNTS.log_density(np.array([[4.0]]))[0], [0.0, 0.0]]
    assert_allclose(two.log_density(x), expected, rtol=1e-12)
    filled = Mixture([0.4, 0.6], two).impute(x)
    assert not np.isnan(filled).any()
    assert (filled[0, 1], filled[1, 0]) == (2.0, 4.0)


TWO = Product((COUNTS, LABELS), ((0,), (1,)))
HOLES = np.where(np.random.default_rng(4).random((50, 2)) < 0.3, np.nan, rows()[:, [1, 2]])
TestIncomplete = conformance(Mixture([0.4, 0.6], TWO), Incomplete(HOLES), examples=3)


def test_a_start_takes_a_recipe() -> None:
    """A recipe of families, columns and options starts a mixture that a fit improves."""
    x = rows(200)
    recipe = Product.of((FullGaussian, [3, 0], {"prior": None}), (Poisson, [1]), (Categorical, [2]))
    start: Mixture[Product] = Mixture.start(x, 2, emissions=recipe, rng=0)
    assert [type(block) for block in start.emissions.blocks] == [FullGaussian, Poisson, Categorical]
    assert start.emissions.blocks[0].prior is None
    fit = emkit.fit(start, x)
    assert fit.converged
    assert fit.log_likelihood > MODEL.log_marginal(x).sum()


def test_errors_name_the_block() -> None:
    """A bad entry is refused with its row and its place in the block."""
    x = rows()
    x[7, 1] = -1
    with pytest.raises(ValueError, match=r"row 7, column 0 is -1; .* \(counted within the block of columns \[1\]\)"):
        emkit.fit(MODEL, x)
    with pytest.raises(ValueError, match="expected 4 columns, found 3"):
        emkit.fit(MODEL, x[:, :3])


@pytest.mark.parametrize("second", [1.0, np.nan])
def test_starts_and_steps_name_the_block_too(second: float) -> None:
    """What a start, or an M-step, cannot take of a block is said with the columns of that block."""
    x = Incomplete(np.column_stack([np.arange(6) % 4, np.full(6, second)]))  # constant, or never observed
    with pytest.raises(ValueError, match=r"column 0 is .* \(counted within the block of columns \[1\]\)"):
        Mixture.start(x, 2, emissions=Product.of((Poisson, [0]), (FullGaussian, [1])), rng=0)
    unbounded = Product((Poisson([[1.0]]), Exponential([[1.0]])), ((0,), (1,)))
    fit = emkit.fit(Mixture([1.0], unbounded), np.zeros((4, 2)))
    assert fit.outcome == "degenerate"
    assert "counted within the block of columns [1]" in fit.message


@pytest.mark.parametrize(
    "blocks", [(), ((Poisson, 0),), ((Poisson, ["a"]),), ((Poisson, [0.7]),), ((Poisson, [0], 5),)]
)
def test_recipes_are_pairs_of_a_family_and_columns(blocks: Any) -> None:
    """A recipe without blocks, with columns that are no list of whole numbers, or odd options is refused."""
    with pytest.raises((TypeError, ValueError), match=r"column|pairs"):
        Product.of(*blocks)


@pytest.mark.parametrize("columns", [((0,), (0,)), ((0,), (2,)), ((0,),), ((0, 1), ())])
def test_columns_part_the_data(columns: tuple[tuple[int, ...], ...]) -> None:
    """Every column belongs to exactly one block."""
    with pytest.raises(ValueError, match="column"):
        Product((Poisson([[1.0]]), Bernoulli([[0.5]])), columns)


def test_blocks_have_the_same_states() -> None:
    """Blocks of different numbers of states are refused, and so is what is not emissions."""
    with pytest.raises(ParameterError, match="axis 'K'"):
        Product((Poisson([[1.0]]), Bernoulli([[0.5], [0.2]])), ((0,), (1,)))
    with pytest.raises(TypeError, match=r"blocks\[1\]: expected emissions"):
        Product((Poisson([[1.0]]), 3), ((0,), (1,)))


def test_held_blocks_need_no_maximum() -> None:
    """Copies of one row have no variance, which is no edge for blocks that are held."""
    held = Product((FullGaussian([[0.0, 0.0]], [np.eye(2)]),), ((0, 1),), fixed="blocks")
    learnt = held.statistics(np.ones((5, 2)), np.ones((5, 1)))
    assert held.m_step(learnt) is held
    assert held.complaints(learnt) == held.remarks(learnt) == []
