"""The most probable path of a discrete Markov chain, many sequences at once.

Reference: L. R. Rabiner (1989), Proceedings of the IEEE 77, 257-286, equations 32 to 35.
"""

import numpy as np

from emkit.arrays import Array
from emkit.sequences import Indices, Steps


def viterbi(initial: Array, transition: Array, log_density: Array, steps: Steps) -> Indices:
    """Return the state of each row on the most probable path of its sequence, by time step, (M,).

    Of paths that are equally probable, the one with the lowest states at the end. An observation that is impossible in
    every state that can be is passed over, as in the filter.

    Args:
        initial: (K,) probability of each first state.
        transition: (K, K) probability of the next state, rows sum to one.
        log_density: (M, K) log p(x_t | z_t), nats, by time step.
        steps: which rows belong to which step.
    """
    start = slice(0, steps.n_sequences)
    best = np.empty_like(log_density)  # (M, K) of the best path into each state; the largest is 0
    origin = np.zeros(log_density.shape, dtype=np.intp)  # (M, K) the state before it on that path

    def observe(now: slice, reached: Array) -> None:
        joint = reached + log_density[now]  # (B, K)
        joint = np.where(joint.max(axis=1, keepdims=True) > -np.inf, joint, reached)
        np.subtract(joint, joint.max(axis=1, keepdims=True), out=best[now])

    with np.errstate(divide="ignore"):
        log_transition = np.log(transition)
        observe(start, np.log(np.tile(initial, (steps.n_sequences, 1))))
    for before, now in steps.slices():
        paths = best[before][:, :, None] + log_transition  # (B, K, K)
        paths.argmax(axis=1, out=origin[now])
        observe(now, paths.max(axis=1))
    state = best.argmax(axis=1)  # (M,), right where a sequence ends
    for before, now in reversed(steps.slices()):
        state[before] = np.take_along_axis(origin[now], state[now][:, None], axis=1)[:, 0]
    return state
