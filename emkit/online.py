"""Online EM: data that come chunk by chunk, each seen once and never kept."""

from collections.abc import Callable, Iterable
from typing import Any, Generic, Self, TypeAlias

import attrs
import numpy as np

from emkit.algorithm import Ascent, M
from emkit.arguments import check_count
from emkit.data import Weighted
from emkit.declarations import ParameterError
from emkit.execution.evaluate import Evaluator, check_model
from emkit.execution.threads import one_blas_thread
from emkit.incomplete import Incomplete
from emkit.leaves import leaves
from emkit.run import Blame, ModelError
from emkit.values import value

StepSize: TypeAlias = float | Callable[[int], float]
"""An exponent above 0.5 and at most 1, or a function from the number of an update to the size of its step."""


def _step_size(given: Any) -> StepSize:
    if callable(given):
        return given
    if isinstance(given, bool) or not isinstance(given, (int, float, np.floating, np.integer)):
        raise TypeError(f"step_size: expected an exponent such as 0.6, or a function of the update, found {given!r}")
    if not 0.5 < given <= 1:
        raise ValueError(f"step_size: expected an exponent above 0.5 and at most 1, found {given}; try 0.6")
    return float(given)


@value
class OnlineEM(Generic[M]):
    """Online EM: each chunk moves the mean statistics of a unit by a step that shrinks, and an M-step follows.

    s becomes (1 - γ) s + γ s̄, with s̄ the mean statistics of the chunk's units at the model so far. The M-step takes s
    times the units seen, so that priors weigh as they would in one fit of all of them. The size of a value does not
    depend on how much it has seen; it is frozen, and `update` returns its successor.

    Args:
        model: where to start; then the one that has been reached.
        step_size: the exponent α of γ = (u / U)^α, with u the units (the sum of weights) of a chunk and U of all chunks
            so far, this one included: t^-α where all have the same. Above 0.5 and at most 1; at 1, s is the mean over
            all units, however they are cut into chunks. Or a function from the number of an update to γ in (0, 1].
        burn_in: after how many updates the first M-step is taken: at least 1, and enough for valid parameters.
        average_from: the first update whose statistics enter the mean that makes `averaged`; None makes none.

    Reference: O. Cappé and E. Moulines (2009), On-line expectation-maximization algorithm for latent data models,
    Journal of the Royal Statistical Society B 71, 593-613; B. T. Polyak and A. B. Juditsky (1992), SIAM
    Journal on Control and Optimization 30, 838-855, of the mean.

    Raises (on construction):
        TypeError, ValueError: not a model, or an argument is out of range.
    """

    model: M
    step_size: StepSize = attrs.field(default=0.6, converter=_step_size, kw_only=True)
    burn_in: int = attrs.field(default=1, converter=lambda given: check_count("burn_in", given), kw_only=True)
    average_from: int | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(lambda given: check_count("average_from", given)),
        kw_only=True,
    )
    updates: int = attrs.field(default=0, kw_only=True)  # so far
    units: float = attrs.field(default=0.0, kw_only=True)  # seen so far: the sum of their weights
    statistics: Any = attrs.field(default=None, kw_only=True, repr=False)  # s, of one unit
    averaged_units: float = attrs.field(default=0.0, kw_only=True, repr=False)
    averaged_statistics: Any = attrs.field(default=None, kw_only=True, repr=False)  # the mean of s, by units

    def __attrs_post_init__(self) -> None:
        """Refuse what is no model."""
        check_model(self.model)

    def update(self, chunk: Any) -> Self:
        """Return what one more chunk makes of this value. A chunk whose weights are all zero changes nothing.

        Args:
            chunk: some units, as a fit takes all of them, `Weighted` or not.

        Raises:
            TypeError, ValueError: the chunk is refused, or γ is out of range.
            ModelError: a step of the model raised, left the parameter space, or met an impossible unit; the message
                names the update.
        """
        if isinstance(chunk, Weighted) and not chunk.weight.any():
            return self
        number = self.updates + 1
        try:
            with one_blas_thread():
                return self._update(number, chunk)
        except ParameterError as error:
            raise ModelError(
                f"update {number} left the parameter space: {error}. The value before it is as it was; larger chunks, "
                f"a burn_in above {self.burn_in} or a prior may keep the model inside"
            ) from error
        except (TypeError, ValueError) as error:
            error.add_note(f"in update {number}")
            raise

    def run(self, chunks: Iterable[Any]) -> Self:
        """Return what many chunks make of this value, each taken from the iterator when its turn comes.

        Where one raises, what those before it made is lost; call `update` in a loop to keep it.

        Raises:
            TypeError: data instead of chunks of them.
            TypeError, ValueError, ModelError: as `update`.
        """
        if isinstance(chunks, (np.ndarray, Weighted, Incomplete, str)) or not isinstance(chunks, Iterable):
            raise TypeError(
                f"chunks: expected an iterator or a list of chunks, found {type(chunks).__name__}; write [data] for a "
                "single one, and np.array_split(data, 100) for an array in 100 parts"
            )
        state = self
        for chunk in chunks:
            state = state.update(chunk)
        return state

    @property
    def averaged(self) -> M:
        """The M-step's model of the mean of s over the updates from `average_from` on, weighted by their units.

        Raises:
            ValueError: there was no such update.
        """
        if self.averaged_statistics is None:
            raise ValueError(
                f"averaged: after {self.updates} updates no statistics are averaged, with average_from = "
                f"{self.average_from}; give OnlineEM the first update to average from"
            )
        return self._m_step(self.updates, self.averaged_statistics, self.units)

    def ascends(self) -> Ascent:
        """Return that nothing never falls: a chunk says little of all data."""
        return Ascent.NOTHING

    def _update(self, number: int, chunk: Any) -> Self:
        evaluator = Evaluator(self.model, chunk, "auto")
        with Blame(number, self.model, "e_step", of="update"):
            learnt = evaluator(self.model)
            if not np.isfinite(learnt.log_likelihood):
                raise ValueError(
                    f"the log likelihood of the chunk is {learnt.log_likelihood}; model.log_marginal(chunk) tells of "
                    "which unit, and starts elsewhere, or a prior, may avoid it"
                )
            mean = learnt.statistics * (1 / learnt.units)
        units = self.units + learnt.units
        statistics = _mix(self.statistics, mean, self._gamma(number, learnt.units / units))
        if self.updates == 1:
            _check_fixed_size(self.statistics, mean, statistics)
        changes: dict[str, Any] = {"updates": number, "units": units, "statistics": statistics}
        if self.average_from is not None and number >= self.average_from:
            averaged = self.averaged_units + learnt.units
            together = _mix(self.averaged_statistics, statistics, learnt.units / averaged)
            changes |= {"averaged_units": averaged, "averaged_statistics": together}
        if number >= self.burn_in:
            changes["model"] = self._m_step(number, statistics, units)
        return attrs.evolve(self, **changes)  # type: ignore[misc]  # any `value` is an attrs class

    def _m_step(self, number: int, statistics: Any, units: float) -> M:
        with Blame(number, self.model, "m_step", of="update"):
            return self.model.m_step(statistics * units)

    def _gamma(self, number: int, share: float) -> float:
        """Return γ, given which share of all units seen came last."""
        if not callable(self.step_size):
            return float(share**self.step_size)
        gamma = float(self.step_size(number))
        if not 0 < gamma <= 1:
            raise ValueError(f"step_size: expected numbers above 0 and at most 1, found {gamma} for update {number}")
        return gamma


def _mix(before: Any, new: Any, share: float) -> Any:
    """Return the mean of two statistics, the new with this share; it alone where there is nothing before."""
    return new if before is None else before * (1 - share) + new * share


def _check_fixed_size(one: Any, other: Any, together: Any) -> None:
    """Refuse statistics that concatenate."""
    sizes = [sum(array.size for array in leaves(each).values()) for each in (one, other, together)]
    if sizes[2] > max(sizes[:2]):
        raise TypeError(
            f"{type(one).__name__}: the statistics grow with the data, from {max(sizes[:2])} numbers to {sizes[2]}; "
            "expected sums of a fixed size. Take emkit.fit"
        )
