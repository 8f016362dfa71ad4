"""The hidden Markov model: a chain of states with a first state of its own, and emissions of any kind."""

from typing import Any, final

import attrs

from emkit.arrays import Array
from emkit.declarations import fixed, simplex
from emkit.emissions import asking
from emkit.models.markov.chain_statistics import ChainStatistics
from emkit.models.markov.hidden_chain import E, HiddenChain
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import Dirichlet, DirichletRows, check_possible, log_prior_of, mode_of_shares
from emkit.values import value


@final
@value
class HiddenMarkov(HiddenChain[E]):
    """Each observation of a sequence depends on a hidden state, each state on the one before it.

    Args:
        initial: (K,) probability of the first state of a sequence; exact zeros stay zero.
        transition: (K, K) probability of the next state (column) given the present one (row); exact zeros stay zero,
            so that an upper triangular matrix is a left-to-right model.
        emissions: what the K states emit; any value of the `Emissions` protocol.
        initial_prior: a `Dirichlet`, or None for maximum likelihood.
        transition_prior: `DirichletRows`, or None; `DirichletRows.diagonal` favours states that last.
        fixed: names of what an M-step leaves as it is, among "initial", "transition" and "emissions".

    Data are a list of sequences, (T, D) arrays of any lengths, or `Weighted` over such a list; where a sequence is
    `Incomplete`, a step of which nothing is seen still takes its time. The independent unit is a whole sequence.
    Reference: L. R. Rabiner (1989), A tutorial on hidden Markov models, Proceedings of the IEEE 77, 257-286.

    Raises (on construction):
        ParameterError: probabilities that do not sum to one, numbers of states that disagree, or a zero that is
            impossible under its prior.
    """

    initial: Array = simplex("K")
    transition: Array = simplex("K", "K")
    emissions: E = attrs.field(validator=asking.check_emissions)
    initial_prior: Dirichlet | None = optional_prior(Dirichlet)
    transition_prior: DirichletRows | None = optional_prior(DirichletRows)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse priors that would move probabilities which are zero by structure."""
        check_possible("initial", self.initial, self.initial_prior)
        check_possible("transition", self.transition, self.transition_prior)

    def chain_given(self, statistics: ChainStatistics[Any]) -> dict[str, Array]:
        """Return initial (K,) and transition (K, K) at their mode. Reference: Bishop (2006), equations 13.18, 13.19."""
        return {
            "initial": mode_of_shares(statistics.initial, self.initial_prior, otherwise=self.initial),
            "transition": mode_of_shares(statistics.transitions, self.transition_prior, otherwise=self.transition),
        }

    def log_prior_of_chain(self) -> float:
        """Return the log prior density of initial and transition, nats; 0 without priors."""
        return log_prior_of(self.initial, self.initial_prior) + log_prior_of(self.transition, self.transition_prior)
