"""Where a parameter may live: one small class per constraint.

Each constraint checks a value and maps it to free coordinates, an unconstrained vector, and back. A constraint
acts on the last axes of an array (a simplex on the last one, a positive definite matrix on the last two); axes
before them are repetitions. `like` is a valid value that tells the shape and which entries are structural zeros.
"""

from typing import Protocol, TypeAlias, final

import numpy as np
from scipy.special import expit, logit, softmax

from emkit.arrays import EPS, TINY, Array, first_index

Problem: TypeAlias = tuple[tuple[int, ...], str]
"""Where a value leaves its constraint (an index), and how."""

DEPENDENT = 1e-12
"""A column of which the others leave less than this share of variance unexplained is their combination."""

SUM_TOLERANCE = 1e-8
"""How far the entries of a simplex may be from summing to one."""


class Constraint(Protocol):
    """A set of allowed values, and free coordinates on it."""

    def problem(self, value: Array) -> Problem | None:
        """Return where a value leaves the set, or None."""
        ...

    def to_free(self, value: Array) -> Array:
        """Return the free coordinates of a value, a flat vector."""
        ...

    def from_free(self, free: Array, like: Array) -> Array:
        """Return the value at these free coordinates."""
        ...

    def free_size(self, like: Array) -> int:
        """Count the free coordinates."""
        ...

    def with_entry(self, value: Array, index: tuple[int, ...], entry: float) -> Array:
        """Return a value with one entry changed, and those that must follow it."""
        ...


def _set(value: Array, index: tuple[int, ...], entry: float) -> Array:
    changed = value.copy()
    changed[index] = entry
    return changed


def unexplained(factor: Array, variance: Array) -> Array:
    """Return the share of each column's variance that the other columns leave unexplained, 1 / (Σ_dd (Σ⁻¹)_dd).

    It says how far Σ is from singular whatever the units: Σ⁻¹ is known to about eps over its smallest entry.

    Args:
        factor: (..., D, D) lower Cholesky factor of Σ.
        variance: (..., D) the diagonal of Σ.
    """
    inverse = np.linalg.inv(factor / np.sqrt(variance)[..., :, None])  # (..., D, D), of the correlations' factor
    return 1 / np.square(inverse).sum(axis=-2)


def _is_singular(matrices: Array, variance: Array) -> bool:
    """Return whether any of some matrices (..., D, D) with diagonals (..., D) is singular, to rounding."""
    try:
        factor = np.asarray(np.linalg.cholesky(matrices), dtype=np.float64)
    except np.linalg.LinAlgError:
        return True
    least = 8 * matrices.shape[-1] * EPS
    share = np.square(np.diagonal(factor, axis1=-2, axis2=-1)) / variance  # (..., D) left by the columns before
    if share.prod(axis=-1).min() > least:  # the determinant of the correlations, below what others leave of any column
        return False
    return not unexplained(factor, variance).min() > least


def _first(bad: np.ndarray, value: Array, what: str) -> Problem | None:
    if not bad.any():
        return None
    index = first_index(bad)
    return index, f"is {value[index]:.6g}, {what}"


@final
class Real:
    """Any finite number."""

    def problem(self, value: Array) -> Problem | None:
        """Return None: finiteness is checked for every parameter alike."""
        return None

    def to_free(self, value: Array) -> Array:
        """Return the numbers themselves, flattened."""
        return value.ravel()

    def from_free(self, free: Array, like: Array) -> Array:
        """Return the coordinates in the shape of `like`."""
        return free.reshape(like.shape)

    def free_size(self, like: Array) -> int:
        """Count one coordinate per entry."""
        return like.size

    def with_entry(self, value: Array, index: tuple[int, ...], entry: float) -> Array:
        """Change one entry and nothing else."""
        return _set(value, index, entry)


@final
class Positive:
    """Numbers above zero; the free coordinate is the logarithm."""

    def problem(self, value: Array) -> Problem | None:
        """Find the first entry that is zero, negative, or too small to be held to full precision."""
        return _first(value < TINY, value, "expected a positive number")

    def to_free(self, value: Array) -> Array:
        """Take logarithms."""
        return np.log(value.ravel())

    def from_free(self, free: Array, like: Array) -> Array:
        """Take exponentials."""
        with np.errstate(over="ignore"):  # an infinite result is refused by the constructor, by name
            return np.exp(free).reshape(like.shape)

    def free_size(self, like: Array) -> int:
        """Count one coordinate per entry."""
        return like.size

    def with_entry(self, value: Array, index: tuple[int, ...], entry: float) -> Array:
        """Change one entry and nothing else."""
        return _set(value, index, entry)


@final
class Probability:
    """Numbers from 0 to 1, each on its own; the free coordinate is the log-odds.

    Entries that are exactly 0 or 1 are structure: they have no coordinate and stay.
    """

    def problem(self, value: Array) -> Problem | None:
        """Find the first entry outside [0, 1]."""
        return _first((value < 0) | (value > 1), value, "expected a probability from 0 to 1")

    def to_free(self, value: Array) -> Array:
        """Take the log-odds of the entries strictly between 0 and 1."""
        return logit(value[self._inside(value)])

    def from_free(self, free: Array, like: Array) -> Array:
        """Undo the log-odds; entries of `like` that are exactly 0 or 1 stay."""
        value = like.copy()
        value[self._inside(like)] = expit(free)
        return value

    def free_size(self, like: Array) -> int:
        """Count the entries strictly between 0 and 1."""
        return int(self._inside(like).sum())

    def with_entry(self, value: Array, index: tuple[int, ...], entry: float) -> Array:
        """Change one entry and nothing else."""
        return _set(value, index, entry)

    @staticmethod
    def _inside(value: Array) -> np.ndarray:
        return (value > 0) & (value < 1)


@final
class Simplex:
    """Nonnegative numbers that sum to one along the last axis.

    The free coordinates are log-ratios to the last nonzero entry. Entries that are exactly zero are structure:
    they have no coordinate and stay zero.
    """

    def problem(self, value: Array) -> Problem | None:
        """Find the first negative entry, or the first row that does not sum to one."""
        negative = _first(value < 0, value, "expected nonnegative numbers that sum to 1")
        if negative is not None:
            return negative
        total = np.asarray(value.sum(axis=-1))
        wrong = np.abs(total - 1) > SUM_TOLERANCE
        if not wrong.any():
            return None
        index = first_index(wrong)
        return index, f"sums to {total[index]:.10g}; expected 1"

    def to_free(self, value: Array) -> Array:
        """Take log-ratios to the last nonzero entry of each row."""
        rows = (row[row > 0] for row in value.reshape(-1, value.shape[-1]))
        return np.concatenate([np.log(row[:-1]) - np.log(row[-1]) for row in rows])

    def from_free(self, free: Array, like: Array) -> Array:
        """Undo the log-ratios with a softmax over the nonzero entries of each row of `like`."""
        value = np.zeros_like(like)
        start = 0
        for row, old in zip(value.reshape(-1, like.shape[-1]), like.reshape(-1, like.shape[-1]), strict=True):
            stop = start + int((old > 0).sum()) - 1
            row[old > 0] = softmax(np.append(free[start:stop], 0.0))
            start = stop
        return value

    def free_size(self, like: Array) -> int:
        """Count the nonzero entries, less one for each row."""
        return int((like > 0).sum()) - like.size // like.shape[-1]

    def with_entry(self, value: Array, index: tuple[int, ...], entry: float) -> Array:
        """Change one entry, and let the others of its row share what is left as they did."""
        changed = _set(value, index, 0.0)
        row = changed[index[:-1]]
        rest = row.sum()
        row *= (1 - entry) / rest if rest > 0 else 0.0
        changed[index] = entry
        return changed


@final
class PositiveDefinite:
    """Symmetric positive definite matrices on the last two axes.

    The free coordinates are, of the lower Cholesky factor L, the logarithms of its diagonal and the entries
    below the diagonal divided by the diagonal of their row: a change of a feature's units shifts one coordinate and
    leaves the others. Numerically singular matrices, those where the other columns leave no more of a column's variance
    unexplained than rounding does, are refused.
    """

    def problem(self, value: Array) -> Problem | None:
        """Find the first matrix that is not symmetric, or not positive definite beyond rounding."""
        if value.shape[-1] != value.shape[-2]:
            return (), f"has matrices of shape {value.shape[-2:]}, expected square ones"
        if self._fault(value) is None:  # of all together, which is quick
            return None
        for index in np.ndindex(value.shape[:-2]):
            text = self._fault(value[index])
            if text is not None:
                return index, text
        return None

    @staticmethod
    def _fault(matrices: Array) -> str | None:
        """Return what is wrong with a matrix, or with any of some (..., D, D)."""
        variance = np.diagonal(matrices, axis1=-2, axis2=-1)  # (..., D)
        if (variance < TINY).any():
            column = int(np.argmax(variance < TINY))
            return f"has variance {variance.flat[column]:.6g} in column {column}, expected a positive number"
        skew = matrices - matrices.swapaxes(-1, -2)
        if skew.any():
            scale = np.sqrt(variance)
            if (np.abs(skew) > 1e-8 * scale[..., :, None] * scale[..., None, :]).any():
                return "is not symmetric; expected a covariance matrix"
        if not _is_singular(matrices, variance):
            return None
        return (
            f"is not positive definite: with D = {matrices.shape[-1]} columns, some column is a linear combination of "
            "the others, to rounding"
        )

    def to_free(self, value: Array) -> Array:
        """Take the logarithms of the Cholesky diagonals, and the rest divided by its row's diagonal."""
        factor = np.linalg.cholesky(value)  # (..., D, D)
        diagonal = np.diagonal(factor, axis1=-2, axis2=-1)  # (..., D)
        coordinates = factor / diagonal[..., :, None]
        width = value.shape[-1]
        coordinates[..., np.arange(width), np.arange(width)] = np.log(diagonal)
        return coordinates[..., *np.tril_indices(width)].ravel()

    def from_free(self, free: Array, like: Array) -> Array:
        """Rebuild each Cholesky factor and multiply it with its transpose."""
        width = like.shape[-1]
        factor = np.zeros_like(like)
        factor[..., *np.tril_indices(width)] = free.reshape(*like.shape[:-2], -1)
        with np.errstate(over="ignore", invalid="ignore"):  # the constructor refuses what overflows, by name
            diagonal = np.exp(np.diagonal(factor, axis1=-2, axis2=-1))
            factor[..., np.arange(width), np.arange(width)] = 1.0
            factor *= diagonal[..., :, None]
            return factor @ np.swapaxes(factor, -1, -2)

    def free_size(self, like: Array) -> int:
        """Count D (D + 1) / 2 coordinates for each matrix."""
        width = like.shape[-1]
        return like.size // (width * width) * (width * (width + 1) // 2)

    def with_entry(self, value: Array, index: tuple[int, ...], entry: float) -> Array:
        """Change one entry and the one across the diagonal."""
        return _set(_set(value, index, entry), (*index[:-2], index[-1], index[-2]), entry)
