"""scikit-learn: GaussianMixture and FactorAnalysis."""

# mypy: disable-error-code="import-untyped, import-not-found"
# The library ships no types, or lives in an environment of its own.

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import mixture
from sklearn.decomposition import FactorAnalysis as Factors
from sklearn.exceptions import ConvergenceWarning

from benchmarks.data import Array, Problem
from benchmarks.judge import log_likelihood


def fit(model: Any, x: Array) -> Any:
    """Fit a model without a warning that it has not converged: the number of iterations is given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(x)


class Mixture:
    """n iterations from given parameters, no regularisation."""

    def __init__(self, folder: Path, *, covariance: str, threads: int) -> None:
        self.problem = Problem.load(folder)
        full = covariance == "full"
        self.options = {
            "n_components": len(self.problem.weights),
            "covariance_type": "full" if full else "diag",
            "tol": 0.0,
            "reg_covar": 0.0,
            "weights_init": self.problem.weights,
            "means_init": self.problem.means,
            "precisions_init": np.linalg.inv(self.problem.covariances) if full else 1 / self.problem.variances,
        }

    def run(self, n: int) -> Any:
        """Fit."""
        return fit(mixture.GaussianMixture(max_iter=n, **self.options), self.problem.x)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Judge the parameters."""
        reached = log_likelihood(self.problem.x, fitted.weights_, fitted.means_, fitted.covariances_)
        return {"iterations": fitted.n_iter_, "log_likelihood": reached}


class FactorAnalysis:
    """A whole fit at the library's own tolerance; or n iterations."""

    def __init__(self, folder: Path, *, number: int, method: str, threads: int) -> None:
        self.x = np.load(folder / "x.npy")
        self.options = {"n_components": number, "svd_method": method, "random_state": 0}

    def run(self, n: int) -> Any:
        """Fit; n = 0 asks for all iterations."""
        limits = {"max_iter": n, "tol": 0.0} if n else {"max_iter": 1000}
        return fit(Factors(**self.options, **limits), self.x)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Judge the parameters, as a mixture of one component."""
        covariance = fitted.get_covariance()[None]
        reached = log_likelihood(self.x, np.ones(1), fitted.mean_[None], covariance)
        return {"iterations": fitted.n_iter_, "log_likelihood": reached}


class Newcomer:
    """What a newcomer types: start, iterations to a tolerance, result; n is the seed."""

    def __init__(self, folder: Path, *, components: int, tol: float, threads: int) -> None:
        self.x = np.load(folder / "x.npy")
        self.options = {"n_components": components, "tol": tol, "max_iter": 1000}

    def run(self, n: int) -> Any:
        """Fit."""
        return fit(mixture.GaussianMixture(random_state=n, **self.options), self.x)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Tell what was reached."""
        return {"iterations": fitted.n_iter_, "log_likelihood": fitted.score(self.x) * len(self.x)}


TASKS = {"mixture": Mixture, "factor_analysis": FactorAnalysis, "newcomer": Newcomer}
