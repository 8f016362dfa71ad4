"""When states with independent columns sit on an edge of their parameter space, and how to say so."""

from typing import Any

import numpy as np

from emkit.arrays import Array
from emkit.emissions.gaussian.edges import SAME, unseen
from emkit.model import Complaint


def coincident(*parameters: tuple[Array, Array]) -> list[Complaint]:
    """Find pairs of states of which no parameter (K, ...) differs by a millionth of the widths given with it."""
    place, width = (
        np.concatenate([one.reshape(len(one), -1) for one in given], axis=1) for given in zip(*parameters, strict=True)
    )  # (K, P) each
    return [
        (f"components {k} and {j}", "coincide: they are one component and EM cannot part them")
        for k in range(len(place))
        for j in range(k + 1, len(place))
        if (np.abs(place[k] - place[j]) <= SAME * np.minimum(width[k], width[j])).all()
    ]


def unlearnt(weight: Array, prior: Any) -> list[Complaint]:
    """Find columns that no row shows, given how often each state (K, D) saw them; a prior knows of them without."""
    return unseen(weight.sum(axis=0), pairs=False) if prior is None else []
