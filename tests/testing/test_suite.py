"""Which laws a model gets, and what the kit says where it cannot work."""

import subprocess
import sys

import numpy as np
import pytest

from emkit.testing import conformance
from emkit.testing.laws import LAWS
from tests.testing.healthy import COUNTS, POISSON, PoissonMixture
from tests.testing.strangers import HEADS, Coins, HalfWay, SummarisedPoisson


def _laws(kit: type) -> set[str]:
    return {name.removeprefix("test_") for name in dir(kit) if name.startswith("test_")}


def test_all_powers_give_all_laws() -> None:
    """A model with every power is held to every law."""
    assert _laws(conformance(SummarisedPoisson(*POISSON, fixed="rates"), COUNTS)) == {law.name for law in LAWS}


def test_three_methods_give_the_laws_of_three_methods() -> None:
    """A plain class with three methods is held to the laws that need no power."""
    assert _laws(conformance(Coins(np.array([0.2, 0.8])), HEADS)) == {
        "additive_over_any_cut",
        "blind_to_order",
        "log_marginal_agrees_with_e_step",
        "m_step_returns_its_own_class",
        "m_step_depends_on_statistics_alone",
        "nothing_is_mutated",
        "objective_never_falls",
        "pickles",
        "repeats_are_identical",
        "statistics_add",
        "statistics_scale",
    }


def test_partial_m_step_is_not_asked_to_maximise() -> None:
    """A partial M-step that declares itself is exempt from the laws of a maximum."""
    exempt = {"gradient_is_zero_at_m_step", "m_step_depends_on_statistics_alone", "summary_agrees"}
    assert _laws(conformance(HalfWay(*POISSON, fixed="weights"), COUNTS)) == {law.name for law in LAWS} - exempt


def test_class_says_which_laws_do_not_apply() -> None:
    """The docstring of the class names the laws that its model lacks the powers for."""
    assert "summary_agrees" in str(conformance(PoissonMixture(*POISSON), COUNTS).__doc__)


@pytest.mark.parametrize("missing", ["pytest", "hypothesis"])
def test_missing_package_names_the_extra(missing: str) -> None:
    """Without pytest or hypothesis the error names what to install; emkit itself does without."""
    program = f"import sys; sys.modules[{missing!r}] = None; import emkit; emkit.testing"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"ImportError: emkit.testing needs {missing}, which is not installed: pip install emkit[test]" in done.stderr
