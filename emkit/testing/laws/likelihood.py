"""Laws that tie the E-step to the density: Fisher's identity, enumeration, Bayes' rule, simulation."""

from functools import reduce
from operator import add
from typing import Any

import numpy as np
from scipy.special import logsumexp

from emkit.arrays import Array
from emkit.differences.natural import GRADIENT, gradient
from emkit.leaves import difference
from emkit.model import Enumerates, HasExpectedLogJoint, HasPosterior, Samples
from emkit.parameters import pack, unpack
from emkit.testing.case import Case, complete, log_likelihood, take
from emkit.testing.law import law, require, require_close
from emkit.testing.meaning import require_same_statistics, rounding_of_gradient
from emkit.testing.tolerances import LEAST_DEVIATION, MOST_UNITS, SAMPLE_SIZE, STANDARD_ERRORS


@law(
    needs=lambda case: case.has(HasExpectedLogJoint) and case.packs,
    advice="the posterior must be that of the current model, unsharpened, and Q the expectation of the whole log "
    "joint; or digits cancel in Q: sum squares about the mean (emkit.moments)",
)
def fishers_identity(case: Case, rng: np.random.Generator) -> None:
    """The gradient of Q at its own model is the gradient of the log likelihood."""
    model, data = case.draw_model(rng), case.draw_data(rng)
    learnt = model.e_step(data)

    def q(other: Any) -> float:
        return float(other.expected_log_joint(learnt.statistics))

    def total(other: Any) -> float:
        return log_likelihood(other, data)

    found, expected = (case.chart.gradient(of, model) / learnt.units for of in (q, total))  # (P,) each
    tolerance = GRADIENT + rounding_of_gradient(case, q, model, learnt.units, "Q")
    tolerance += rounding_of_gradient(case, total, model, learnt.units, "log_marginal")
    worst = int(np.argmax(np.abs(found - expected)))
    require(
        abs(found[worst] - expected[worst]) <= tolerance,
        f"free coordinate {worst} of {len(found)}, nats per unit of data and natural unit",
        f"gradient of Q {found[worst]:.9g}",
        f"gradient of the log likelihood {expected[worst]:.9g}, within {tolerance:.1g}",
    )


@law(
    needs=lambda case: case.has(Enumerates),
    advice="compare one configuration at a time: a dropped constant, a missing configuration, filtering for smoothing",
)
def enumeration_agrees(case: Case, rng: np.random.Generator) -> None:
    """Summed over every latent configuration, a unit has the log marginal and the statistics of the E-step."""
    model = case.draw_model(rng)
    many = model.e_step(case.prepared).statistics  # tells the size of entries that one unit leaves at zero
    for unit in _units(case, rng):
        log_joint, statistics = zip(*complete(model, unit), strict=True)
        total = float(logsumexp(log_joint))
        require_close(
            float(np.asarray(model.log_marginal(unit))[0]), total, "log_marginal against the configurations", 1.0
        )
        shares = np.exp(np.array(log_joint) - total)
        expected = reduce(add, (one * float(share) for one, share in zip(statistics, shares, strict=True) if share > 0))
        found = model.e_step(unit).statistics
        require_same_statistics(case, found, expected, "statistics of one unit against the configurations", many)


@law(
    needs=lambda case: _posterior_over_configurations(case),
    advice="posterior must use the current parameters: log joint less log marginal, exponentiated",
)
def posterior_is_bayes(case: Case, rng: np.random.Generator) -> None:
    """The posterior of a unit is each configuration's share of the joint, and sums to one."""
    model = case.draw_model(rng)
    for unit in _units(case, rng):
        log_joint = np.array([one for one, _ in complete(model, unit)])
        found = np.asarray(model.posterior(unit))
        require_close(found.sum(axis=1), np.ones(1), "sum of the posterior")
        require_close(found, np.exp(log_joint - logsumexp(log_joint))[None], "posterior against the configurations")


@law(
    needs=lambda case: case.has(Samples) and case.packs,
    advice="compare moments of a large sample by hand: a variance taken for a standard deviation, or wrong weights",
)
def sample_reproduces_moments(case: Case, rng: np.random.Generator) -> None:
    """Over a large sample the mean score is zero within its standard error."""
    model = case.draw_model(rng)
    drawn = model.sample(SAMPLE_SIZE, np.random.default_rng(rng.integers(2**32)))
    require(len(drawn) == SAMPLE_SIZE, f"sample({SAMPLE_SIZE}, rng)", f"{len(drawn)} units", SAMPLE_SIZE)
    data = case.prepare(drawn)

    def log_marginal(free: Array) -> Array:
        return np.asarray(unpack(free, like=model).log_marginal(data))

    score = gradient(log_marginal, pack(model), case.units)  # (n, P)
    error = np.maximum(score.std(axis=0), LEAST_DEVIATION) / np.sqrt(len(score))  # (P,)
    deviation = score.mean(axis=0) / error
    worst = int(np.argmax(np.abs(deviation)))
    require(
        abs(deviation[worst]) <= STANDARD_ERRORS,
        f"mean score of {SAMPLE_SIZE} draws, free coordinate {worst} of {len(deviation)}",
        f"{score[:, worst].mean():.4g}, {abs(deviation[worst]):.1f} standard errors from 0",
        f"within {STANDARD_ERRORS:.0f} standard errors",
    )


@law(needs=lambda case: case.has(Samples), advice="draw from the rng given to sample, and from nothing else")
def sample_is_of_its_generator(case: Case, rng: np.random.Generator) -> None:
    """Generators of one seed give the same sample, those of different seeds different ones."""
    model, seed = case.draw_model(rng), int(rng.integers(2**32))
    drawn, again = (model.sample(MOST_UNITS, np.random.default_rng(seed)) for _ in range(2))
    require_close(again, drawn, "two samples of one seed", tolerance=0.0)
    units = case.prepare(drawn)
    if all(_same(units[i : i + 1], units[:1]) for i in range(1, len(units))):
        return  # nothing random is left
    others = [case.prepare(model.sample(MOST_UNITS, np.random.default_rng([seed, i]))) for i in (1, 2)]
    require(not all(_same(other, units) for other in others), "samples of three seeds", "one sample", "three samples")


def _same(found: object, expected: object) -> bool:
    return difference(found, expected)[0] == 0


def _units(case: Case, rng: np.random.Generator) -> list[object]:
    """Return three units, one by one."""
    return [case.prepare(take(case.tiny, np.array([i]))) for i in rng.integers(0, len(case.tiny), 3)]


def _posterior_over_configurations(case: Case) -> bool:
    if not case.has(HasPosterior, Enumerates):
        return False
    unit = case.prepare(case.tiny[:1])
    return np.shape(case.model.posterior(unit)) == (1, len(complete(case.model, unit)))
