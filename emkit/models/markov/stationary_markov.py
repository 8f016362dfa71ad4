"""The hidden Markov model that has been running for ever: its first state is drawn from where the chain settles."""

from functools import cached_property
from typing import Any, final

import attrs

from emkit.arrays import Array
from emkit.declarations import fixed, simplex
from emkit.emissions import asking
from emkit.models.markov.chain_statistics import ChainStatistics
from emkit.models.markov.hidden_chain import E, HiddenChain
from emkit.models.markov.markov_chain import stationary
from emkit.models.markov.stationary_counts import most_likely
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import DirichletRows, check_possible, log_prior_of
from emkit.values import value


@final
@value
class StationaryHiddenMarkov(HiddenChain[E]):
    """A hidden Markov model whose initial distribution is the stationary one of its transitions.

    Args:
        transition: (K, K) probability of the next state (column) given the present one (row); exact zeros stay zero.
        emissions, transition_prior, fixed: as for `HiddenMarkov`; "transition" and "emissions" can be held.

    The transitions that maximise Q have no closed form, because the first states inform them too: the M-step solves
    for them, starting from the expected counts. Reference: W. Zucchini, I. L. MacDonald and R. Langrock (2016), Hidden
    Markov Models for Time Series, section 4.2.5.

    Raises (on construction):
        ParameterError: as for `HiddenMarkov`; or the chain has several sets of states that it never leaves, so that
            there is more than one stationary distribution.
    """

    transition: Array = simplex("K", "K")
    emissions: E = attrs.field(validator=asking.check_emissions)
    transition_prior: DirichletRows | None = optional_prior(DirichletRows)
    fixed: frozenset[str] = fixed()

    def __attrs_post_init__(self) -> None:
        """Refuse a prior that would move structural zeros, and a chain without a unique stationary distribution."""
        check_possible("transition", self.transition, self.transition_prior)
        _ = self.initial

    @cached_property
    def initial(self) -> Array:  # type: ignore[override]  # a field elsewhere; nobody writes to values
        """The stationary distribution, (K,)."""
        return stationary(self.transition)

    def chain_given(self, statistics: ChainStatistics[Any]) -> dict[str, Array]:
        """Return the transitions (K, K) that maximise Q + log prior, or those held fixed."""
        if "transition" in self.fixed:
            return {}
        pseudo = 0.0 if self.transition_prior is None else self.transition_prior.concentration - 1
        return {"transition": most_likely(statistics.initial, statistics.transitions + pseudo, self.transition)}

    def log_prior_of_chain(self) -> float:
        """Return the log prior density of the transitions, nats; 0 without a prior."""
        return log_prior_of(self.transition, self.transition_prior)
