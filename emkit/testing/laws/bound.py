"""The law that makes EM ascend: a gain in the log likelihood is a gain in Q and a divergence of posteriors."""

import numpy as np

from emkit.lab.divergence import posterior_divergence
from emkit.model import Enumerates, HasExpectedLogJoint, HasPosterior, HasPosteriorDivergence, MissingPowerError
from emkit.testing.case import Case, log_likelihood
from emkit.testing.law import law, require
from emkit.testing.tolerances import RELATIVE


def _diverges(case: Case) -> bool:
    """Return whether the model has Q, and something to compute the divergence of its posteriors from."""
    if not case.has(HasExpectedLogJoint) or not any(
        isinstance(case.model, power) for power in (HasPosteriorDivergence, HasPosterior, Enumerates)
    ):
        return False
    try:
        posterior_divergence(case.model, case.model, case.prepare(case.tiny[:1]))
    except MissingPowerError:
        return False
    except Exception:  # the law will show it
        return True
    return True


@law(
    needs=_diverges,
    advice="posterior_divergence must cover all that is latent in Q, and be of the posterior of the current model; "
    "where `posterior` is a table (N, K) that is not all of it, write `posterior_divergence`",
)
def gain_is_q_and_divergence(case: Case, rng: np.random.Generator) -> None:
    """From any model to any other, log likelihood gains what Q gains, and the divergence of the posteriors."""
    model, other, data = case.draw_model(rng), case.draw_model(rng), case.draw_data(rng)
    learnt = model.e_step(data)
    before, after = log_likelihood(model, data), log_likelihood(other, data)
    raised = float(other.expected_log_joint(learnt.statistics)) - float(model.expected_log_joint(learnt.statistics))
    free = posterior_divergence(model, other, data)
    if np.isinf(free) and not case.has(HasPosteriorDivergence):  # a table where a share underflowed, not to be had back
        return
    scale = abs(before) + abs(after) + abs(raised) + learnt.units
    require(free >= -RELATIVE * scale, "divergence of the posteriors", free, "zero or more nats")
    require(
        abs(after - before - raised - free) <= RELATIVE * scale + learnt.rounding,
        "log likelihood gained, nats",
        f"{after - before:.12g}",
        f"{raised + free:.12g} = Q {raised:.12g} + divergence {free:.12g}, within {RELATIVE * scale:.2g}",
    )
