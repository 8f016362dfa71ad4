"""The bound that EM raises, and what one step gains: what the M-step raised, and what came free.

    log p(x; θ) + log p(θ) - the same at θ₀ = [Q(θ) + log p(θ) - Q(θ₀) - log p(θ₀)] + KL(p(z | x; θ₀) || p(z | x; θ))

with Q(·) = Q(· | θ₀). The M-step makes the first term nonnegative, nothing can make the second negative: EM ascends.
Reference: Dempster, Laird and Rubin (1977), theorem 1; Neal and Hinton (1998), A view of the EM algorithm, equation 7.
"""

from functools import partial
from typing import Any, Generic

from emkit.algorithm import M, Point
from emkit.arguments import same_class
from emkit.execution.evaluate import Evaluator, log_prior
from emkit.lab.divergence import posterior_divergence
from emkit.model import HasExpectedLogJoint, MissingPowerError, has
from emkit.values import value


@value
class Bound(Generic[M]):
    """A lower bound of the log likelihood, as a function of models, that touches it at one of them.

    F(q, θ) = ℓ(at) + Q(θ | at) - Q(at | at), with q the posterior at `at`; constants that Q drops cancel.
    Reference: Neal and Hinton (1998), equation 7.
    """

    at: Point[M]

    @classmethod
    def of(cls, at: M, data: Any) -> "Bound[M]":
        """Return the bound that touches at a model, from one E-step over the data.

        Raises:
            MissingPowerError: the model has no `expected_log_joint`.
            ValueError, TypeError: the data are refused.
        """
        _require_q(at)
        return cls(_point(at, Evaluator(at, data, "auto")))

    def __call__(self, model: M) -> float:
        """Return the bound at a model, nats: never above its log likelihood, and equal to it at `at`."""
        same_class(model, self.at.model)
        return self.at.expectation.log_likelihood + _raised(self.at, model)


@value
class Gain:
    """What one step from a model to another gained, in nats, taken apart.

    Both parts are nonnegative where the step is an M-step that follows an E-step: that is why EM ascends.
    """

    objective: float  # of the log likelihood + log prior
    raised: float  # of Q + log prior: what the M-step raised
    free: float  # Kullback-Leibler divergence from the posterior before to that after: what came free

    @property
    def error(self) -> float:
        """By how much the parts fail to add up to the whole, nats: rounding, unless a rule is broken."""
        return self.objective - (self.raised + self.free)


def bound(model: M, at: M, data: Any) -> float:
    """Return F(q, model), nats: the lower bound of its log likelihood that touches at the model `at`.

    Args:
        model: where the bound is evaluated.
        at: the model whose posterior q is; there the bound is the log likelihood itself.
        data: what the E-step takes. For the bound at many models, `Bound.of(at, data)` takes one E-step for all.

    Raises:
        MissingPowerError: the model has no `expected_log_joint`.
        TypeError: models of two classes.
    """
    same_class(model, at)
    return Bound.of(at, data)(model)


def decompose(before: M, after: M, data: Any) -> Gain:
    """Take apart what a step from one model to another gains in the objective.

    Args:
        before: the model whose E-step the step began with.
        after: any other model of its class; that of EM is `before.m_step(before.e_step(data).statistics)`.
        data: what the E-step takes.

    Raises:
        MissingPowerError: the model has no `expected_log_joint`, or nothing to compute the divergence of posteriors
            from: `posterior_divergence`, a table as `posterior`, or `configurations`.
        TypeError: models of two classes.
    """
    same_class(after, before)
    _require_q(before)
    evaluator = Evaluator(before, data, "auto")
    return gains(_point(before, evaluator), _point(after, evaluator), evaluator)


def gains(before: Point[Any] | None, after: Point[Any], evaluator: Evaluator) -> Gain:
    """Take apart what each iteration of a fit gains: `fit(model, data, record=gains)` keeps it in `fit.recorded`.

    It takes one more pass over the data for each iteration. The start gained nothing.

    Raises:
        MissingPowerError: as in `decompose`.
    """
    _require_q(after.model)
    if before is None:
        return Gain(0.0, 0.0, 0.0)
    free = evaluator.total(partial(posterior_divergence, before.model, after.model))
    raised = _raised(before, after.model) + log_prior(after.model) - log_prior(before.model)
    return Gain(after.objective - before.objective, raised, free)


def _point(model: M, evaluator: Evaluator) -> Point[M]:
    learnt = evaluator(model)
    return Point(model, learnt, learnt.log_likelihood + log_prior(model))


def _raised(at: Point[M], model: M) -> float:
    """Return Q(model | at) - Q(at | at), nats."""
    statistics = at.expectation.statistics
    one, other = model, at.model  # to whom `expected_log_joint` is known to belong
    return float(one.expected_log_joint(statistics)) - float(other.expected_log_joint(statistics))  # type: ignore[attr-defined]


def _require_q(model: Any) -> None:
    if not has(model, HasExpectedLogJoint):
        raise MissingPowerError(
            f"{type(model).__name__} has no `expected_log_joint(statistics)`, the Q that its M-step maximises: write it"
        )
