"""How far the posterior of whole paths of hidden states moves between two models, many sequences at once.

Given all that is seen, a path is a Markov chain backward in time, and filtering tells all of it: the last state as it
was filtered, each one before it given the one after it, p(z_t | z_t+1, x_1 .. x_t). Its divergence is that of the last
state, and that of each move back as often as it is made. References: S. Frühwirth-Schnatter (2006), Finite Mixture and
Markov Switching Models, algorithm 11.5; T. M. Cover and J. A. Thomas (2006), Elements of Information Theory, theorem
2.5.3.
"""

import numpy as np

from emkit.arrays import Array, divergence
from emkit.models.markov.forward_backward import Filtered, backward
from emkit.sequences import Indices, Steps


def path_divergence(
    past: Filtered, transition: Array, other_past: Filtered, other_transition: Array, steps: Steps
) -> tuple[Array, Array]:
    """Compare the posterior of paths under one model with that under another.

    Args:
        past, transition: what `forward` found with the one, and its transitions (K, K).
        other_past, other_transition: those of the other.
        steps: which rows belong to which step.

    Returns:
        By time step, terms (M,) that sum to KL(p(path | x; one) || p(path | x; other)) of each sequence, nats, infinite
        where the other rules out what the one does not; and the posterior p(z_t | all x; one), (M, K).
    """
    posterior, _ = backward(past, transition, steps, np.ones(steps.n_sequences))
    previous = steps.previous
    moved = divergence(past.log_filtered, other_past.log_filtered)  # (M,), right where a sequence ends
    moved[previous] = 0.0
    for state in range(len(transition)):
        back = np.flatnonzero(posterior[steps.n_sequences :, state])  # (L,) the moves back that are made from it
        before, after = previous[back], steps.n_sequences + back
        came = _came_from(past, transition, state, before, after)
        other_came = _came_from(other_past, other_transition, state, before, after)
        moved[before] += posterior[after, state] * divergence(came, other_came)
    return moved, posterior


def _came_from(past: Filtered, transition: Array, state: int, before: Indices, after: Indices) -> Array:
    """Return log p(z_t | z_t+1 = state, x_1 .. x_t), (L, K), -inf throughout where nothing leads to that state."""
    reached = past.log_predicted[after, state]  # (L,)
    with np.errstate(divide="ignore"):
        log_joint = past.log_filtered[before] + np.log(transition[:, state])  # (L, K)
    return np.asarray(log_joint - np.where(reached > -np.inf, reached, 0.0)[:, None])
