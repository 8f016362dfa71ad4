"""A model of which an audit sees some powers and not others."""

from typing import Any, ClassVar

import emkit


class Stripped:
    """Three methods, and the log prior, of a model; parameters are not declared."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def prepare(self, data: Any) -> Any:
        return self.inner.prepare(data) if hasattr(self.inner, "prepare") else data

    def e_step(self, data: Any) -> Any:
        return self.inner.e_step(data)

    def m_step(self, statistics: Any) -> Any:
        return type(self)(self.inner.m_step(statistics))

    def log_marginal(self, data: Any) -> Any:
        return self.inner.log_marginal(data)

    def log_prior(self) -> float:
        return float(self.inner.log_prior()) if hasattr(self.inner, "log_prior") else 0.0

    def partial_m_step(self) -> bool:
        return hasattr(self.inner, "partial_m_step") and bool(self.inner.partial_m_step())


class WithQ(Stripped):
    """Q as well."""

    def expected_log_joint(self, statistics: Any) -> float:
        return float(self.inner.expected_log_joint(statistics))


@emkit.value
class Declared:
    """Three methods, the log prior and declared parameters."""

    inner: Any

    prepare: ClassVar = Stripped.prepare
    e_step: ClassVar = Stripped.e_step
    m_step: ClassVar = Stripped.m_step
    log_marginal: ClassVar = Stripped.log_marginal
    log_prior: ClassVar = Stripped.log_prior
    partial_m_step: ClassVar = Stripped.partial_m_step


@emkit.value
class DeclaredWithQ(Declared):
    """Q as well."""

    expected_log_joint: ClassVar = WithQ.expected_log_joint


POWERS: dict[str, Any] = {
    "three methods": Stripped,
    "with Q": WithQ,
    "with parameters": Declared,
    "with both": DeclaredWithQ,
    "with configurations": lambda model: model,
}
"""What an audit sees of a model, from three methods to all that it has."""
