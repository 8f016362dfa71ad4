"""The models of the documentation obey the laws that its page on writing models sends the reader to."""

import sys
from pathlib import Path
from types import ModuleType

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

DOCS = Path(__file__).parent.parent / "docs"


def as_module(page: str, name: str) -> ModuleType:
    """Run the Python blocks of a page, in order, as the source of one module, so that its classes pickle."""
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(DOCS)).parse(DOCS / page)
    module = sys.modules[name] = ModuleType(name)
    document.namespace["__name__"] = name
    for example in document.examples():
        example.evaluate()
    module.__dict__.update(document.namespace)
    return module


_page = as_module("writing-a-model.md", "writing_a_model")

TestPoissonMixture = _page.TestPoissonMixture
TestWeightedPoissonMixture = _page.TestWeightedPoissonMixture
