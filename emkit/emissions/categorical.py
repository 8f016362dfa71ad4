"""Categorical emissions: items with several answers, independent given the state."""

from collections.abc import Iterator
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from emkit.arrays import Array, draw_states
from emkit.declarations import ParameterError, fixed, simplex
from emkit.emissions.choices import log_probability, vanishing
from emkit.emissions.edges import coincident, unlearnt
from emkit.entries import Entries, as_entries
from emkit.incomplete import Incomplete
from emkit.model import Complaint
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import SymmetricDirichlet, log_prior_of, mode_of_shares
from emkit.starts import features_of
from emkit.statistics import Statistics
from emkit.values import update, value

LARGEST = 10_000
"""Labels beyond this are names or counts, not categories."""


@final
@value
class AnswerCounts(Statistics):
    """Expected number of answers, missing ones left out."""

    count: Array  # (K, D, C)


@final
@value
class Categorical:
    """Labels x (N, D) from 0 to C - 1, independent given the state: p(x_d = c | k) = p_kdc.

    Columns with fewer than C categories have probability zero for the others: zeros are structure and stay.

    Args:
        probabilities: (K, D, C) on the simplex along the last axis.
        prior: `SymmetricDirichlet` of every column's categories, or None for maximum likelihood.
        fixed: {"probabilities"} to hold them.

    Data are whole numbers, (N, D), or `Incomplete`: missing cells are left out.
    Reference: L. A. Goodman (1974), Exploratory latent structure analysis, Biometrika 61, 215-231.
    """

    probabilities: Array = simplex("K", "D", "C")
    prior: SymmetricDirichlet | None = optional_prior(SymmetricDirichlet)
    fixed: frozenset[str] = fixed()

    @classmethod
    def read(cls, x: Any) -> Any:
        """Return data as labels (N, D), or raise ValueError or TypeError with the entry at fault."""
        return as_entries(x, _labels(LARGEST))

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return an indicator of every column's categories, (N, F); a missing cell stands at its column's mean."""
        columns = x.data if isinstance(x, Incomplete) else x
        indicators = [
            np.where(np.isnan(column), np.nan, column == c) for column in columns.T for c in np.unique(column)[:-1]
        ]
        features_of(x)  # refuses a column that is never observed
        rows = np.stack(indicators, axis=1) if indicators else np.zeros((len(columns), 1))
        return features_of(Incomplete(rows))

    @classmethod
    def around(
        cls, x: Any, posterior: Array, *, prior: SymmetricDirichlet | None = None, categories: int | None = None
    ) -> Self:
        """Return probabilities given data (N, D) and posterior (N, K), with one average row added to each state.

        The row keeps the categories that a column has away from 0, which EM could not leave.

        Args:
            x: labels (N, D).
            posterior: (N, K), weights in it.
            prior: of every column's categories.
            categories: C, every one of which is possible in every column; None takes those that occur in a column.
        """
        columns = x.data if isinstance(x, Incomplete) else x
        largest = int(np.nanmax(columns))
        if categories is not None and largest >= categories:
            raise ValueError(f"categories: expected more than the largest label, {largest}, found {categories}")
        count = _count(columns, posterior, largest + 1 if categories is None else categories)  # (K, D, C)
        overall = count.sum(axis=0) + (0.0 if categories is None else 1 / categories)  # (D, C)
        share = overall / overall.sum(axis=1, keepdims=True)
        return cls((count + share) / (count.sum(axis=2, keepdims=True) + 1.0), prior)

    def __attrs_post_init__(self) -> None:
        """Refuse a single category, of which there is nothing to learn."""
        if self.probabilities.shape[2] < 2:
            raise ParameterError("Categorical.probabilities: expected at least two categories along the last axis")

    def prepare(self, x: Any) -> Any:
        """Return data as labels (N, D), or raise ValueError or TypeError with the entry at fault."""
        _, width, categories = self.probabilities.shape
        return as_entries(x, _labels(categories), features=width)

    def accepts(self, wrapper: type) -> bool:
        """Accept single missing cells."""
        return wrapper is Incomplete

    def log_density(self, x: Any) -> Array:
        """Return log p(x_n | k) of the cells seen, (N, K), nats."""
        labels = x.data if isinstance(x, Incomplete) else x
        categories = self.probabilities.shape[2]
        return log_probability(
            ((labels == c).astype(np.float64), self.probabilities[:, :, c]) for c in range(categories)
        )

    def statistics(self, x: Any, posterior: Array) -> AnswerCounts:
        """Return how often each state gave each answer, given posterior (N, K)."""
        labels = x.data if isinstance(x, Incomplete) else x
        return AnswerCounts(_count(labels, posterior, self.probabilities.shape[2]))

    def m_step(self, statistics: AnswerCounts) -> Self:
        """Return shares of the answers, with a prior those of the answers and α - 1 more of every category."""
        return update(self, probabilities=mode_of_shares(statistics.count, self.prior, otherwise=self.probabilities))

    def expected_log_density(self, statistics: AnswerCounts) -> float:
        """Return Σ n_kdc log p_kdc, nats."""
        return float(xlogy(statistics.count, self.probabilities).sum())

    def log_prior(self) -> float:
        """Return the log prior density of the probabilities, nats; 0 without a prior."""
        return log_prior_of(self.probabilities, self.prior)

    def complaints(self, statistics: AnswerCounts) -> list[Complaint]:
        """Return which states coincide and, without a prior, which columns are never observed."""
        return coincident((self.probabilities, self.probabilities)) + unlearnt(statistics.count.sum(axis=2), self.prior)

    def remarks(self, statistics: AnswerCounts) -> list[Complaint]:
        """Return which probabilities run to 0."""
        return vanishing(self.probabilities, "the probability")

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row of labels for each state (N,); returns (N, D)."""
        cumulative = np.cumsum(self.probabilities, axis=2)[states]  # (N, D, C)
        return draw_states(cumulative, rng.random(cumulative.shape[:2])).astype(np.float64)

    def impute(self, x: Incomplete, posterior: Array) -> Array:
        """Return labels (N, D), missing ones the most probable: labels have no mean."""
        mixed = np.einsum("nk,kdc->ndc", posterior, self.probabilities)
        return x.filled(mixed.argmax(axis=2).astype(np.float64))

    def sample_missing(self, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Return labels (N, D), missing ones drawn given the state of their row."""
        return x.filled(self.sample(states, rng))

    def complete(self, row: Any) -> Iterator[tuple[float, AnswerCounts]]:
        """Yield the log density of one row and its complete-data counts, for each state."""
        (labels,) = row.data if isinstance(row, Incomplete) else row
        for k, probabilities in enumerate(self.probabilities):
            count = np.zeros_like(self.probabilities)
            log_density = 0.0
            for d, label in enumerate(labels):
                if not np.isnan(label):
                    chance = probabilities[d, int(label)]
                    log_density += float(np.log(chance)) if chance > 0 else -np.inf
                    count[k, d, int(label)] = 1.0
            yield log_density, AnswerCounts(count)


def _labels(categories: int) -> Entries:
    return Entries(
        f"a label, a whole number from 0 to {categories - 1}",
        lambda x: (x >= 0) & (x == np.floor(x)) & (x < categories),
    )


def _count(labels: Array, posterior: Array, categories: int) -> Array:
    """Return how often each category was chosen, (K, D, C); nan chooses none."""
    return np.stack([posterior.T @ (labels == c).astype(np.float64) for c in range(categories)], axis=2)
