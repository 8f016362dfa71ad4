"""The transitions most likely given counts of moves, and of first states drawn from where the chain settles.

They maximise Σ_k n_k log π_k(A) + Σ_ij n_ij log A_ij, with π(A) the stationary distribution of transitions A.
"""

from typing import Final, NamedTuple

import attrs
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, root
from scipy.special import xlogy

from emkit.arrays import EPS, Array
from emkit.constraints import Simplex
from emkit.models.markov.markov_chain import stationary
from emkit.priors.dirichlet import mode_of_shares

LEAST: Final = 1e-12
"""Transitions that are possible by structure begin at least here, however rarely they were seen."""

FARTHEST: Final = 150.0
"""Log-ratios of a row stay within this, nan at zero: beyond it, stationary distributions leave floating point."""

STEPS: Final = 100
"""Climbing steps that are enough where first states are few beside moves."""

HALVINGS: Final = 10
"""How often steps are cut in half, all in all, before another search takes over."""


def most_likely(initial: Array, transitions: Array, present: Array) -> Array:
    """Return the transitions (K, K) most likely given counts, and never less likely than those at present.

    Args:
        initial: n_k, (K,), first states.
        transitions: n_ij, (K, K), moves, pseudo-counts of a prior included.
        present: (K, K); its zeros stay, and so does a row without counts as far as first states do not inform it.
    """
    aim = _Aim(initial, transitions)
    counted = mode_of_shares(transitions, None, otherwise=present)
    begin = np.where(present > 0, np.maximum(counted, LEAST), 0.0)
    begin /= begin.sum(axis=1, keepdims=True)
    climbed, done = aim.climb(begin)
    if done and aim.reaches(climbed, present):
        return climbed
    return max(aim.search(climbed), aim.search(present), key=aim)  # there may be several summits


class _View(NamedTuple):
    """What there is to know at some transitions."""

    transition: Array  # (K, K)
    settled: Array  # (K,) π
    value: float


@attrs.frozen(eq=False)
class _Aim:
    """What the transitions are to maximise."""

    initial: Array  # (K,)
    transitions: Array  # (K, K)

    def __call__(self, transition: Array) -> float:
        """Return its value at transitions (K, K)."""
        return self.view(transition).value

    def view(self, transition: Array) -> _View:
        """Return value and stationary distribution at transitions (K, K)."""
        settled = stationary(transition)
        value = xlogy(self.initial, settled).sum() + xlogy(self.transitions, transition).sum()
        return _View(transition, settled, float(value))

    def worth(self, at: _View) -> Array:
        """Return π_i w_j, (K, K), the derivative of Σ_k n_k log π_k in A_ij, with w from the fundamental matrix."""
        gain = np.divide(self.initial, at.settled, out=np.zeros_like(at.settled), where=at.settled > 0)
        fundamental = np.eye(len(gain)) - at.transition + at.settled
        return at.settled[:, None] * np.linalg.lstsq(fundamental, gain, rcond=None)[0]  # it is never singular

    def slope(self, at: _View) -> Array:
        """Return its derivative in the logits of each row, (K, K)."""
        gain = self.transitions + at.transition * self.worth(at)
        return gain - at.transition * gain.sum(axis=1, keepdims=True)

    def reaches(self, one: Array, other: Array) -> bool:
        """Return whether the value at one matrix is that at another or more, to rounding."""
        level = self(other)
        return self(one) >= level - 8 * EPS * abs(level)

    def climb(self, begin: Array) -> tuple[Array, bool]:
        """Climb from one matrix, and tell whether that came to an end.

        Each step maximises the aim with its first term made linear at A, which is concave and leads upwards. The error
        shrinks by about the ratio of first states to moves.
        """
        counts = np.where(begin > 0, np.maximum(self.transitions, LEAST * begin), 0.0)  # (K, K)
        at, halvings = self.view(begin), 0
        for _ in range(STEPS):
            ahead = _tilted(counts, self.worth(at))
            if not np.isfinite(ahead).all():
                break
            step = ahead - at.transition
            if (np.abs(step) <= 8 * EPS * len(begin) * ahead).all():
                return at.transition, True
            following = self.view(ahead)
            while following.value < at.value - 8 * EPS * abs(at.value) and halvings < HALVINGS:
                step, halvings = step / 2, halvings + 1
                following = self.view(at.transition + step)
            if halvings == HALVINGS:
                break
            at = following
        return at.transition, False

    def search(self, begin: Array) -> Array:
        """Climb in free coordinates from one matrix until it is near, then solve for a slope of zero."""

        inside, scale = _coordinates(begin), float(self.initial.sum() + self.transitions.sum()) or 1.0

        def at(free: Array) -> Array:
            return Simplex().from_free(np.clip(np.nan_to_num(free), -FARTHEST, FARTHEST), begin)

        def fall(free: Array) -> tuple[float, Array]:
            view = self.view(at(free))
            return -view.value / scale, -self.slope(view)[inside] / scale

        def slope(free: Array) -> Array:
            return fall(free)[1]

        best = begin
        for near in (1e-6, 1e-9) if inside.any() else ():
            with np.errstate(all="ignore"):  # far out, where the search may look, numbers leave floating point
                climbed = minimize(fall, Simplex().to_free(begin), jac=True, method="BFGS", options={"gtol": near}).x
                solved = at(root(slope, climbed, tol=1e-14).x)
            best = max([best, at(climbed)], key=self)
            if self.reaches(solved, best):
                return solved
        return best


def _tilted(counts: Array, worth: Array) -> Array:
    """Return rows A_i that maximise Σ_j n_ij log A_ij + v_ij A_ij: n_ij / (λ_i - v_ij), which add up to 1 at one λ_i.

    The inverse of their sum is concave in λ_i, so that Newton's method climbs to 1 from below.

    Args:
        counts: n_ij, (K, K), some of each row positive.
        worth: v_ij, (K, K).
    """
    gap = np.where(counts > 0, worth, -np.inf)
    gap = gap.max(axis=1, keepdims=True) - worth  # (K, K), at least 0 where there are counts
    gap = np.where(counts > 0, gap, 1.0)
    above = (counts - gap).max(axis=1, keepdims=True)  # (K, 1) λ less the largest worth
    for _ in range(100):
        share = counts / (above + gap)
        total = share.sum(axis=1, keepdims=True)
        if (total <= 1 + 4 * EPS).all():
            break
        above += (total - 1) * total / (share / (above + gap)).sum(axis=1, keepdims=True)
    return share / total


def _coordinates(matrix: Array) -> npt.NDArray[np.bool_]:
    """Return which entries (K, K) have a free coordinate: the nonzero ones of each row but its last."""
    some = matrix > 0
    return some & (np.cumsum(some[:, ::-1], axis=1)[:, ::-1] > 1)
