"""Run every Python block of README.md and docs/ as a test; the blocks of one page share their names, in order."""

import os

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

os.environ.setdefault("MPLBACKEND", "Agg")  # figures are drawn without a screen

pytest_collect_file = Sybil(parsers=[PythonCodeBlockParser()], patterns=["README.md", "docs/*.md"]).pytest()
