"""A Markov chain on K states by itself: where it settles, and how to draw from it."""

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array, draw_states
from emkit.declarations import ParameterError
from emkit.sequences import Indices, Steps


def stationary(transition: Array) -> Array:
    """Return the distribution (K,) that a chain with these transitions (K, K) keeps, to full relative precision.

    States that the chain leaves for good have probability zero. The elimination never subtracts. Reference: W. K.
    Grassmann, M. I. Taksar and D. P. Heyman (1985), Operations Research 33, 1107-1116.

    Raises:
        ParameterError: there is more than one such distribution, because the chain has sets of states that it never
            leaves.
    """
    (kept,) = np.nonzero(_kept(transition))
    rates = transition[np.ix_(kept, kept)].copy()  # (R, R)
    with np.errstate(divide="ignore", invalid="ignore"):
        for k in range(len(kept) - 1, 0, -1):
            rates[:k, k] /= rates[k, :k].sum()
            rates[:k, :k] += np.outer(rates[:k, k], rates[k, :k])
    mass = np.zeros(len(kept))
    mass[0] = 1.0
    for k in range(1, len(kept)):
        mass[k] = mass[:k] @ rates[:k, k]
        mass[: k + 1] /= mass[: k + 1].sum()
    if not np.isfinite(mass).all():
        raise ParameterError("transition: some states are so rarely left that the stationary distribution is lost")
    whole = np.zeros(len(transition))
    whole[kept] = mass
    return whole


def _kept(transition: Array) -> npt.NDArray[np.bool_]:
    """Return which states the chain comes back to for ever, (K,); these must all lead to one another."""
    if (transition > 0).all():
        return np.ones(len(transition), dtype=bool)
    reach = np.eye(len(transition)) + (transition > 0)
    for _ in range(len(transition).bit_length()):
        reach = np.minimum(reach @ reach, 1.0)
    leads = reach > 0  # (K, K): row to column, in any number of steps
    kept = np.asarray((leads <= leads.T).all(axis=1))  # what it leads to leads back
    if not leads[np.ix_(kept, kept)].all():
        one = int(np.argmax(kept))
        other = int(np.argmax(kept & ~leads[one]))
        raise ParameterError(
            f"transition: states {one} and {other} are never left for one another, so that the stationary distribution "
            "is not unique; connect them, or use HiddenMarkov with an initial distribution"
        )
    return kept


def draw_paths(initial: Array, transition: Array, steps: Steps, rng: np.random.Generator) -> Indices:
    """Draw the states of many chains, by time step, (M,)."""
    state = np.empty(len(steps.order), dtype=np.intp)
    uniform = rng.random(len(state))
    state[: steps.n_sequences] = draw_states(np.cumsum(initial)[None], uniform[: steps.n_sequences])
    cumulative = np.cumsum(transition, axis=1)  # (K, K)
    for before, now in steps.slices():
        state[now] = draw_states(cumulative[state[before]], uniform[now])
    return state


def draw_paths_given(log_filtered: Array, transition: Array, steps: Steps, rng: np.random.Generator) -> Indices:
    """Draw the states of many chains given all that is seen of each, by time step, (M,).

    The last state is drawn as it was filtered, each one before it given the one after it. Reference: S. Frühwirth-
    Schnatter (2006), Finite Mixture and Markov Switching Models, algorithm 11.5.

    Args:
        log_filtered: (M, K) log p(z_t | x_1 .. x_t).
        transition: (K, K).
    """
    uniform = rng.random(len(log_filtered))
    with np.errstate(divide="ignore"):
        log_transition = np.log(transition)
    state = draw_states(_cumulative(log_filtered), uniform)  # right where a sequence ends
    for before, now in reversed(steps.slices()):
        state[before] = draw_states(
            _cumulative(log_filtered[before] + log_transition[:, state[now]].T), uniform[before]
        )
    return state


def _cumulative(log_shares: Array) -> Array:
    return np.cumsum(np.exp(log_shares - log_shares.max(axis=1, keepdims=True)), axis=1)
