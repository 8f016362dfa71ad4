"""ABO blood groups: gene counting, a second model to read first.

A person has two genes, drawn independently: A with probability p, B with q, O with r. O does not show beside A or B:

    blood group   A       A       B       B       AB     O
    genotype      AA      AO      BB      BO      AB     OO
    probability   p²      2pr     q²      2qr     2pq    r²

Were genotypes seen, p, q and r would be shares of the genes. The E-step splits groups A and B as is to be expected and
counts genes; the M-step takes the shares.
"""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np

from emkit.arrays import TINY, Array, average
from emkit.declarations import ParameterError, fixed, simplex
from emkit.model import Complaint
from emkit.models.genetics.cells import Cells, ShareCounts
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import Dirichlet, check_possible, mode_of_shares
from emkit.statistics import Expectation
from emkit.values import replace, update, value

GENES = np.array([[2, 0, 0], [1, 0, 1], [0, 2, 0], [0, 1, 1], [1, 1, 0], [0, 0, 2]])
"""How many genes A, B and O are in the genotypes AA, AO, BB, BO, AB and OO, (6, 3)."""

ABSENT = 1e-6
"""A gene of a smaller frequency is told from an absent one by no sample of fewer than some million people."""


@value
class AlleleFrequencies(Cells):
    """Blood groups A, B, AB and O, in this order, by the frequencies of three genes; data are as for `Cells`.

    Args:
        frequencies: p, q and r, of the genes A, B and O, (3,) on the simplex; exact zeros stay zero.
        prior: a `Dirichlet` on them; None is maximum likelihood.
        fixed: "frequencies" to hold them.

    Reference: C. A. B. Smith (1957), Counting methods in genetical statistics, Annals of Human Genetics 21, 254-276.

    Raises (on construction):
        ParameterError: not three frequencies that sum to one, or some that are impossible under the prior.
    """

    frequencies: Array = simplex("K")
    prior: Dirichlet | None = optional_prior(Dirichlet)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse another number of genes, and frequencies that are impossible under the prior."""
        if len(self.frequencies) != 3:
            raise ParameterError(
                f"AlleleFrequencies.frequencies: expected those of A, B and O, found {len(self.frequencies)}"
            )
        check_possible("AlleleFrequencies.frequencies", self.frequencies, self.prior)

    @classmethod
    def start(cls, data: Any, prior: Dirichlet | None = None) -> Self:
        """Return the model at Bernstein's estimates, moved inside the simplex.

        p = 1 - √(B + O), q = 1 - √(A + O), r = √O, of the shares of the groups.
        Reference: F. Bernstein (1925), Zeitschrift für induktive Abstammungs- und Vererbungslehre 37, 237-270.
        """
        equal = cls(np.full(3, 1 / 3), prior)
        seen = equal.summary(equal.prepare(data))
        a, b, _, o = seen / max(seen.sum(), TINY)
        estimate = np.maximum([1 - np.sqrt(b + o), 1 - np.sqrt(a + o), np.sqrt(o)], 0.01)
        return replace(equal, frequencies=estimate / estimate.sum())

    def shares(self) -> Array:
        """Return p, q and r."""
        return self.frequencies

    def log_cells(self) -> Array:
        """Return the log probability of the blood groups A, B, AB and O, (4,), nats."""
        p, q, r = self.frequencies
        with np.errstate(divide="ignore"):
            log_p, log_q, log_r = np.log(self.frequencies)
            return np.array(
                [log_p + np.log(p + 2 * r), log_q + np.log(q + 2 * r), np.log(2) + log_p + log_q, 2 * log_r]
            )

    def complete_given_cell(self) -> Array:
        """Return the probability of AA, AO, BB, BO, AB and OO given the blood group, (4, 6)."""
        p, q, r = self.frequencies
        alike = np.array([[p, 2 * r], [q, 2 * r]])  # (2, 2) AA and AO, BB and BO, over the gene that shows
        (aa, ao), (bb, bo) = average(alike, alike.sum(axis=1), otherwise=np.array([1.0, 0.0]))
        return np.array([[aa, ao, 0, 0, 0, 0], [0, 0, bb, bo, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1]])

    def e_step_of(self, seen: Array) -> Expectation[ShareCounts]:
        """Return expected counts of genes, given how many people are in each blood group, (4,)."""
        genotypes = seen @ self.complete_given_cell()  # (6,)
        return Expectation.of(self.log_cells(), ShareCounts(genotypes @ GENES), seen)

    def m_step(self, statistics: ShareCounts) -> Self:
        """Return the model at the mode of the frequencies given expected counts."""
        return update(self, frequencies=mode_of_shares(statistics.count, self.prior, otherwise=self.frequencies))

    def complete_cells(self) -> Iterator[tuple[int, float, ShareCounts]]:
        """Yield the genotypes: the blood group of each, its probability, and its genes."""
        p, q, r = map(float, self.frequencies)
        yield 0, p * p, ShareCounts(np.array([2.0, 0.0, 0.0]))
        yield 0, 2 * p * r, ShareCounts(np.array([1.0, 0.0, 1.0]))
        yield 1, q * q, ShareCounts(np.array([0.0, 2.0, 0.0]))
        yield 1, 2 * q * r, ShareCounts(np.array([0.0, 1.0, 1.0]))
        yield 2, 2 * p * q, ShareCounts(np.array([1.0, 1.0, 0.0]))
        yield 3, r * r, ShareCounts(np.array([0.0, 0.0, 2.0]))

    def complaints(self, statistics: ShareCounts) -> list[Complaint]:
        """Return which genes are absent."""
        return [
            (f"gene {name}", f"is absent: frequency {frequency:.3g}")
            for name, frequency in zip("ABO", self.frequencies, strict=True)
            if frequency < ABSENT and "frequencies" not in self.fixed
        ]
