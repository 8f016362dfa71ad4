"""The level of the Nile, 1871 to 1970: a random walk seen through noise, by EM over a Kalman smoother.

Durbin and Koopman (2012), Time Series Analysis by State Space Methods, section 2: the same series whole, with forty
years taken out, and ten years beyond its end.
"""

import numpy as np

import emkit
from emkit import Incomplete, LinearGaussianStateSpace

year, flow = emkit.datasets.nile().data.T  # (100,) each; flow in 1e8 cubic metres


def local_level() -> LinearGaussianStateSpace:
    """Return a level that is the sum of its steps; only the variances of steps and noise are to be learnt."""
    return LinearGaussianStateSpace(
        initial_mean=np.array([flow[0]]),
        initial_covariance=np.array([[1e7]]),  # next to nothing is known of the first level
        transition=np.array([[1.0]]),
        transition_covariance=np.array([[1000.0]]),
        observation=np.array([[1.0]]),
        observation_covariance=np.array([[10000.0]]),
        fixed=frozenset({"initial_mean", "initial_covariance", "transition", "observation"}),
    )


def report(title: str, fit: emkit.Fit[LinearGaussianStateSpace]) -> None:
    model = fit.model
    print(f"{title}: {fit.outcome} after {fit.n_iter} iterations, log-likelihood {fit.log_likelihood:.3f}")
    print(f"  variance of the noise {model.observation_covariance[0, 0]:8.0f}")
    print(f"  variance of a step    {model.transition_covariance[0, 0]:8.0f}")


whole = [flow[:, None]]  # one sequence of one feature
fit = emkit.fit(local_level(), whole, tol=1e-6)
report("whole", fit)

gaps = flow.copy()
gaps[20:40] = gaps[60:80] = np.nan
fit_gaps = emkit.fit(local_level(), [Incomplete(gaps[:, None])], tol=1e-6)
report("with gaps", fit_gaps)

print("\nyear   flow   level ± sd    level ± sd where 1891-1910 and 1931-1950 are missing")
level, without = fit.model.posterior(whole)[0], fit_gaps.model.posterior([Incomplete(gaps[:, None])])[0]
for t in range(0, 100, 9):
    columns = [f"{p.means[t, 0]:6.0f} ± {np.sqrt(p.covariances[t, 0, 0]):3.0f}" for p in (level, without)]
    print(f"{year[t]:.0f}   {flow[t]:4.0f}  {columns[0]}   {columns[1]}{'   missing' if np.isnan(gaps[t]) else ''}")

ahead = fit.model.forecast(whole, steps=10)[0]
low, high = (ahead.means[-1, 0] + sign * np.sqrt(ahead.covariances[-1, 0, 0]) for sign in (-1, 1))
print(f"\nflow in 1980: {ahead.means[-1, 0]:.0f}, from {low:.0f} to {high:.0f} with one standard deviation")
