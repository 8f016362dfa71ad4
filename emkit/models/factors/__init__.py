"""Linear factor models: factor analysis and probabilistic PCA."""
