"""Algorithms other than plain EM, one per file: values that are their own state.

Accelerators extrapolate in free coordinates, so that no step leaves the parameter space, and ascend the objective: an
extrapolated point below the last accepted one is dropped, and the EM step is taken instead.
"""
