"""pomegranate: a GeneralMixtureModel of Normal distributions, on PyTorch."""

# mypy: disable-error-code="import-untyped, import-not-found"
# The library ships no types, or lives in an environment of its own.

from pathlib import Path
from typing import Any

import torch
from pomegranate.distributions import Normal
from pomegranate.gmm import GeneralMixtureModel

from benchmarks.data import Array, Problem
from benchmarks.judge import log_likelihood


class Mixture:
    """n iterations from given parameters. Its observation weights are float32, whatever the data are."""

    def __init__(self, folder: Path, *, covariance: str, threads: int) -> None:
        torch.set_num_threads(threads)
        self.problem = Problem.load(folder)
        self.kind = "full" if covariance == "full" else "diag"
        self.start = self.problem.covariances if covariance == "full" else self.problem.variances
        self.x = torch.from_numpy(self.problem.x)

    def run(self, n: int) -> Any:
        """Fit."""
        normals = [
            Normal(_float64(mean), _float64(start), covariance_type=self.kind)
            for mean, start in zip(self.problem.means, self.start, strict=True)
        ]
        model = GeneralMixtureModel(normals, priors=_float64(self.problem.weights), max_iter=n, tol=-float("inf"))
        return n, model.fit(self.x)

    def outcome(self, fitted: Any) -> dict[str, float]:
        """Judge the parameters."""
        n, model = fitted  # it keeps no count, and without a tolerance runs them all
        normals = model.distributions
        means = torch.stack([normal.means.data for normal in normals]).double().numpy()
        covariances = torch.stack([normal.covs.data for normal in normals]).double().numpy()
        weights = model.priors.data.double().numpy()
        return {
            "iterations": n,
            "log_likelihood": log_likelihood(self.problem.x, weights / weights.sum(), means, covariances),
        }


def _float64(array: Array) -> Any:
    return torch.from_numpy(array.copy())


TASKS = {"mixture": Mixture}
