"""Intel oneDAL by daal4py: em_gmm."""

# mypy: disable-error-code="import-untyped, import-not-found"
# The library ships no types, or lives in an environment of its own.

from pathlib import Path
from typing import Any

import daal4py
import numpy as np

from benchmarks.data import Problem
from benchmarks.judge import log_likelihood


class Mixture:
    """n iterations from given parameters, no regularisation."""

    def __init__(self, folder: Path, *, covariance: str, threads: int) -> None:
        daal4py.daalinit(threads)
        self.problem = Problem.load(folder)
        self.full = covariance == "full"
        starts = self.problem.covariances if self.full else self.problem.variances[:, None, :]
        self.start = [np.ascontiguousarray(start) for start in starts]  # K of (D, D) or (1, D)

    def run(self, n: int) -> Any:
        """Fit."""
        algorithm = daal4py.em_gmm(
            len(self.start),
            maxIterations=n,
            accuracyThreshold=0.0,
            covarianceStorage="full" if self.full else "diagonal",
            regularizationFactor=0.0,
        )
        return algorithm.compute(self.problem.x, self.problem.weights[None], self.problem.means, self.start)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Judge the parameters."""
        covariances = np.stack(list(fitted.covariances)) if self.full else np.concatenate(list(fitted.covariances))
        reached = log_likelihood(self.problem.x, np.ravel(fitted.weights), fitted.means, covariances)
        return {"iterations": int(np.ravel(fitted.nIterations)[0]), "log_likelihood": reached}


TASKS = {"mixture": Mixture}
