"""Forward filtering and backward smoothing of a discrete Markov chain, many sequences at once, and nothing lost.

Probabilities are scaled to sum to one at each step, so that a step is one product (B, K) x (K, K). Where a prediction
is so small that underflow may have eaten the terms it is made of, and there alone, it is computed in log space: a
state that is e^-1000 times as probable as another is not lost, should a later observation leave no other.
Reference: Bishop (2006), Pattern Recognition and Machine Learning, section 13.2.4; the backward pass is that of
G. Kitagawa (1987), Journal of the American Statistical Association 82, 1032-1041, equation 2.4.
"""

from typing import Final, final

import attrs
import numpy as np

from emkit.arrays import Array
from emkit.sequences import Steps

SMALL: Final = 1e-200
"""A predicted probability above this cannot miss a term of more than 1e-108 of it."""


@final
@attrs.frozen(eq=False)
class Filtered:
    """What the past tells of each state: before an observation, and with it. All by time step."""

    predicted: Array  # (M, K) p(z_t | x_1 .. x_t-1)
    log_predicted: Array  # (M, K)
    filtered: Array  # (M, K) p(z_t | x_1 .. x_t)
    log_filtered: Array  # (M, K)
    log_evidence: Array  # (M,) log p(x_t | x_1 .. x_t-1), nats


def forward(initial: Array, transition: Array, log_density: Array, steps: Steps) -> Filtered:
    """Filter forward in time.

    An observation that is impossible in every state that can be has evidence -inf and tells nothing else.

    Args:
        initial: (K,) probability of each first state.
        transition: (K, K) probability of the next state, rows sum to one.
        log_density: (M, K) log p(x_t | z_t), nats, by time step.
        steps: which rows belong to which step.
    """
    predicted, log_predicted, log_joint, filtered = (np.empty_like(log_density) for _ in range(4))
    log_evidence = np.empty((len(log_density), 1))
    start = slice(0, steps.n_sequences)

    def observe(now: slice) -> None:
        joint = np.add(log_predicted[now], log_density[now], out=log_joint[now])  # (B, K)
        peak = joint.max(axis=1, keepdims=True)  # (B, 1)
        if peak.min() == -np.inf:
            possible = peak > -np.inf
            np.copyto(joint, log_predicted[now], where=~possible)
            peak = joint.max(axis=1, keepdims=True)
        share = np.exp(joint - peak)
        total = share.sum(axis=1, keepdims=True)
        np.divide(share, total, out=filtered[now])
        np.add(peak, np.log(total), out=log_evidence[now])

    with np.errstate(divide="ignore"):
        log_transition = np.log(transition)
        predicted[start], log_predicted[start] = initial, np.log(initial)
        observe(start)
        for before, now in steps.slices():
            ahead = np.matmul(filtered[before], transition, out=predicted[now])
            np.log(ahead, out=log_predicted[now])
            if ahead.min() < SMALL:
                row, state = np.nonzero(ahead < SMALL)
                log_from = (log_joint[before] - log_evidence[before])[row]  # (L, K)
                log_predicted[now][row, state] = np.logaddexp.reduce(log_from + log_transition.T[state], axis=1)
            observe(now)
    log_filtered = log_joint - log_evidence
    told = (log_predicted + log_density).max(axis=1) > -np.inf  # (M,)
    return Filtered(predicted, log_predicted, filtered, log_filtered, np.where(told, log_evidence[:, 0], -np.inf))


def backward(past: Filtered, transition: Array, steps: Steps, weight: Array) -> tuple[Array, Array]:
    """Smooth backward in time.

    Args:
        past: what `forward` found.
        transition: (K, K), the same.
        steps: which rows belong to which step.
        weight: (N,) weight of each sequence.

    Returns:
        The posterior p(z_t | all x) by time step, (M, K), without weights, and the expected number of transitions from
        state to state, (K, K), weighted.
    """
    posterior = past.filtered.copy()  # final where a sequence ends
    ratio = np.zeros_like(posterior)  # (M, K) posterior over predicted
    small = past.predicted < SMALL  # (M, K): what passes through these is added in log space
    divisor = np.where(small, np.inf, past.predicted)
    passed = np.zeros_like(transition)  # (K, K)
    with np.errstate(divide="ignore"):
        log_transition = np.log(transition)
    share = weight[steps.sequence] / (weight.max() or 1.0)  # (M,)
    rare = np.logical_or.reduceat(small.any(axis=1), steps.first[:-1])  # (T,)
    for (before, now), some_small in zip(reversed(steps.slices()), rare[:0:-1].tolist(), strict=True):
        np.divide(posterior[now], divisor[now], out=ratio[now])
        np.multiply(past.filtered[before], ratio[now] @ transition.T, out=posterior[before])
        if some_small:
            row, state = np.nonzero(small[now] & (posterior[now] > 0))
            log_from = past.log_filtered[before][row] + log_transition.T[state]  # (L, K)
            log_from -= past.log_predicted[now][row, state][:, None]
            through = posterior[now][row, state][:, None] * np.exp(log_from)  # (L, K)
            np.add.at(posterior[before], row, through)
            np.add.at(passed.T, state, share[now][row][:, None] * through)
    later = slice(steps.n_sequences, None)
    moves = transition * ((past.filtered[steps.previous] * share[later, None]).T @ ratio[later])
    return posterior, (moves + passed) * (weight.max() or 1.0)
