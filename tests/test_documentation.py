"""The models of the documentation obey the laws that it sends the reader to, and its figures can be drawn."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import emkit

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
TestPoissonMixtureWithPriors = _page.TestPoissonMixtureWithPriors
TestThermometer = _page.TestThermometer

_emissions = as_module("writing-emissions.md", "writing_emissions")

TestMixtureOfGeometrics = _emissions.TestMixture
TestChainOfGeometrics = _emissions.TestChain


def test_the_reference_names_everything_public() -> None:
    """Every name of `emkit.__all__` has an entry in the reference."""
    named = re.findall(r"^::: emkit\.(\w+)", (DOCS / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(emkit.__all__) <= set(named)


def test_figures_are_drawn(tmp_path: Path) -> None:
    """The script that draws the figures runs, and draws each figure that a page shows."""
    script = [sys.executable, "-W", "error", str(DOCS / "make_figures.py"), str(tmp_path)]
    subprocess.run(script, check=True, env={**os.environ, "MPLCONFIGDIR": str(tmp_path / "cache")})
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    assert set(re.findall(r"\(figures/(\w+\.png)\)", pages)) == {path.name for path in tmp_path.glob("*.png")}


@pytest.mark.parametrize("page", ["monotone.md", "choosing.md"])
def test_what_a_page_prints_is_what_its_blocks_print(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each block of output is that of the block of code above it."""
    text = (DOCS / page).read_text(encoding="utf-8")
    name = page.removesuffix(".md")
    namespace = sys.modules.setdefault(name, ModuleType(name)).__dict__
    for code, output in re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)\n```)?", text, re.DOTALL):
        exec(compile(code, page, "exec"), namespace)
        assert capsys.readouterr().out.strip() == output.strip()
