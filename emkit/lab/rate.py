"""How fast EM converges near an optimum: the eigenvalues of its map, and the direction in which it is slowest."""

from functools import cached_property
from typing import Any, Generic

import numpy as np

from emkit.algorithm import M
from emkit.arrays import Array
from emkit.data import head
from emkit.differences.chart import Chart
from emkit.differences.natural import gradient
from emkit.execution.evaluate import Evaluator
from emkit.execution.threads import one_blas_thread
from emkit.parameters import blocks, free_parameters, n_free_parameters, pack, unpack
from emkit.values import value

STEP = 1e-3
"""Of differences of the map, in natural units: its rounding, over this, is about 1e-11, and so is what is cut off."""

AT_REST = 1e-3
"""Natural units by which EM may still move a model that is taken to be an optimum."""

UNITS = 500
"""Units of data that tell the natural units of coordinates."""


@value
class Rate(Generic[M]):
    """How EM converges to an optimum: it multiplies the distance from it by its map's Jacobian, once an iteration.

    The eigenvalues are fractions of missing information: the Jacobian is I - I_complete⁻¹ I_observed. Parameters
    contract by the largest, `contraction`, and increments of the objective by its square.
    Reference: Dempster, Laird and Rubin (1977), section 3; X.-L. Meng and D. B. Rubin (1991), JASA 86, 899-909.
    """

    model: M  # the optimum
    jacobian: Array  # (P, P) of the EM map, in natural units of free coordinates: how coordinate i answers to j
    units: Array  # (P,) the natural units of the free coordinates
    redundant: int  # directions that change no distribution, such as a rotation of factors

    @cached_property
    def _directions(self) -> tuple[Array, Array]:
        """The eigenvalues (P',), the largest first, and eigenvectors (P, P'), but for redundant ones, which are one."""
        values, vectors = np.linalg.eig(self.jacobian)
        values, vectors = np.real(values), np.real(vectors)
        kept = np.argsort(np.abs(values - 1))[self.redundant :]
        order = kept[np.argsort(-values[kept])]
        return values[order], vectors[:, order]

    @property
    def eigenvalues(self) -> Array:
        """The eigenvalues of the map, (P',), the largest first, without those of redundant directions."""
        return self._directions[0]

    @property
    def contraction(self) -> float:
        """λ, the factor by which EM shrinks the distance to the optimum in its slowest direction.

        One or more where this is no maximum: a saddle, which EM leaves.
        """
        return float(self.eigenvalues.max(initial=0.0))

    @property
    def increment_ratio(self) -> float:
        """λ², the factor by which increments of the objective shrink: what `fit.trace.ratio` tends to."""
        return self.contraction**2

    @property
    def iterations_per_digit(self) -> float:
        """How many iterations it takes to know the parameters to one more decimal digit, 1 / -log10 λ."""
        if self.contraction >= 1:
            return float("inf")
        return float(-1 / np.log10(self.contraction)) if self.contraction > 0 else 0.0

    @property
    def slowest(self) -> dict[str, Array]:
        """The slowest direction, in the model's own parameters: their change, by where they stand.

        For one natural unit in the coordinate that takes part most; those that take no part are near zero.
        """
        direction = self._directions[1][:, 0] / np.abs(self._directions[1][:, 0]).max()
        at, step = pack(self.model), 1e-4
        ahead, behind = (
            free_parameters(unpack(at + way * direction * self.units, like=self.model)) for way in (step, -step)
        )
        return {name: (ahead[name] - behind[name]) / (2 * step) for name in ahead}

    def __str__(self) -> str:
        """Say how fast EM is here."""
        meaning = (
            "the largest fraction of missing information" if self.contraction < 1 else "EM leaves here: no maximum"
        )
        return (
            f"contraction of parameters  {self.contraction:.6f}, {meaning}\n"
            f"ratio of increments        {self.increment_ratio:.6f}\n"
            f"iterations per digit       {self.iterations_per_digit:.1f}\n"
            f"eigenvalues                {', '.join(f'{one:.4g}' for one in self.eigenvalues[:8])}"
            + (", ..." if len(self.eigenvalues) > 8 else "")
        )


@one_blas_thread()
def rate(model: M, data: Any) -> Rate[M]:
    """Return how fast EM converges to a model: the Jacobian of its map there, by four-point differences.

    It takes four passes over the data for each free parameter.

    Args:
        model: an optimum, such as the model of a fit with a small `tol`.
        data: what it was fitted to.

    Raises:
        TypeError: the model declares no parameters.
        ValueError: EM still moves the model, or changes which of its parameters are zero.
    """
    at = pack(model)
    evaluator = Evaluator(model, data, "auto")
    units = Chart(model, head(evaluator.data, UNITS)).units

    def em_map(free: Array) -> Array:
        here = unpack(free, like=model)
        there = pack(here.m_step(evaluator(here).statistics))
        if there.shape != at.shape:
            raise ValueError("an M-step changed which parameters are zero; expected an optimum inside its space")
        return there

    moved = np.abs(em_map(at) - at) / units
    if not moved.max(initial=0.0) <= AT_REST:
        name = blocks(model)[int(np.argmax(moved))]
        raise ValueError(
            f"model: EM still moves {name} by {moved.max():.3g} natural units; expected an optimum: go on from "
            "fit.model with a smaller tol, or hold fixed what runs off to a boundary"
        )
    jacobian = gradient(lambda free: em_map(free) / units, at, units, step=STEP)  # (P, P)
    return Rate(model, jacobian, units, len(at) - n_free_parameters(model))
