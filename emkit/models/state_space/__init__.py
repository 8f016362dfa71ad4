"""The linear Gaussian state space model."""
