"""What an audit reports: whether EM ascended, each fall, and why."""

from emkit.lab.causes import Cause, Finding
from emkit.values import value


@value
class Violation:
    """An iteration in which the objective fell by more than rounding."""

    iteration: int
    fall: float  # nats, positive
    threshold: float  # the largest fall that rounding explains, nats
    log_likelihood: float  # by how much the log likelihood, without the log prior, changed, nats
    raised: float | None  # by how much Q + log prior changed, nats; None without `expected_log_joint`
    rose: bool  # whether that is a rise beyond rounding

    def __str__(self) -> str:
        """Show the fall and its parts."""
        raised = "" if self.raised is None else f", Q + log prior changed by {self.raised:+.3g}"
        return (
            f"iteration {self.iteration}: fell by {self.fall:.3g} nats where rounding explains {self.threshold:.3g}; "
            f"the log likelihood changed by {self.log_likelihood:+.3g}{raised}"
        )


@value
class Report:
    """The report of an audit; `print` it."""

    model: str  # the name of its class
    iterations: int  # how many ran
    violations: tuple[Violation, ...]
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]  # what could not be looked at, and what would allow it

    @property
    def monotone(self) -> bool:
        """Whether the objective never fell by more than rounding."""
        return not self.violations

    @property
    def accusations(self) -> tuple[Finding, ...]:
        """The findings, but for rounding, which accuses nobody."""
        return tuple(finding for finding in self.findings if finding.cause is not Cause.ROUNDING)

    @property
    def healthy(self) -> bool:
        """Whether nobody is accused."""
        return not self.accusations

    @property
    def causes(self) -> frozenset[Cause]:
        """The causes of which somebody is accused."""
        return frozenset(finding.cause for finding in self.accusations)

    def __str__(self) -> str:
        """Say what was found, and what to try."""
        falls = f"no, {len(self.violations)} falls beyond rounding" if self.violations else "yes"
        falls = falls if self.iterations else "no two iterations to compare"
        lines = [
            f"audit of {self.model}: {'no fault found' if self.healthy else ', '.join(sorted(self.causes))}",
            f"iterations  {self.iterations}",
            f"monotone    {falls}",
        ]
        worst = sorted(self.violations, key=lambda one: -one.fall)[:3]
        lines += [f"  {violation}" for violation in worst]
        lines += [f"- {finding}" for finding in self.findings]
        lines += [f"unchecked   {one}" for one in self.unchecked]
        return "\n".join(lines)
