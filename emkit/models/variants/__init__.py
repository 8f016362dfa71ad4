"""Variants of EM for mixtures: what differs is how an E-step shares units out among components."""

from emkit.models.variants.annealed import Annealed
from emkit.models.variants.classification import Classification
from emkit.models.variants.stochastic import Stochastic

__all__ = ["Annealed", "Classification", "Stochastic"]
