"""What a law is: a statement, what a model needs for it to apply, a check, and what to try where it is broken."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
import numpy as np

from emkit.execution.threads import one_blas_thread
from emkit.leaves import difference
from emkit.testing.case import Case
from emkit.testing.tolerances import RELATIVE

Check: TypeAlias = Callable[[Case, np.random.Generator], None]
Needs: TypeAlias = Callable[[Case], bool]


class BrokenLawError(AssertionError):
    """A model breaks a law; the message states the law, what was found and expected, and what to try."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice  # instead of the law's own


@attrs.frozen
class Law:
    """One law of the kit."""

    check: Check
    needs: Needs
    advice: str

    @property
    def name(self) -> str:
        """The name of its check; the test is called test_<name>."""
        return self.check.__name__

    @property
    def statement(self) -> str:
        """The first line of its docstring."""
        return (self.check.__doc__ or "").strip().split("\n")[0]

    def __call__(self, case: Case, seed: int) -> None:
        """Check the law once, on models and data drawn from a seed.

        Raises:
            BrokenLawError: it does not hold.
        """
        try:
            with one_blas_thread():
                self.check(case, np.random.default_rng(seed))
        except BrokenLawError as broken:
            raise BrokenLawError(
                f"{type(case.model).__name__} breaks the law {self.name}\n"
                f"law    {self.statement}\n{broken}\ntry    {broken.advice or self.advice}"
            ) from None
        except Exception as error:
            error.add_note(f"while checking the law {self.name} of {type(case.model).__name__}: {self.statement}")
            raise


def law(*, needs: Needs = lambda case: True, advice: str) -> Callable[[Check], Law]:
    """Make a law of a check whose docstring states it in one sentence."""

    def make(check: Check) -> Law:
        return Law(check, needs, advice)

    return make


def require(holds: bool, what: str, found: Any, expected: Any, advice: str = "") -> None:
    """Break the law unless something holds; advice, if any, replaces that of the law."""
    if holds:
        return
    if re.search(r"\bnan\b", f"{found} {expected}"):  # whatever the law is, this comes first
        found = f"nan: a parameter or statistic is not finite ({found})"
    raise BrokenLawError(f"where  {what}\nfound  {found}\nexpect {expected}", advice)


def require_close(found: Any, expected: Any, what: str, *scales: Any, tolerance: float = RELATIVE) -> None:
    """Break the law unless all numbers inside two values agree to a relative tolerance; zero means identical."""
    error, where = difference(found, expected, *scales)
    require(error <= tolerance, what, where, f"a relative difference of {tolerance:.1g} at most, found {error:.3g}")
