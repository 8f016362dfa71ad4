"""What all observations of a sequence tell of its hidden states, fast where that is safe and in log space elsewhere."""

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.kernels.choice import load
from emkit.models.markov.forward_backward import backward, forward
from emkit.models.markov.scaled import smooth_scaled
from emkit.sequences import Indices, Sequences

SURPRISE: Final = 1e200
"""An observation may make what underflow took this many times as probable, and it is still nothing."""

SECONDS: Final = 3e-8
"""What the passes in NumPy take for each observation and state."""

KEPT: Final = 6
"""Numbers that the passes keep for each observation and state."""


class Recursion(Protocol):
    """Both passes over sequences in scaled probabilities, in NumPy or compiled.

    The paths that go through a state which underflow took at a step have less than 1e-307 of all probability, times
    the backward variable p(later x | z_t) / p(later x | x_1 .. x_t) of that state, over the evidence of the step.
    """

    def __call__(
        self, initial: Array, transition: Array, density: Array, lengths: Indices, weight: Array, surprise: float, /
    ) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
        """Smooth N sequences that lie one after the other.

        Args:
            initial, transition: (K,) and (K, K).
            density: (M, K), in units in which the largest of a row is 1; all zero where an observation is impossible.
            lengths: (N,) each at least 1.
            weight: (N,) of each sequence, at most 1.
            surprise: how large the backward variable, over the evidence of its step, may be.

        Returns:
            The posterior (M, K); the evidence p(x_t | x_1 .. x_t-1) in units of the row's density, (M,); the expected
            number of transitions, weighted, (K, K); and which sequences had a larger surprise, or a number that is not
            finite, (N,): they are not in the transitions, and their posterior and evidence mean nothing.
        """
        ...


def smooth(
    initial: Array,
    transition: Array,
    log_density: Array,
    sequences: Sequences,
    weight: Array,
    recursion: Recursion = smooth_scaled,
) -> tuple[Array, Array, Array]:
    """Smooth sequences; those in which underflow may have taken something, again in log space.

    Args:
        initial: (K,) probability of each first state.
        transition: (K, K) probability of the next state, rows sum to one.
        log_density: (M, K) log p(x_t | z_t), nats, by row.
        sequences: whose lengths these are.
        weight: (N,) of each sequence.
        recursion: what runs the passes.

    Returns:
        By row, terms (M,) that sum to the log p of each sequence, nats, -inf at an observation that is impossible in
        every state that can be; by row, the posterior p(z_t | all x), (M, K), without weights; and the expected number
        of transitions from state to state, (K, K), weighted.
    """
    heaviest = float(weight.max()) or 1.0
    peak = log_density.max(axis=1, keepdims=True)  # (M, 1)
    density = np.empty(log_density.shape)
    np.subtract(log_density, np.where(peak > -np.inf, peak, 0.0), out=density)
    posterior, evidence, transitions, lost = recursion(
        initial, transition, np.exp(density, out=density), sequences.lengths, weight / heaviest, SURPRISE
    )
    transitions *= heaviest
    with np.errstate(divide="ignore", invalid="ignore"):
        log_evidence = peak[:, 0] + np.log(evidence)  # (M,)
    if lost.any():
        rows = np.flatnonzero(sequences.repeat(lost))  # (L,)
        steps = Sequences(rows, sequences.lengths[lost]).steps
        past = forward(initial, transition, log_density[rows[steps.order]], steps)
        smoothed, moves = backward(past, transition, steps, weight[lost])
        log_evidence[rows], posterior[rows] = steps.back(past.log_evidence), steps.back(smoothed)
        transitions += moves
    return log_evidence, posterior, transitions


def compiled(observations: int, n_states: int) -> Recursion | None:
    """Return the passes in compiled code, where so many observations are worth it."""
    kernels = load("markov", SECONDS * observations * n_states)
    return None if kernels is None else kernels.smooth


def kept_bytes(n_states: int) -> int:
    """Return the bytes that the passes keep of an observation."""
    return KEPT * np.dtype(np.float64).itemsize * n_states
