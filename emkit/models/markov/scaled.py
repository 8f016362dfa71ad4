"""Forward and backward passes in scaled probabilities, without a logarithm, and a bound on what underflow took.

A step costs six NumPy calls. Reference: L. R. Rabiner (1989), Proceedings of the IEEE 77, 257-286, section V.A.
"""

import numpy as np
import numpy.typing as npt

from emkit.arrays import Array
from emkit.models.markov.pieces import BACKWARD, FORWARD, Pieces, UnforgottenError
from emkit.sequences import Indices


def smooth_scaled(
    initial: Array, transition: Array, density: Array, lengths: Indices, weight: Array, surprise: float
) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
    """Smooth in NumPy, many sequences or pieces of them at once: a `Recursion`."""
    arguments = initial, transition, density, lengths, weight, surprise
    try:
        return _smooth(Pieces.of(lengths, len(initial)), *arguments)
    except UnforgottenError:
        return _smooth(Pieces.uncut(lengths), *arguments)


def _smooth(
    pieces: Pieces,
    initial: Array,
    transition: Array,
    density: Array,
    lengths: Indices,
    weight: Array,
    surprise: float,
) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
    """Smooth piece by piece."""
    steps = pieces.steps
    ratio = steps.by_step(density)  # (M, K), as all that follows
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        filtered, evidence = _forward(initial, transition, ratio, pieces)
        ratio /= evidence
        later = _backward(transition, ratio, pieces)
        ratio *= later  # posterior over predicted
        lost = np.zeros(len(lengths), dtype=bool)
        if not later.max() < surprise * evidence.min():  # true where nan
            found = steps.back(np.any(~(later < surprise * evidence), axis=1))  # (M,), by row
            lost = np.logical_or.reduceat(found, np.cumsum(lengths) - lengths)
    if lost.any():
        gone = steps.by_step(np.repeat(lost, lengths))  # (M,)
        filtered[gone] = ratio[gone] = later[gone] = 0.0
    ratio *= steps.by_step(np.repeat(weight, lengths))[:, None]
    last, following = pieces.joints()
    moves = np.take(filtered, steps.previous, axis=0).T @ ratio[steps.n_sequences :]  # (K, K)
    moves += filtered[last].T @ ratio[following]
    filtered *= later
    return steps.back(filtered), steps.back(evidence[:, 0]), transition * moves, lost


def _forward(initial: Array, transition: Array, density: Array, pieces: Pieces) -> tuple[Array, Array]:
    """Return p(z_t | x_1 .. x_t), (M, K), and p(x_t | x_1 .. x_t-1), (M, 1), by step."""
    steps, ones = pieces.steps, np.ones((len(initial), 1))
    filtered, evidence = np.empty_like(density), np.empty((len(density), 1))

    def observe(now: slice) -> None:
        joint = np.multiply(filtered[now], density[now], out=filtered[now])
        joint /= np.matmul(joint, ones, out=evidence[now])

    def move(before: Indices, now: Indices) -> Array:
        joint = (np.take(filtered, before, axis=0) @ transition) * np.take(density, now, axis=0)
        evidence[now] = joint @ ones
        return joint / evidence[now]

    filtered[pieces.rank] = np.where(pieces.continues[:, None], 1 / len(initial), initial)
    observe(slice(0, steps.n_sequences))
    for before, now in steps.slices():
        np.matmul(filtered[before], transition, out=filtered[now])
        observe(now)
    pieces.join(filtered, move, FORWARD)
    return filtered, evidence


def _backward(transition: Array, shares: Array, pieces: Pieces) -> Array:
    """Return p(later x | z_t) / p(later x | x_1 .. x_t), (M, K), by step, given density over evidence (M, K)."""
    later, back = np.ones_like(shares), np.ascontiguousarray(transition.T)

    def move(after: Indices, now: Indices) -> Array:
        return (np.take(shares, after, axis=0) * np.take(later, after, axis=0)) @ back

    for before, now in reversed(pieces.steps.slices()):
        np.matmul(shares[now] * later[now], back, out=later[before])
    pieces.join(later, move, BACKWARD)
    return later
