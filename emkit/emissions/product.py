"""Product emissions: blocks of columns, independent given the state, each with emissions of its own."""

from collections.abc import Callable, Iterator
from typing import Any, Self, final

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.data import check_features
from emkit.declarations import ParameterError, fixed, parts
from emkit.emissions import asking
from emkit.emissions.parts import PartStatistics
from emkit.emissions.protocol import Family, HasExpectedLogDensity, SamplesGivenStates
from emkit.emissions.starting import check_family, made
from emkit.entries import REAL, as_entries
from emkit.incomplete import Incomplete
from emkit.model import Complaint
from emkit.values import axis_size, update, value

Columns = tuple[int, ...]


@final
@value
class Product:
    """Mixed data x (N, D): p(x | k) = Π_b p_b(x of the columns of block b | k).

    Args:
        blocks: emissions of the same K states, one for each block.
        columns: the columns of each block; every column belongs to exactly one.
        fixed: {"blocks"} to hold all; a block holds its own parameters by its own `fixed`.

    `Product.of((DiagonalGaussian, [0, 1]), (Poisson, [2]))` is what a start takes. Missing cells are handled as each
    block does. Reference: McLachlan and Peel (2000), Finite Mixture Models, section 5.5.

    Raises (on construction):
        ParameterError: K differs between blocks, or the columns do not part 0 .. D - 1.
    """

    blocks: tuple[Any, ...] = parts("K")
    columns: tuple[Columns, ...]
    fixed: frozenset[str] = fixed()

    @staticmethod
    def of(*blocks: tuple[Any, ...]) -> "ProductFamily":
        """Return a recipe for a start: pairs of a family and its columns, with a dict of options where it needs one."""
        return ProductFamily(blocks)

    def __attrs_post_init__(self) -> None:
        """Refuse blocks that are not emissions, and columns that do not part 0 .. D - 1."""
        for i, block in enumerate(self.blocks):
            asking.check_is_emissions(f"blocks[{i}]", block)
        if len(self.columns) != len(self.blocks):
            raise ParameterError(f"Product: {len(self.blocks)} blocks but columns for {len(self.columns)}")
        _check_parted(self.columns)

    def prepare(self, x: Any) -> Any:
        """Return data as an (N, D) matrix, checked block by block, or raise with the entry at fault."""
        rows = _read(x, self.columns)
        for block, columns in zip(self.blocks, self.columns, strict=True):
            _within(columns, asking.prepare, block, take(rows, columns))
        return rows

    def accepts(self, wrapper: type) -> bool:
        """Accept missing cells; blocks that cannot have theirs seen or missing as a whole."""
        return wrapper is Incomplete

    def log_density(self, x: Any) -> Array:
        """Return Σ_b log p_b(x_n | k), (N, K), nats."""
        return np.sum([asking.log_density(block, mine) for block, mine in self._with_columns(x)], axis=0)

    def statistics(self, x: Any, posterior: Array) -> PartStatistics:
        """Return the statistics of every block, given posterior (N, K)."""
        return PartStatistics(tuple(asking.statistics(block, mine, posterior) for block, mine in self._with_columns(x)))

    def m_step(self, statistics: PartStatistics) -> Self:
        """Return the product of the blocks' M-steps: their parameters have nothing in common."""
        if "blocks" in self.fixed:
            return self
        steps = zip(self.columns, self._with_parts(statistics), strict=True)
        return update(self, blocks=[_within(columns, block.m_step, s) for columns, (block, s) in steps])

    def expected_log_density(self, statistics: PartStatistics) -> float:
        """Return the sum over blocks, nats."""
        return sum(
            asking.need(block, HasExpectedLogDensity, "expected_log_density").expected_log_density(s)
            for block, s in self._with_parts(statistics)
        )

    def latent_divergence(self, other: Self, x: Any) -> Array:
        """Return the sum over blocks, (N, K), nats: given the state, what is latent in them is independent."""
        shape, blocks = (len(x), axis_size(self, "K")), zip(self._with_columns(x), other.blocks, strict=True)
        moved = [asking.divergence_by_state(block, theirs, mine, shape) for (block, mine), theirs in blocks]
        return np.sum(moved, axis=0)

    def log_prior(self) -> float:
        """Return the sum over blocks, nats."""
        return sum(asking.log_prior(block) for block in self.blocks)

    def conditioning(self) -> float:
        """Return the sum over blocks, nats per row."""
        return sum(asking.conditioning(block) for block in self.blocks)

    def partial_m_step(self) -> bool:
        """Return whether the M-step of any block is partial."""
        return any(asking.partial_m_step(block) for block in self.blocks)

    def complaints(self, statistics: PartStatistics) -> list[Complaint]:
        """Return what the blocks complain of; columns are counted within each block."""
        return self._said(asking.complaints, statistics)

    def remarks(self, statistics: PartStatistics) -> list[Complaint]:
        """Return what the blocks remark on; columns are counted within each block."""
        return self._said(asking.remarks, statistics)

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row for each state (N,); returns (N, D)."""
        rows = np.empty((len(states), sum(map(len, self.columns))))
        for block, columns in zip(self.blocks, self.columns, strict=True):
            rows[:, columns] = asking.need(block, SamplesGivenStates, "sample").sample(states, rng)
        return rows

    def impute(self, x: Incomplete, posterior: Array) -> Array:
        """Return data (N, D) with missing cells as their block imputes them."""
        return self._fill(x, lambda block, mine: asking.impute(block, mine, posterior))

    def sample_missing(self, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return data (N, D) with missing cells drawn by their block, given the state of their row."""
        return self._fill(x, lambda block, mine: asking.sample_missing(block, mine, states, rng))

    def complete(self, row: Any) -> Iterator[tuple[float, PartStatistics]]:
        """Yield the log density of one row and its complete-data statistics, for each state."""
        for states in zip(*(asking.complete(block, mine) for block, mine in self._with_columns(row)), strict=True):
            yield sum(log_density for log_density, _ in states), PartStatistics(tuple(s for _, s in states))

    def _with_columns(self, x: Any) -> list[tuple[Any, Any]]:
        return [(block, take(x, columns)) for block, columns in zip(self.blocks, self.columns, strict=True)]

    def _with_parts(self, statistics: PartStatistics) -> list[tuple[Any, Any]]:
        return list(zip(self.blocks, statistics.parts, strict=True))

    def _said(self, ask: Callable[[Any, Any], list[Complaint]], statistics: PartStatistics) -> list[Complaint]:
        if "blocks" in self.fixed:
            return []
        return [
            (part, f"in the block of columns {list(columns)}, {why}")
            for (block, s), columns in zip(self._with_parts(statistics), self.columns, strict=True)
            for part, why in ask(block, s)
        ]

    def _fill(self, x: Incomplete, fill: Callable[[Any, Incomplete], Array]) -> Array:
        rows = x.data.copy()
        for columns, (block, mine) in zip(self.columns, self._with_columns(x), strict=True):
            if not mine.seen.all():
                rows[:, columns] = fill(block, mine)
        return rows


@final
@attrs.frozen
class ProductFamily:
    """A recipe for product emissions: what a start takes; made by `Product.of`."""

    blocks: tuple[tuple[Any, ...], ...]

    def __attrs_post_init__(self) -> None:
        """Refuse what are not pairs of a family and columns, or columns that do not part 0 .. D - 1."""
        for block in self.blocks:
            pair = isinstance(block, tuple) and len(block) in (2, 3)
            if not pair or not all(isinstance(options, dict) for options in block[2:]):
                raise TypeError(f"Product.of: expected pairs such as (emkit.Poisson, [0, 1]), found {block!r:.60}")
            check_family(block[0])
        _check_parted(tuple(block[1] for block in self.blocks))

    @property
    def columns(self) -> tuple[Columns, ...]:
        """The columns of each block."""
        return tuple(tuple(int(d) for d in block[1]) for block in self.blocks)

    @property
    def families(self) -> list[tuple[Family, Columns]]:
        """Every block's family and its columns."""
        return [(block[0], columns) for block, columns in zip(self.blocks, self.columns, strict=True)]

    def read(self, x: Any) -> Any:
        """Return data as an (N, D) matrix, checked block by block."""
        rows = _read(x, self.columns)
        for family, columns in self.families:
            _within(columns, family.read, take(rows, columns))
        return rows

    def features(self, x: Any) -> Array:
        """Return the features of all blocks, (N, F)."""
        blocks = [_within(columns, family.features, take(x, columns)) for family, columns in self.families]
        return np.concatenate(blocks, axis=1)

    def around(self, x: Any, posterior: Array) -> Product:
        """Return the product of what each family makes of its columns; options stand in the recipe."""
        blocks = [
            _within(columns, made, family, take(x, columns), posterior, block[2] if len(block) == 3 else {})
            for (family, columns), block in zip(self.families, self.blocks, strict=True)
        ]
        return Product(tuple(blocks), self.columns)


def take(x: Any, columns: Columns) -> Any:
    """Return some columns of a matrix or of `Incomplete` rows; neighbours without a copy."""
    chosen = list(columns)
    index = slice(chosen[0], chosen[-1] + 1) if chosen == list(range(chosen[0], chosen[-1] + 1)) else chosen
    return x.columns(index) if isinstance(x, Incomplete) else x[:, index]


def _check_parted(columns: tuple[Any, ...]) -> None:
    if not columns or any(np.ndim(block) != 1 or np.size(block) == 0 for block in columns):
        raise ParameterError(f"Product: expected a list of at least one column for each block, found {list(columns)}")
    together = [d for block in columns for d in block]
    check_features(together, len(together))


def _read(x: Any, columns: tuple[Columns, ...]) -> Any:
    return as_entries(x, REAL, features=sum(map(len, columns)))


def _within(columns: Columns, ask: Callable[..., Any], *args: Any) -> Any:
    """Ask something of the block of some columns; errors say which they are."""
    where = f" (counted within the block of columns {list(columns)})"
    try:
        return ask(*args)
    except ParameterError as error:
        raise ParameterError(f"{error}{where}", finite=error.finite) from error
    except (ValueError, TypeError) as error:
        raise type(error)(f"{error}{where}") from error
