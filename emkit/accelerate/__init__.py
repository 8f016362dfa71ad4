"""Algorithms that need fewer passes over the data than plain EM, for any model that declares its parameters.

They extrapolate in free coordinates, so that no step leaves the parameter space, and ascend the objective: an
extrapolated point below the last accepted one is dropped, and the EM step is taken instead.
"""
