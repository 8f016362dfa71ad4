"""Factor analysis of six ability tests from their published covariance matrix: no rows are needed.

112 persons; the matrix is that of R's `datasets::ability.cov`, from D. J. Bartholomew and M. Knott (1990).
"""

import numpy as np
from scipy.stats import chi2

import emkit

TESTS = ("general", "picture", "blocks", "maze", "reading", "vocab")
PERSONS = 112
COVARIANCE = np.array(
    [
        [24.641, 5.991, 33.520, 6.023, 20.755, 29.701],
        [5.991, 6.700, 18.137, 1.782, 4.936, 7.204],
        [33.520, 18.137, 149.831, 19.424, 31.430, 50.753],
        [6.023, 1.782, 19.424, 12.711, 4.757, 9.075],
        [20.755, 4.936, 31.430, 4.757, 52.604, 66.762],
        [29.701, 7.204, 50.753, 9.075, 66.762, 135.292],
    ]
)


def main() -> None:
    table = emkit.SampleCovariance(COVARIANCE, PERSONS, ddof=1)
    width = len(TESTS)
    saturated = -0.5 * PERSONS * (width * np.log(2 * np.pi) + np.linalg.slogdet(table.covariance)[1] + width)
    for factors in (1, 2):
        fit = emkit.fit(emkit.FactorAnalysis.start(table, factors), table, tol=1e-10, max_iter=5000)
        model = fit.model
        print(f"{factors} factor(s)\n{fit}")
        freedom = width * (width + 3) // 2 - emkit.n_free_parameters(model)
        deviance = 2 * (saturated - fit.log_likelihood)
        print(f"misfit          {deviance:.2f} on {freedom} degrees of freedom, p = {chi2.sf(deviance, freedom):.2g}")
        standardised = model.loadings / np.sqrt(np.diag(model.covariance))[:, None]
        for name, row, unique in zip(TESTS, standardised, model.uniquenesses, strict=True):
            print(f"{name:<16}{'  '.join(f'{loading:6.3f}' for loading in row)}  uniqueness {unique:.3f}")
        print()


if __name__ == "__main__":
    main()
