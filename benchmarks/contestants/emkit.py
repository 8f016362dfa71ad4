"""emkit, with or without the extra `fast`; the environment variable EMKIT_KERNELS says which."""

from pathlib import Path
from typing import Any

import numpy as np

import emkit
from benchmarks.data import Chain, Problem
from benchmarks.judge import log_likelihood
from emkit import DiagonalGaussian, FullGaussian, GaussianMixture, HiddenMarkov

MOST = 20_000  # iterations of factor analysis
FAMILIES: dict[str, Any] = {"full": FullGaussian, "diagonal": DiagonalGaussian}


def fit(model: Any, x: Any, threads: int, iterations: int) -> Any:
    """Run so many iterations with as many threads as the others."""
    return emkit.fit(model, x, tol=0.0, max_iter=iterations, workers=threads)


class Mixture:
    """n iterations from given parameters, no prior."""

    def __init__(self, folder: Path, *, covariance: str, threads: int) -> None:
        self.problem = Problem.load(folder)
        self.threads = threads
        spread = self.problem.covariances if covariance == "full" else self.problem.variances
        self.start = GaussianMixture(self.problem.weights, FAMILIES[covariance](self.problem.means, spread))

    def run(self, n: int) -> Any:
        """Fit."""
        return fit(self.start, self.problem.x, self.threads, n)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Judge the parameters."""
        emissions = fitted.model.emissions
        spread = emissions.covariances if isinstance(emissions, FullGaussian) else emissions.variances
        reached = log_likelihood(self.problem.x, fitted.model.weights, emissions.means, spread)
        return {"iterations": fitted.n_iter, "log_likelihood": reached}


class Start:
    """The default start; n is the seed."""

    def __init__(self, folder: Path, *, covariance: str, threads: int) -> None:
        problem = Problem.load(folder)
        self.x = problem.x
        self.components = len(problem.weights)
        self.family = FAMILIES[covariance]

    def run(self, n: int) -> Any:
        """Start."""
        return GaussianMixture.start(self.x, self.components, emissions=self.family, rng=n)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """A start takes no iteration; its log likelihood is that of its parameters."""
        return {"iterations": 0, "log_likelihood": float(fitted.log_marginal(self.x).sum())}


class Newcomer:
    """What a newcomer types: start, iterations to a tolerance, result; n is the seed."""

    def __init__(self, folder: Path, *, components: int, tol: float, threads: int) -> None:
        self.x = np.load(folder / "x.npy")
        self.components = components
        self.tol = tol

    def run(self, n: int) -> Any:
        """Start and fit, with nothing said of threads."""
        return emkit.fit(GaussianMixture.start(self.x, self.components, rng=n), self.x, tol=self.tol)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Tell what was reached."""
        return {"iterations": fitted.n_iter, "log_likelihood": fitted.log_likelihood}


class MappedFile:
    """A start and n iterations on a file that is mapped into memory, not loaded."""

    def __init__(self, folder: Path, *, components: int, threads: int) -> None:
        self.path = folder / "x.npy"
        self.components = components
        self.threads = threads

    def run(self, n: int) -> Any:
        """Start and fit."""
        x = np.load(self.path, mmap_mode="r")
        return fit(GaussianMixture.start(x, self.components, rng=0), x, self.threads, n)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Tell what was reached."""
        return {"iterations": fitted.n_iter, "log_likelihood": fitted.log_likelihood}


class Hidden:
    """n iterations of a hidden Markov model from given parameters, no prior."""

    def __init__(self, folder: Path, *, covariance: str, threads: int) -> None:
        problem = Chain.load(folder)
        spread = problem.covariances if covariance == "full" else problem.variances
        self.threads = threads
        self.start = HiddenMarkov(problem.weights, problem.transition, FAMILIES[covariance](problem.means, spread))
        self.sequences = np.split(problem.x, np.cumsum(problem.lengths)[:-1])

    def run(self, n: int) -> Any:
        """Fit."""
        return fit(self.start, self.sequences, self.threads, n)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Tell what was reached."""
        return {"iterations": fitted.n_iter, "log_likelihood": fitted.log_likelihood}


class FactorAnalysis:
    """A whole fit, start included: as many iterations as a target takes, which are counted beforehand; or n."""

    def __init__(self, folder: Path, *, number: int, target: float, threads: int) -> None:
        self.x = np.load(folder / "x.npy")
        self.number = number
        self.threads = threads
        path = emkit.steps(emkit.FactorAnalysis.start(self.x, number), self.x)
        self.needed = next(step.iteration for step in path if step.objective >= target or step.iteration == MOST)

    def run(self, n: int) -> Any:
        """Fit; n = 0 asks for all iterations."""
        return fit(emkit.FactorAnalysis.start(self.x, self.number), self.x, self.threads, n or self.needed)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Judge the parameters, as a mixture of one component."""
        model = fitted.model
        reached = log_likelihood(self.x, np.ones(1), model.mean[None], model.covariance[None])
        return {"iterations": fitted.n_iter, "log_likelihood": reached}


TASKS = {
    "mixture": Mixture,
    "start": Start,
    "newcomer": Newcomer,
    "mapped_file": MappedFile,
    "hidden_markov": Hidden,
    "factor_analysis": FactorAnalysis,
}
