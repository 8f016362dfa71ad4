"""Latent structures: one per file."""
