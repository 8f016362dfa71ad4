"""The conformance kit: laws that any latent variable model must obey, as a pytest class.

TestMine = emkit.testing.conformance(model, data)
"""

try:
    import pytest  # noqa: F401  # its runner is what the classes are for

    from emkit.testing.law import BrokenLawError
    from emkit.testing.suite import conformance
except ModuleNotFoundError as error:
    if error.name not in ("pytest", "hypothesis"):
        raise
    raise ImportError(f"emkit.testing needs {error.name}, which is not installed: pip install emkit[test]") from error

__all__ = ["BrokenLawError", "conformance"]
