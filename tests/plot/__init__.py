"""Tests of emkit/plot."""
