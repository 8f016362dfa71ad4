"""A teaching rule for mixtures that does not ascend, beside EM that does: three traces, three audits, one figure.

The rule is found in many notebooks: covariances by `np.cov(..., aweights=...)`, whose denominator is V1 - V2 / V1 and
not V1, and a small constant added to their diagonals "for stability". Its log likelihood falls from some starts and
rises from others, and often falls by less than the tolerance at which such notebooks stop; so they are run past it.

Run with `python examples/monotone_lab.py [figure.png]`.
"""

import sys
from pathlib import Path
from typing import Any, Self

import matplotlib as mpl

mpl.use("Agg")  # write a file; no screen is needed

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from scipy.special import xlogy

import emkit
import emkit.plot
from emkit import Array, FullGaussian, GaussianMixture

EPSILON = 1e-6
ITERATIONS = 150
STARTS = {"falls from this start": 6, "rises from this one": 0}


@emkit.value
class Rows:
    """All that the rule looks at: the rows and their responsibilities; `+` puts one set after the other."""

    x: Array  # (N, D)
    share: Array  # (N, K)

    def __add__(self, other: "Rows") -> "Rows":
        return Rows(np.concatenate([self.x, other.x]), np.concatenate([self.share, other.share]))


@emkit.value
class Notebook(emkit.LatentVariableModel[Array, Rows]):
    """Covariances by np.cov with aweights, and a constant on their diagonals: the notebook's rule."""

    weights: Array = emkit.simplex("K")
    means: Array = emkit.real("K", "D")
    covariances: Array = emkit.positive_definite("K", "D", "D")

    def log_density(self, x: Array) -> Array:
        return FullGaussian(self.means, self.covariances).log_density(x)

    def e_step(self, x: Array) -> emkit.Expectation[Rows]:
        log_marginal, share = emkit.condition(self.weights, self.log_density(x))
        return emkit.Expectation.of(log_marginal, Rows(x, share))

    def m_step(self, s: Rows) -> Self:
        covariances = [np.cov(s.x.T, aweights=share) + EPSILON * np.eye(s.x.shape[1]) for share in s.share.T]
        means = s.share.T @ s.x / s.share.sum(axis=0)[:, None]
        return type(self)(s.share.mean(axis=0), means, np.array(covariances))

    def log_marginal(self, x: Array) -> Array:
        return emkit.condition(self.weights, self.log_density(x))[0]

    def expected_log_joint(self, s: Rows) -> float:
        counts = xlogy(s.share.sum(axis=0), self.weights).sum()
        return float(counts + (s.share * self.log_density(s.x)).sum())


def contestants(start: GaussianMixture) -> dict[str, Any]:
    """Return the notebook's rule, EM, and EM with the constant stated as a prior, all from one start."""
    ridge = emkit.Ridge(EPSILON * np.eye(2), strength=1.0)
    known = start.weights, start.means, start.covariances
    return {
        "the notebook's rule": Notebook(*known),
        "EM": GaussianMixture(known[0], FullGaussian(known[1], known[2])),
        "EM, the constant as a prior": GaussianMixture(known[0], FullGaussian(known[1], known[2], ridge)),
    }


def draw(ax: Axes, name: str, start: Any, x: Array) -> None:
    """Draw how far the objective still was from its highest, mark where it fell, and write the verdict below."""
    report = emkit.lab.audit(start, x, iterations=ITERATIONS)
    objective = np.array(
        [step.objective for step, _ in zip(emkit.steps(start, x), range(ITERATIONS + 1), strict=False)]
    )
    gap = objective.max() - objective
    falls = [violation.iteration for violation in report.violations]
    ax.plot(np.where(gap > 0, gap, np.nan), color="0.2")
    ax.plot(falls, gap[falls], "v", color="tab:red", label=f"{len(falls)} falls beyond rounding")
    verdict = "healthy" if report.healthy else ", ".join(sorted(report.causes))
    blocks = {block for finding in report.findings for block in finding.blocks}
    ax.set(yscale="log", xlabel=f"iteration\naudit: {verdict}" + (f" ({', '.join(sorted(blocks))})" if blocks else ""))
    ax.set_title(name)
    if falls:
        ax.legend()
        inset = ax.inset_axes((0.1, 0.12, 0.4, 0.3))
        seen = np.arange(falls[0] - 8, falls[-1] + 8)
        inset.plot(seen, 1e6 * (objective[seen] - objective[falls[0] - 1]), color="tab:red")
        inset.set_title("where it falls (1e-6 nats)", fontsize="small")
        worst = max(violation.fall for violation in report.violations)
        print(f"{name}: {len(falls)} falls, the largest by {worst:.2g} nats; audit: {verdict}")
    else:
        print(f"{name}: no fall; audit: {verdict}")


def main(path: Path) -> None:
    x = emkit.datasets.iris().data[:, :2]  # sepal length and width, cm
    figure, rows = plt.subplots(len(STARTS), 3, figsize=(13, 7), sharey=True, layout="constrained")
    for row, (which, seed) in zip(rows, STARTS.items(), strict=True):
        print(f"start {seed}: {which}")
        start = GaussianMixture.start(x, 3, rng=seed)
        for ax, (name, model) in zip(row, contestants(start).items(), strict=True):
            draw(ax, name, model, x)
        row[0].set_ylabel(f"{which}\nbelow the highest objective (nats)")
    figure.savefig(path, dpi=110)
    print(f"figure {path.resolve()}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "monotone_lab.png"))
