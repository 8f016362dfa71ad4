"""The conformance kit: laws that any latent variable model must obey, as a pytest class."""
