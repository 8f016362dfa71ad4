"""The gamma function where its logarithm and derivative almost cancel: shapes from data, from 1e-300 to 1e300.

For large a, log Γ(a) and a log a - a agree in all but a few digits, and so do their derivatives. Asymptotic series give
the differences themselves.
Reference: M. Abramowitz and I. A. Stegun (1964), Handbook of Mathematical Functions, equations 6.1.41 and 6.3.18.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from emkit.arrays import EPS, LOG_2PI, Array

LARGE = 16.0
"""From here on six terms of the series are exact to rounding."""

NEWTON_STEPS = 50
"""Far more than convergence takes: four or five."""

_LOG_GAMMA = np.array([1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360])  # of a^-1, a^-3, ...
_DIGAMMA = np.array([1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760])  # of a^-2, a^-4, ...


def log_normaliser(a: Array) -> Array:
    """Return a log a - a - log Γ(a), of any shape: the log density of a gamma variable's logarithm at its peak."""
    return _by_size(
        a,
        lambda small: small * np.log(small) - small - gammaln(small),
        lambda large: 0.5 * (np.log(large) - LOG_2PI) - _series(_LOG_GAMMA, large) / large,
    )


def log_less_digamma(a: Array) -> Array:
    """Return log a - ψ(a), of any shape: the derivative of `log_normaliser`; it falls from infinity to zero."""
    return _by_size(
        a,
        lambda small: np.log(small) - digamma(small),
        lambda large: 0.5 / large + _series(_DIGAMMA, large) / large / large,
    )


def solve_log_less_digamma(gap: Array) -> Array:
    """Return the a at which log a - ψ(a) is `gap` > 0, of any shape, by Newton's method on logarithms.

    The start is within 1.5% of the solution. Reference: T. P. Minka (2002), Estimating a gamma distribution.
    """
    root = np.hypot(gap - 3, np.sqrt(24 * gap))
    start = np.where(gap < 3, (3 - gap + root) / (12 * gap), 2 / np.maximum(gap - 3 + root, 1.0))

    def step(a: Array) -> Array:
        found = log_less_digamma(a)
        fall = _by_size(a, lambda small: _a_trigamma(small) - 1, lambda large: 0.5 / large + 1 / (6 * large) / large)
        return np.log(found / gap) * found / fall

    return _newton(start, step)


def inverse_digamma(y: Array) -> Array:
    """Return the a > 0 at which ψ(a) is y, of any shape, by Newton's method on the logarithm.

    The start is within 10% of the solution. Reference: T. P. Minka (2000), Estimating a Dirichlet distribution,
    appendix C.
    """
    a = np.where(y > -2.22, np.exp(np.maximum(y, -2.22)) + 0.5, -1 / np.minimum(y - digamma(1.0), -1.0))
    return _newton(a, lambda a: (y - digamma(a)) / _a_trigamma(a))


def _a_trigamma(a: Array) -> Array:
    """Return a ψ'(a), by its recurrence: ψ'(a) itself overflows near zero."""
    return 1 / a + a * polygamma(1, 1 + a)


def _newton(a: Array, step: Callable[[Array], Array]) -> Array:
    """Multiply by exp(step) until the steps are rounding."""
    for _ in range(NEWTON_STEPS):
        change = step(a)
        a = a * np.exp(change)
        if (np.abs(change) <= 4 * EPS).all():
            break
    return a


def _by_size(a: Array, small: Callable[[Array], Array], large: Callable[[Array], Array]) -> Array:
    return np.where(a < LARGE, small(np.minimum(a, LARGE)), large(np.maximum(a, LARGE)))


def _series(coefficients: Array, a: Array) -> Array:
    """Return Σ_i c_i a^(-2i)."""
    return np.asarray(np.polynomial.polynomial.polyval((1 / a) ** 2, coefficients), dtype=np.float64)
