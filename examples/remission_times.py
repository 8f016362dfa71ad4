"""Weeks of remission of leukemia patients under 6-MP and under placebo, with patients still well at the end.

E. J. Freireich et al. (1963), Blood 21, 699-716; analysed by E. A. Gehan (1965), Biometrika 52, 203-223. Run with
`python examples/remission_times.py`.
"""

import numpy as np

import emkit
from emkit import Censored, CensoredExponential

WEEKS = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
RELAPSED = np.arange(21) < 9
PLACEBO = np.array([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23])


def main() -> None:
    groups = {
        "6-MP": Censored.right(WEEKS, RELAPSED),
        "placebo": Censored.right(PLACEBO, np.full(21, True)),
        # Had patients been seen every four weeks only, each relapse would lie between two visits.
        "6-MP, seen every 4 weeks": Censored(
            np.where(RELAPSED, (WEEKS - 1) // 4 * 4, WEEKS), np.where(RELAPSED, (WEEKS - 1) // 4 * 4 + 4, np.inf)
        ),
    }
    for name, data in groups.items():
        fit = emkit.fit(CensoredExponential.start(data), data, tol=1e-12)
        print(
            f"{name:26s} mean remission {fit.model.mean:5.1f} weeks, log-likelihood {fit.log_likelihood:8.3f}, "
            f"{fit.outcome} after {fit.n_iter} iterations"
        )
    fit = emkit.fit(CensoredExponential.start(groups["6-MP"]), groups["6-MP"])
    last = fit.model.posterior(groups["6-MP"])
    print(f"\nthe patient still well after 35 weeks is expected to relapse after {last.mean[-1]:.1f} weeks in all")


if __name__ == "__main__":
    main()
