"""The audit: whether EM ascends with a model and, where it does not, which of the few possible causes it is."""

from itertools import islice
from typing import Any

import numpy as np

from emkit.algorithm import ascends_nothing
from emkit.arguments import check_count
from emkit.em import steps
from emkit.execution.threads import one_blas_thread
from emkit.lab.diagnosis import diagnose
from emkit.lab.examination import Examination
from emkit.lab.report import Report
from emkit.lab.subject import Subject
from emkit.lab.watch import watch


@one_blas_thread()
def audit(model: Any, data: Any, *, iterations: int = 200) -> Report:
    """Run EM and report whether the objective rises, each fall against rounding, and why it fell or soon would.

    It looks at every iteration twice, by the E-step and by `log_marginal`, and more closely at the start, before the
    largest fall and at the end. What it can tell depends on what the model knows:

    - three methods alone: falls, and whether the E-step and `log_marginal` agree; not which step is wrong;
    - `expected_log_joint`: whether the M-step raises Q + log prior, which tells a wrong M-step from a wrong E-step;
    - declared parameters (`emkit.value`): gradients, in which an error shows before anything falls, and the parameter
      at fault; also whether EM, once at rest, rests at a stationary point;
    - `configurations`: the E-step against enumeration.

    Args:
        model: where EM starts; a model inside its parameter space, not at an optimum. One whose first steps ascend
            nothing, by its own declaration, is audited from where they do.
        data: as for `emkit.fit`. A few hundred units tell as much as a million, sooner.
        iterations: the most that are run; EM at rest shows more than EM on its way.

    Returns:
        A `Report`; `print` it.

    Raises:
        ValueError, TypeError: the data or an argument are refused, or the model declares that its steps ascend nothing.
    """
    check_count("iterations", iterations)
    subject = Subject(_ascending(model, data, iterations), data)
    walk = watch(subject, iterations)
    with np.errstate(all="ignore"):  # differences look at models where no run of EM comes
        examination = Examination.of(subject, walk)
        findings = tuple(diagnose(subject, walk, examination))
    return Report(subject.name, walk.iterations, tuple(walk.violations), findings, tuple(examination.unknown))


def _ascending(model: Any, data: Any, iterations: int) -> Any:
    """Return the model itself, or the first on its way that does not declare that its steps ascend nothing."""
    if not ascends_nothing(model):
        return model
    for step in islice(steps(model, data), iterations + 1):
        if not ascends_nothing(step.model):
            return step.model
    raise ValueError(
        f"model: {type(model).__name__} declares that its steps ascend nothing, and after {iterations} of them still "
        "does; there is no law to audit. Audit the model without it, such as model.mixture"
    )
