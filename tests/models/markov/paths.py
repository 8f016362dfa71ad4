"""Every path of a short chain, one by one in log space, and random chains to try: an oracle for every recursion."""

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from emkit import Array

CHAINS = ("dense", "upper", "identity", "sticky", "sparse")


class Truth(NamedTuple):
    log_marginal: float
    posterior: Array  # (T, K)
    transitions: Array  # (K, K)
    log_best: float


def log_path(path: tuple[int, ...], initial: Array, transition: Array, log_density: Array) -> float:
    with np.errstate(divide="ignore"):
        moves = [np.log(transition[i, j]) for i, j in pairwise(path)]
        return float(np.log(initial[path[0]]) + sum(moves) + sum(log_density[t, k] for t, k in enumerate(path)))


def enumerate_paths(initial: Array, transition: Array, log_density: Array) -> Truth:
    length, n_states = log_density.shape
    paths = list(product(range(n_states), repeat=length))
    log_joint = np.array([log_path(path, initial, transition, log_density) for path in paths])
    total = float(logsumexp(log_joint))
    posterior, transitions = np.zeros((length, n_states)), np.zeros((n_states, n_states))
    for path, share in zip(paths, np.exp(log_joint - total), strict=True):
        for t, k in enumerate(path):
            posterior[t, k] += share
        for i, j in pairwise(path):
            transitions[i, j] += share
    return Truth(total, posterior, transitions, float(log_joint.max()))


def random_chain(kind: str, rng: np.random.Generator, n_states: int) -> tuple[Array, Array]:
    """Return an initial distribution and transitions; sticky ones leave with probability 1e-250."""
    transition = rng.dirichlet(np.ones(n_states), n_states)
    if kind == "upper":
        transition = np.triu(transition)
    elif kind == "identity":
        transition = np.eye(n_states)
    elif kind == "sticky":
        transition = np.where(np.eye(n_states) > 0, 1.0, 1e-250)
    elif kind == "sparse":
        transition = np.where(
            np.eye(n_states)[:, ::-1] > 0, transition, transition * (rng.random(transition.shape) > 0.5)
        )
    return rng.dirichlet(np.ones(n_states)), transition / transition.sum(axis=1, keepdims=True)
