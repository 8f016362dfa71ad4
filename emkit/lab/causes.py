"""The few possible causes of a likelihood that falls, and what an audit finds of them."""

from enum import StrEnum

from emkit.values import value


class Cause(StrEnum):
    """Why EM does not ascend, or seems not to."""

    ROUNDING = "rounding"
    PENALTY = "penalty mismatch"
    M_STEP = "wrong M-step"
    E_STEP = "wrong or approximate E-step"
    EITHER = "M-step or E-step, cannot tell"
    Q = "wrong expected_log_joint"
    IMPURE = "impure step"
    NOT_FINITE = "objective not finite"
    LEFT = "left the parameter space"
    RAISED = "a step raised"


ADVICE = {
    Cause.ROUNDING: "nothing: this is as far as floating point goes",
    Cause.PENALTY: "let log_prior state the density whose mode m_step takes: what is added to counts or scatters, or "
    "taken from denominators (n - 1), is a prior",
    Cause.M_STEP: "solve for the zero of the gradient of Q + log_prior once more: constants added afterwards, means of "
    "the model before in a variance, and wrong denominators are what goes wrong most; an M-step that means to stop "
    "short of the maximum declares `partial_m_step`",
    Cause.E_STEP: "the posterior must be that of the current model, exp(log joint - log marginal): "
    "not hardened, sharpened, cut off, or left unnormalised",
    Cause.EITHER: "add `expected_log_joint(statistics)`, the Q that m_step maximises: it tells the two apart. Where "
    "falls are tiny beside the objective, look first at sums that lose digits: squares of numbers far from zero",
    Cause.Q: "expected_log_joint must be the expectation of the whole log joint, with every term that has a parameter",
    Cause.IMPURE: "a step is a function of the model and what it is given: no counters, no random numbers, no writing "
    "to data, statistics or self",
    Cause.NOT_FINITE: "look for 0/0, the logarithm of zero, or products of many probabilities: stay in log space",
    Cause.LEFT: "no step need be wrong: the likelihood may have no maximum inside. Another start, a smaller model or a "
    "prior keeps it inside; a variance that turns negative has lost its digits",
    Cause.RAISED: "the exception says where",
}
"""What to try, for each cause."""


@value
class Finding:
    """One thing that an audit found."""

    cause: Cause
    iteration: int  # where it was seen first
    found: str  # what was seen
    blocks: tuple[str, ...] = ()  # which parameters are at fault, where that can be told
    hint: str = ""  # what to try, where more is known than the cause tells

    @property
    def advice(self) -> str:
        """What to try."""
        return self.hint or ADVICE[self.cause]

    def __str__(self) -> str:
        """Say what was found, where, and what to try."""
        where = f" ({', '.join(self.blocks)})" if self.blocks else ""
        return f"{self.cause}{where}: at iteration {self.iteration}, {self.found}\n    try: {self.advice}"
