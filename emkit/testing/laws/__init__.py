"""The laws, by theme: one plain function each."""

from typing import Final

from emkit.testing.law import Law
from emkit.testing.laws import bound, data, e_step, likelihood, m_step, purity, statistics, weights

_ROOMS = (e_step, statistics, weights, m_step, likelihood, bound, purity, data)

LAWS: Final = tuple(law for room in _ROOMS for law in vars(room).values() if isinstance(law, Law))
"""Every law of the kit."""
