"""Gaussian emissions: full, tied, diagonal and spherical covariances, each a class of its own."""
