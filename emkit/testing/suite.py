"""The laws as a pytest class: hypothesis draws the seeds, so that a failure is replayed."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from emkit.testing.case import Case
from emkit.testing.law import Law
from emkit.testing.laws import LAWS

SEEDS = st.integers(0, 2**32 - 1)


def conformance(model: Any, data: Any, *, tiny: Any = None, examples: int = 8) -> type:
    """Return a pytest class with one test for each law that the model has the powers for.

    Assign it where pytest looks: `TestMine = emkit.testing.conformance(model, data)`. Models are drawn around the
    example in free coordinates, by M-steps where it declares no parameters; data are resampled from the example.

    Args:
        model: an example; a healthy one, inside its parameter space.
        data: an example of what its E-step takes, raw; several times as many units as the model has parameters.
        tiny: data of units with few latent configurations, for enumeration; `data` by default.
        examples: draws for each law.
    """
    case = Case(model, data, data if tiny is None else tiny)
    laws = [law for law in LAWS if law.needs(case)]
    missing = ", ".join(law.name for law in LAWS if law not in laws) or "none"
    name = f"Conformance{type(model).__name__}"
    body: dict[str, Any] = {f"test_{law.name}": _test(law, case, name, examples) for law in laws}
    return type(name, (), {"__doc__": f"Laws of {type(model).__name__}. Not applicable: {missing}.", **body})


def _test(law: Law, case: Case, owner: str, examples: int) -> Callable[[Any], None]:
    def check(self: Any, seed: int) -> None:
        law(case, seed)

    check.__name__ = f"test_{law.name}"
    check.__qualname__ = f"{owner}.test_{law.name}"
    check.__doc__ = law.statement
    quick = settings(
        max_examples=examples,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a smaller seed is no simpler case
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
    )
    return quick(given(seed=SEEDS)(check))
