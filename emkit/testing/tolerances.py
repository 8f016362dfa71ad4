"""How exactly the laws must hold, each number with its reason. Those of derivatives stand in `emkit/differences`."""

RELATIVE = 1e-10
"""Of sums that differ only in rounding, against the largest entry of the array that holds them.

A posterior is known to eps · |log p|, and a sum of N such terms to N times that at worst: 2e-16 · 1e3 nats · 300 units.
"""

MOST_NOISE = 1e-3
"""Of what noise may add, per unit of data, in natural units; beyond it the laws of gradients have lost their power.

A denominator of n - 1 shifts the gradient by 1 / 2n or more: 2.5e-3 of 200 units. Raw second moments stay below up to
a location of some 1e4 standard deviations.
"""

SAME_MODEL = 1e-8
"""Of the log marginals of two models that should be one, relative, or in nats where they are below one.

A closed M-step repeats to rounding; one solved by iteration to the square root of eps.
"""

ROUND_TRIP = 1e-9
"""Of parameters after `unpack(pack(model))`: condition number times eps, up to covariances of condition 1e6."""

STANDARD_ERRORS = 7.0
"""Of the mean score of a sample. Chance goes beyond it once in 4e11 normal draws, and rarely enough in skew ones."""

LEAST_DEVIATION = 1.0
"""Of the score of one unit, in natural units, where it is 1 at the example: an event so rare that no draw shows it
leaves no trace in the deviation of the sample, but does in the mean score."""

SAMPLE_SIZE = 2000
"""Units drawn to see the moments: a mean score of 0.16 natural units is seven standard errors."""

SPREAD = 0.3
"""How far models are drawn from the example, in natural units: other models, of the same region."""

NEARBY = (0.3, 0.03)
"""How far rivals of an M-step's result are drawn, in natural units."""

RIVALS = 4
"""How many are drawn at each distance: a result off by less than a rival's distance loses to one in three of them."""

MOST_LOST = 3.0
"""Nats per unit that a drawn model may fit worse than the example; beyond that the draw is brought nearer."""

MOST_UNITS = 200
"""Units in a resampled data set: enough for every law, few enough to be quick."""

MOST_CONFIGURATIONS = 100_000
"""Latent configurations of one unit that are summed one by one."""
