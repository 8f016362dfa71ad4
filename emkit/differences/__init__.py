"""Derivatives by differences, in units that are natural to the data."""
