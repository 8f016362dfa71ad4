"""Regressions: a response given covariates, with an intercept and coefficients of each state."""
