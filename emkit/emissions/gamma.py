"""Gamma emissions: positive numbers in independent columns, with shapes and rates."""

from collections.abc import Iterator
from typing import Any, ClassVar, Self, final

import numpy as np
import numpy.typing as npt

from emkit.arrays import EPS, ROUNDING_WIDTH, TINY, Array, average, first_index
from emkit.declarations import ParameterError, fixed, positive
from emkit.emissions import textbook
from emkit.emissions.columns import Columns
from emkit.emissions.edges import coincident, unlearnt
from emkit.emissions.gamma_moments import GammaMoments, excess
from emkit.entries import POSITIVE, Entries, cells
from emkit.gamma_function import inverse_digamma, log_normaliser, solve_log_less_digamma
from emkit.model import Complaint
from emkit.moments import OVERFLOWS
from emkit.priors.conjugate import optional_prior
from emkit.priors.shape_rate import ShapeRatePrior
from emkit.starts import features_of
from emkit.values import update, value

NARROWEST = 1e-3
"""No state of a start has a gap, about half its squared relative width, below this share of the whole column's."""


@final
@value
class Gamma(Columns):
    """Positive numbers x (N, D), independent given the state: p(x_d | k) = b^a x^(a-1) exp(-b x) / Γ(a), a and b of kd.

    Args:
        shapes: (K, D) a, positive.
        rates: (K, D) b, positive, in inverse units of the data.
        prior: `ShapeRatePrior` of every pair, or None for maximum likelihood.
        fixed: "shapes", "rates" or both, to hold them.

    Data are numbers above zero, (N, D), or `Incomplete`: missing cells are left out. A state that comes to see equal
    numbers only has an unbounded likelihood, which is the outcome `degenerate`; a prior prevents it.
    Reference: T. P. Minka (2002), Estimating a gamma distribution.
    """

    shapes: Array = positive("K", "D")  # a
    rates: Array = positive("K", "D")  # b
    prior: ShapeRatePrior | None = optional_prior(ShapeRatePrior)
    fixed: frozenset[str] = fixed()

    entries: ClassVar[Entries] = POSITIVE

    @classmethod
    def features(cls, x: Any) -> Array:
        """Return logarithms, (N, D): their spread does not depend on the scale."""
        return np.log(features_of(x))

    @classmethod
    def around(cls, x: Any, posterior: Array, *, prior: ShapeRatePrior | None = None) -> Self:
        """Return the M-step's shapes and rates given data (N, D) and posterior (N, K); none is much narrower than all.

        Raises:
            ValueError: a constant column, where no shape is large enough.
        """
        n_states = posterior.shape[1]
        whole = GammaMoments.of(x, posterior.sum(axis=1, keepdims=True))  # of (1, D)
        if prior is None and (whole.gap == 0).any():
            d = int(np.argmin(whole.gap[0]))
            raise ValueError(f"data: column {d} is constant ({whole.mean[0, d]:.6g}); drop the column, or give a prior")
        floor = NARROWEST * whole.gap / whole.weight  # (1, D)
        found = GammaMoments.of(x, posterior)
        wide = GammaMoments(found.weight, found.mean, np.maximum(found.gap, floor * found.weight))
        same = np.ones_like(found.weight)
        together = cls(same[:1], same[:1], prior).m_step(whole)
        seed = cls(np.tile(together.shapes, (n_states, 1)), np.tile(together.rates, (n_states, 1)), prior)
        return seed.m_step(wide)

    @property
    def means(self) -> Array:
        """The means a / b, (K, D)."""
        return self.shapes / self.rates

    def log_density(self, x: Any) -> Array:
        """Return log p(x_n | k) of the cells seen, (N, K), nats.

        About the mean, so that neither scale nor large shapes cost a digit:
        log p = a log a - a - log Γ(a) - a (x / m - 1 - log(x / m)) - log x, with m = a / b.
        """
        values, seen = cells(x, missing=1.0)
        densities = seen @ log_normaliser(self.shapes).T - np.log(values).sum(axis=1)[:, None]  # (N, K)
        for k, (shape, mean) in enumerate(zip(self.shapes, self.means, strict=True)):
            densities[:, k] -= (excess(values, mean) * seen) @ shape
        return densities

    def statistics(self, x: Any, posterior: Array) -> GammaMoments:
        """Return weight, mean and gap of what each state saw, given posterior (N, K)."""
        return GammaMoments.of(x, posterior)

    @OVERFLOWS
    def m_step(self, statistics: GammaMoments) -> Self:
        """Return rates a / mean and the shapes at which log a - ψ(a) is the mean gap. Reference: Minka (2002), eq. 6.

        Raises:
            ParameterError: a state sees equal numbers only, and its shape is unbounded.
        """
        total = statistics if self.prior is None else statistics + self._pseudo(self.prior)
        some = total.weight > 0  # (K, D)
        mean = np.where(some, total.mean, 1.0)
        gap = average(total.gap, total.weight, otherwise=np.ones_like(mean))  # log mean - mean log
        if "shapes" in self.fixed:
            shapes = self.shapes
        elif "rates" in self.fixed:
            shapes = inverse_digamma(np.log(self.rates) + np.log(mean) - gap)
        else:
            _check_spread(gap, mean)
            shapes = solve_log_less_digamma(gap)
        rates = shapes / mean
        return update(self, shapes=np.where(some, shapes, self.shapes), rates=np.where(some, rates, self.rates))

    def expected_log_density(self, statistics: GammaMoments) -> float:
        """Return Σ log p over the numbers shared out, nats, without -log x, which no parameter enters."""
        peak = statistics.weight * log_normaliser(self.shapes)
        return float((peak - self.shapes * statistics.gap_about(self.means)).sum())

    def log_prior(self) -> float:
        """Return the log prior density of shapes and rates, nats, up to a constant; 0 without a prior."""
        return 0.0 if self.prior is None else self.expected_log_density(self._pseudo(self.prior))

    def conditioning(self) -> float:
        """Return eps Σ_d (√a + |log m|) of the worst state, nats per row: what rounding of x / m moves."""
        return EPS * float((np.sqrt(self.shapes) + np.abs(np.log(self.means))).sum(axis=1).max())

    def complaints(self, statistics: GammaMoments) -> list[Complaint]:
        """Return which states coincide, or are so narrow that their width is rounding of their place.

        Without a prior, also which columns are never observed.
        """
        narrow = [
            (f"component {k}", f"collapsed in column {d}: shape {self.shapes[k, d]:.3g} at mean {self.means[k, d]:.6g}")
            for k, d in np.argwhere(self.shapes > ROUNDING_WIDTH**-2)
        ]
        width = self.means / np.sqrt(np.maximum(self.shapes, 1.0))
        same = coincident((self.shapes, self.shapes), (self.means, width))
        return narrow + same + unlearnt(statistics.weight, self.prior)

    def sample(self, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
        """Draw one row for each state (N,); returns (N, D), above zero also where tiny shapes underflow."""
        return np.maximum(rng.gamma(self.shapes[states], 1 / self.rates[states]), TINY)

    def complete(self, row: Any) -> Iterator[tuple[float, GammaMoments]]:
        """Yield the log density of one row and its complete-data moments, for each state."""
        for k, values, log_density in textbook.by_state(row, textbook.gamma, self.shapes, self.rates):
            yield log_density, GammaMoments.one(values, k, len(self.shapes))

    def _pseudo(self, prior: ShapeRatePrior) -> GammaMoments:
        """Return what the prior counts as."""
        weight = np.full(self.shapes.shape, prior.weight)
        return GammaMoments(weight, np.tile(prior.mean, (len(weight), 1)), weight * prior.gap)


def _check_spread(gap: Array, mean: Array) -> None:
    """Refuse states without any spread, by name."""
    if (gap > 0).all():
        return
    k, d = first_index(~(gap > 0))
    raise ParameterError(
        f"Gamma.shapes[{k}, {d}] is unbounded: all that component {k} sees in column {d} is {mean[k, d]:.6g}; "
        "ask for fewer components, hold the shapes, or give a prior"
    )
