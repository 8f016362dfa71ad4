"""What structures ask of emissions: the three methods for any rows, and the powers that they may have or lack.

Emissions that accept `Incomplete` handle single missing cells. For all others a row is seen or missing as a whole: a
row that is missing says nothing of its state, has log density zero in each and adds nothing to the statistics.
"""

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from emkit.arrays import Array, condition, divergence
from emkit.emissions.protocol import (
    CompilesMixtureStep,
    Emissions,
    EnumeratesStates,
    HasLatentDivergence,
    Imputes,
    KnowsConditioning,
    MixtureStep,
    StepsMixtures,
)
from emkit.incomplete import Incomplete
from emkit.model import Accepts, Complains, Complaint, HasPrior, MayBePartial, MissingPowerError, Prepares, Remarks, has


def check_emissions(_: Any, field: "attrs.Attribute[Any]", emissions: Any) -> None:
    """Refuse what is not emissions (an attrs validator)."""
    check_is_emissions(field.name, emissions)


def check_is_emissions(name: str, given: Any) -> None:
    """Refuse what is not emissions.

    Raises:
        TypeError: a class, or a value without the three methods.
    """
    if isinstance(given, type) or not has(given, Emissions):
        raise TypeError(f"{name}: expected emissions such as emkit.FullGaussian(...), found {given!r:.60}")


def need(emissions: Any, power: Any, name: str) -> Any:
    """Return the emissions where they have a power, or raise MissingPowerError with the method that they lack."""
    if not has(emissions, power):
        raise MissingPowerError(f"{type(emissions).__name__} has no `{name}`, which this needs: write it")
    return emissions


# The rows, seen or missing.


def prepare(emissions: Any, x: Any) -> Any:
    """Return rows checked by the emissions, `Incomplete` where they were.

    Raises:
        ValueError, TypeError: the emissions refuse the rows, or a row is missing in part where it must not.
    """
    if not has(emissions, Prepares):
        return x
    if not _by_row(emissions, x):
        return emissions.prepare(x)
    whole = x.whole_rows()
    if whole.any():  # missing rows are checked as copies of a seen one, so that messages name the right row
        emissions.prepare(np.where(whole[:, None], x.data, x.data[np.argmax(whole)]))
    return x


def log_density(emissions: Any, x: Any) -> Array:
    """Return log p(x_n | z_n = k), (N, K), nats; zero for rows that are missing."""
    if not _by_row(emissions, x):
        return np.asarray(emissions.log_density(x))
    whole = x.whole_rows()
    seen = np.asarray(emissions.log_density(x.data[whole]))
    densities = np.zeros((len(x), seen.shape[1]))
    densities[whole] = seen
    return densities


def statistics(emissions: Any, x: Any, posterior: Array) -> Any:
    """Return the emissions' statistics of the rows that are seen, given posterior (N, K), weights in it."""
    if not _by_row(emissions, x):
        return emissions.statistics(x, posterior)
    whole = x.whole_rows()
    return emissions.statistics(x.data[whole], posterior[whole])


def mixture_step(emissions: Any, weights: Array, x: Any, weight: Array) -> MixtureStep:
    """Return what rows, weighted (N,), tell a mixture of these weights (K,): in one go where the emissions can."""
    step = emissions.mixture_step(weights, x, weight) if has(emissions, StepsMixtures) else None
    if step is not None:
        return step
    log_marginal, posterior = condition(weights, log_density(emissions, x))
    posterior *= weight[:, None]  # (N, K), weights in it from here on
    return MixtureStep(log_marginal, posterior.sum(axis=0), statistics(emissions, x, posterior))


def compiled_mixture_step(emissions: Any, x: Any) -> Callable[[Any, Array, Any, Array], MixtureStep] | None:
    """Return `mixture_step` in compiled code, where the emissions have it and the rows are worth it."""
    compiled = emissions.compiled_mixture_step(x) if has(emissions, CompilesMixtureStep) else None
    if compiled is None:
        return None

    def step(emissions: Any, weights: Array, x: Any, weight: Array) -> MixtureStep:
        return compiled(emissions, weights, x, weight) or mixture_step(emissions, weights, x, weight)

    return step


def m_step(emissions: Any, statistics: Any, *, hold: bool) -> Any:
    """Return the next emissions; those that are held stay, and need not have a maximum."""
    return emissions if hold else emissions.m_step(statistics)


def complete(emissions: Any, row: Any) -> Iterator[tuple[float, Any]]:
    """Yield, for data of one row and each state k, its log density and complete-data statistics.

    Raises:
        MissingPowerError: the emissions have no `complete`.
    """
    oracle = need(emissions, EnumeratesStates, "complete")
    if not _by_row(emissions, row):
        yield from oracle.complete(row)
    elif row.whole_rows()[0]:
        yield from oracle.complete(row.data)
    else:
        n_states = log_density(emissions, row).shape[1]
        nothing = emissions.statistics(row.data[:0], np.zeros((0, n_states)))
        yield from ((0.0, nothing) for _ in range(n_states))


def impute(emissions: Any, x: Incomplete, posterior: Array) -> Array:
    """Return x (N, D) with what is missing replaced by its expectation, states shared out by posterior (N, K).

    Raises:
        MissingPowerError: the emissions have no `impute`.
    """
    return np.asarray(need(emissions, Imputes, "impute").impute(x, posterior))


def sample_missing(emissions: Any, x: Incomplete, states: npt.NDArray[np.intp], rng: np.random.Generator) -> Array:
    """Return x (N, D) with what is missing drawn given what is seen and the states (N,).

    Raises:
        MissingPowerError: the emissions have no `sample_missing`.
    """
    return np.asarray(need(emissions, Imputes, "sample_missing").sample_missing(x, states, rng))


def _by_row(emissions: Any, x: Any) -> bool:
    """Return whether rows may be missing, and the emissions leave those to us."""
    return isinstance(x, Incomplete) and not (has(emissions, Accepts) and emissions.accepts(Incomplete))


# Optional powers, and what holds without them.


def log_prior(emissions: Any) -> float:
    """Return the emissions' log prior density, nats; 0 without one."""
    return float(emissions.log_prior()) if has(emissions, HasPrior) else 0.0


def posterior_divergence(emissions: Any, other: Any, x: Any, log_posterior: Array, log_other: Array) -> Array:
    """Return how far the posterior of states, and of what is latent within them, moves to other emissions', (N,).

    Args:
        emissions, other: of one class.
        x: N rows, seen or missing.
        log_posterior, log_other: (N, K) of the states, under each of them.
    """
    moved = divergence(log_posterior, log_other)  # (N,)
    return np.asarray(moved + latent_divergence(emissions, other, x, np.exp(log_posterior)))


def latent_divergence(emissions: Any, other: Any, x: Any, posterior: Array) -> Array:
    """Return how far what is latent within states, shared out by posterior (N, K), moves, (N,); 0 where nothing is."""
    each = divergence_by_state(emissions, other, x, posterior.shape)  # may be infinite in states that are not shared in
    return np.asarray(np.multiply(posterior, each, out=np.zeros_like(posterior), where=posterior > 0).sum(axis=1))


def divergence_by_state(emissions: Any, other: Any, x: Any, shape: tuple[int, ...]) -> Array:
    """Return how far what is latent within each state moves, (N, K), which is the shape; 0 where nothing is latent."""
    moved = np.zeros(shape)
    if not has(emissions, HasLatentDivergence):
        return moved
    if not _by_row(emissions, x):
        return np.asarray(emissions.latent_divergence(other, x))
    whole = x.whole_rows()
    moved[whole] = emissions.latent_divergence(other, x.data[whole])
    return moved


def conditioning(emissions: Any) -> float:
    """Return the nats per row that the objective may be off beyond its terms' rounding; 0 where nobody knows."""
    return float(emissions.conditioning()) if has(emissions, KnowsConditioning) else 0.0


def complaints(emissions: Any, statistics: Any) -> list[Complaint]:
    """Return what the emissions complain of; nothing where they do not look."""
    return list(emissions.complaints(statistics)) if has(emissions, Complains) else []


def remarks(emissions: Any, statistics: Any) -> list[Complaint]:
    """Return what the emissions remark on; nothing where they do not look."""
    return list(emissions.remarks(statistics)) if has(emissions, Remarks) else []


def partial_m_step(emissions: Any) -> bool:
    """Return whether the emissions' M-step declares itself partial."""
    return has(emissions, MayBePartial) and emissions.partial_m_step()
