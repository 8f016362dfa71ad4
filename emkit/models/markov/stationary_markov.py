"""The hidden Markov model that has been running for ever: its first state is drawn from where the chain settles."""

from functools import cached_property
from typing import Any, final

import attrs
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, root
from scipy.special import xlogy

from emkit.arrays import EPS, Array
from emkit.constraints import Simplex
from emkit.declarations import fixed, simplex
from emkit.emissions import asking
from emkit.models.markov.chain_statistics import ChainStatistics
from emkit.models.markov.hidden_chain import E, HiddenChain
from emkit.models.markov.markov_chain import stationary
from emkit.priors.conjugate import optional_prior
from emkit.priors.dirichlet import DirichletRows, check_possible, log_prior_of, mode_of_shares
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
        aim = _Aim(statistics.initial, statistics.transitions + pseudo)
        counted = mode_of_shares(aim.transitions, None, otherwise=self.transition)
        begin = np.where(self.transition > 0, np.maximum(counted, LEAST), 0.0)
        best = aim.maximise(begin / begin.sum(axis=1, keepdims=True))
        return {"transition": best if aim.reaches(best, self.transition) else aim.maximise(self.transition)}

    def log_prior_of_chain(self) -> float:
        """Return the log prior density of the transitions, nats; 0 without a prior."""
        return log_prior_of(self.transition, self.transition_prior)


LEAST = 1e-12
"""Transitions that are possible by structure begin at least here, however rarely they were seen."""

FARTHEST = 150.0
"""Log-ratios of a row stay within this, nan at zero: beyond it, stationary distributions leave floating point."""


@attrs.frozen(eq=False)
class _Aim:
    """What transitions A are to maximise: Σ_k n_k log π_k(A) + Σ_ij n_ij log A_ij, with π(A) stationary."""

    initial: Array  # n_k, (K,)
    transitions: Array  # n_ij, (K, K), pseudo-counts of a prior included

    def __call__(self, transition: Array) -> float:
        """Return its value at transitions (K, K)."""
        first = xlogy(self.initial, stationary(transition)).sum()
        return float(first + xlogy(self.transitions, transition).sum())

    def slope(self, transition: Array) -> Array:
        """Return its derivative in the logits of each row, (K, K); d log π / d A comes from the fundamental matrix."""
        settled = stationary(transition)
        gain = np.divide(self.initial, settled, out=np.zeros_like(settled), where=settled > 0)
        fundamental = np.eye(len(settled)) - transition + settled
        worth = np.linalg.lstsq(fundamental, gain, rcond=None)[0]  # (K,) of being in a state next; never singular
        flow = settled[:, None] * transition  # (K, K)
        total = self.transitions.sum(axis=1) + flow @ worth  # (K,)
        return self.transitions + flow * worth - transition * total[:, None]

    def reaches(self, one: Array, other: Array) -> bool:
        """Return whether the value at one matrix is that at another or more, to rounding."""
        level = self(other)
        return self(one) >= level - 8 * EPS * abs(level)

    def maximise(self, begin: Array) -> Array:
        """Climb in free coordinates from one matrix until it is near, then solve for a slope of zero."""
        inside, scale = _coordinates(begin), float(self.initial.sum() + self.transitions.sum()) or 1.0

        def at(free: Array) -> Array:
            return Simplex().from_free(np.clip(np.nan_to_num(free), -FARTHEST, FARTHEST), begin)

        def fall(free: Array) -> float:
            return -self(at(free)) / scale

        def slope(free: Array) -> Array:
            return -self.slope(at(free))[inside] / scale

        best = begin
        for near in (1e-3, 1e-9) if inside.any() else ():
            with np.errstate(all="ignore"):  # far out, where the search may look, numbers leave floating point
                climbed = minimize(fall, Simplex().to_free(begin), jac=slope, method="BFGS", options={"gtol": near}).x
                solved = at(root(slope, climbed, tol=1e-14).x)
            best = max([best, at(climbed)], key=self)
            if self.reaches(solved, best):
                return solved
        return best


def _coordinates(matrix: Array) -> npt.NDArray[np.bool_]:
    """Return which entries (K, K) have a free coordinate: the nonzero ones of each row but its last."""
    some = matrix > 0
    return some & (np.cumsum(some[:, ::-1], axis=1)[:, ::-1] > 1)
