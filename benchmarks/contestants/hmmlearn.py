"""hmmlearn: GaussianHMM, in log space or with scaled probabilities."""

# mypy: disable-error-code="import-untyped, import-not-found"
# The library ships no types, or lives in an environment of its own.

import logging
from pathlib import Path
from typing import Any

import numpy as np
from hmmlearn.hmm import GaussianHMM

from benchmarks.data import Chain

logging.getLogger("hmmlearn").setLevel(logging.ERROR)  # the number of iterations is given


class HiddenMarkov:
    """n iterations from given parameters, maximum likelihood."""

    def __init__(self, folder: Path, *, covariance: str, implementation: str, threads: int) -> None:
        self.problem = Chain.load(folder)
        self.covariance = covariance
        self.options = {
            "n_components": len(self.problem.weights),
            "covariance_type": "full" if covariance == "full" else "diag",
            "min_covar": 0.0,
            "covars_prior": 0.0,
            "covars_weight": 1.0,
            "init_params": "",
            "tol": -np.inf,
            "implementation": implementation,
        }

    def run(self, n: int) -> Any:
        """Fit."""
        model = GaussianHMM(n_iter=n, **self.options)
        model.startprob_ = self.problem.weights
        model.transmat_ = self.problem.transition
        model.means_ = self.problem.means
        model.covars_ = self.problem.covariances if self.covariance == "full" else self.problem.variances
        return model.fit(self.problem.x, self.problem.lengths)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Score the parameters."""
        reached = fitted.score(self.problem.x, self.problem.lengths)
        return {"iterations": fitted.monitor_.iter, "log_likelihood": reached}


TASKS = {"hidden_markov": HiddenMarkov}
