"""Forward and backward passes over the sequences of a hidden Markov model, one sequence after the other.

Probabilities are scaled at each step; what underflow may have taken is bounded as it goes. The loops run without the
interpreter's lock.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numba import njit, types

from emkit.arrays import Array
from emkit.kernels.blocks import U
from emkit.kernels.compiled import SUMS

Passes: TypeAlias = tuple[Array, Array, Array, npt.NDArray[np.bool_]]

kernel: Any = njit(error_model="numpy", fastmath=SUMS, nogil=True, cache=True)


def smooth(
    initial: Array,
    transition: Array,
    density: Array,
    lengths: npt.NDArray[np.intp],
    weight: Array,
    surprise: float,
) -> Passes:
    """Run both passes over N sequences that lie one after the other.

    Args:
        initial: (K,) probability of each first state.
        transition: (K, K) probability of the next state, rows sum to one.
        density: (M, K) of each row in each state, in units in which a row's largest is 1 or all are 0.
        lengths: (N,) of the sequences.
        weight: (N,) of each sequence, at most 1.
        surprise: what p(later rows | z_t) / p(later rows | rows up to t) may be, over the evidence of a row.

    Returns:
        The posterior p(z_t | all rows), (M, K); the evidence p(x_t | rows before), (M,); the expected number of
        transitions, weighted, (K, K); and which sequences had a larger surprise, (N,): they are not in the transitions,
        and their posterior and evidence mean nothing.
    """
    n_states = len(initial)
    padding = ((0, -n_states % 4), (0, 0))
    posterior, evidence = np.empty(density.shape), np.empty(len(density))
    moves, lost = np.zeros(transition.shape), np.empty(len(lengths), dtype=np.bool_)
    ahead, back = np.pad(transition, padding), np.pad(transition.T, padding)
    flat = (np.ascontiguousarray(one).ravel() for one in (initial, ahead, back, density))
    passes(
        *flat, lengths, np.ascontiguousarray(weight), surprise, posterior.reshape(-1), evidence, moves.reshape(-1), lost
    )
    return posterior, evidence, transition * moves, lost


@kernel
def passes(  # type: ignore[no-untyped-def]
    initial, transition, back, density, lengths, weight, surprise, posterior, evidence, moves, lost
):
    """Fill posterior, evidence, moves (transitions over their probabilities) and lost; matrices are flat."""
    n_states = U(len(initial))
    state, ratio = np.zeros(len(transition) // len(initial)), np.zeros(len(transition) // len(initial))
    later, counts = np.empty(n_states), np.empty(n_states * n_states)
    start = U(0)
    for n in range(len(lengths)):
        end = start + U(lengths[n])
        forward(initial, transition, density, start, end, posterior, evidence, later, state)
        counts[:] = 0.0
        lost[n] = not backward(back, density, start, end, evidence, surprise, posterior, later, ratio, counts)
        if not lost[n]:
            for i in range(len(counts)):
                moves[i] += weight[n] * counts[i]
        start = end


inner: Any = njit(error_model="numpy", fastmath=SUMS)


@inner
def product(row, matrix, out):  # type: ignore[no-untyped-def]
    """Fill out (K) with row @ matrix, of whose rows and entries there are zeros up to a multiple of four."""
    n = U(len(out))
    out[:] = 0.0
    for i in range(0, len(row), 4):
        o = U(i) * n
        r0, r1, r2, r3 = row[i], row[i + 1], row[i + 2], row[i + 3]
        for k in range(n):
            out[k] += (r0 * matrix[o + k] + r1 * matrix[o + n + k]) + (
                r2 * matrix[o + U(2) * n + k] + r3 * matrix[o + U(3) * n + k]
            )


@inner
def forward(initial, transition, density, start, end, filtered, evidence, predicted, state):  # type: ignore[no-untyped-def]
    """Fill p(z_t | rows up to t) and the evidence of the rows of one sequence."""
    n_states = U(len(initial))
    for k in range(n_states):
        predicted[k] = initial[k]
    for t in range(start, end):
        o = t * n_states
        if t > start:
            product(state, transition, predicted)
        total = 0.0
        for k in range(n_states):
            predicted[k] *= density[o + k]
            total += predicted[k]
        evidence[t] = total
        scale = 1.0 / total
        for k in range(n_states):
            state[k] = predicted[k] * scale
            filtered[o + k] = state[k]


@inner
def backward(back, density, start, end, evidence, surprise, posterior, later, ratio, counts):  # type: ignore[no-untyped-def]
    """Turn what is filtered into the posterior of one sequence and count its moves; return whether all is well."""
    n_states = U(len(later))
    later[:] = 1.0
    well = True
    for t in range(end - start):
        row = end - U(1) - U(t)
        o, limit, scale = row * n_states, surprise * evidence[row], 1.0 / evidence[row]
        for k in range(n_states):
            well &= later[k] < limit
            ratio[k] = density[o + k] * scale * later[k]
            posterior[o + k] *= later[k]
        if row > start:
            product(ratio, back, later)
            for i in range(n_states):
                f, column = posterior[o - n_states + i], i * n_states
                for k in range(n_states):
                    counts[column + k] += f * ratio[k]
    return well


_flat = types.Array(types.float64, 1, "C", readonly=True)
_out = types.Array(types.float64, 1, "C")
SIGNATURES = {
    passes: (
        *(_flat,) * 4,
        types.Array(types.intp, 1, "A", readonly=True),
        _flat,
        types.float64,
        *(_out,) * 3,
        types.Array(types.bool_, 1, "C"),
    )
}
"""What the function is compiled for."""
