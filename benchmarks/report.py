"""What a section of the benchmark hands in: tables, bars and raw figures; and how they are laid out."""

import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


@dataclass(frozen=True)
class Table:
    """Rows of cells under column heads."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        """Lay the table out in Markdown, columns aligned: the first to the left, the others to the right."""
        lines = [list(self.columns), *map(list, self.rows)]
        widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(self.columns))]
        laid = [
            "| "
            + " | ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
            for line in lines
        ]
        rule = "| " + " | ".join("-" * (w - 1) + ":" if i else "-" * w for i, w in enumerate(widths))
        return "\n".join([f"**{self.title}**", "", *(line + " |" for line in [laid[0], rule, *laid[1:]])])


@dataclass(frozen=True)
class Bar:
    """What is asked, what was reached, and whether that is enough."""

    asked: str
    reached: str
    met: bool

    @classmethod
    def at_least(cls, asked: str, reached: float, least: float, unit: str = "") -> "Bar":
        """Ask for a figure that is no less; nan is a bar missed."""
        return cls(asked, number(reached) + unit, reached >= least)

    @classmethod
    def at_most(cls, asked: str, reached: float, most: float, unit: str = "") -> "Bar":
        """Ask for a figure that is no more; nan is a bar missed."""
        return cls(asked, number(reached) + unit, reached <= most)


@dataclass(frozen=True)
class Section:
    """One part of the benchmark."""

    title: str
    tables: Sequence[Table] = ()
    bars: Sequence[Bar] = ()
    notes: Sequence[str] = ()
    figures: dict[str, Any] = field(default_factory=dict)  # raw, for the results file

    def __str__(self) -> str:
        """Lay the section out in Markdown."""
        return "\n\n".join([f"### {self.title}", *self.notes, *map(str, self.tables)])

    def as_json(self) -> dict[str, Any]:
        """Return bars and figures for a results file."""
        return {"title": self.title, "bars": [asdict(bar) for bar in self.bars], "figures": self.figures}


def bars_of(sections: Sequence[Section]) -> Table:
    """Return the table of all bars."""
    rows = [[bar.asked, bar.reached, "yes" if bar.met else "**no**"] for section in sections for bar in section.bars]
    return Table("Bars", ["bar", "reached", "met"], rows)


def number(figure: float) -> str:
    """Write a figure with three digits; a dash where there is none."""
    if math.isnan(figure):
        return "-"
    if figure == 0 or not 1e-3 <= abs(figure) < 1e6:
        return f"{figure:.1e}" if figure else "0"
    return f"{figure:,.{max(0, 2 - math.floor(math.log10(abs(figure))))}f}"


def progress(doing: str) -> None:
    """Say on the side what is being measured, and when."""
    print(f"{time.strftime('%H:%M:%S')}  {doing}", file=sys.stderr, flush=True)


def write_results(page: Path, results: str) -> None:
    """Put results into a page, between its markers."""
    text = page.read_text(encoding="utf-8")
    head, tail = text[: text.index(BEGIN) + len(BEGIN)], text[text.index(END) :]
    page.write_text(f"{head}\n\n{results}\n\n{tail}", encoding="utf-8")
