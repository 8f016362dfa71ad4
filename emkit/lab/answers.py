"""Answers of a closer look: a theorem holds, is broken, or that cannot be told."""

from typing import TypeAlias

import attrs


@attrs.frozen
class Holds:
    """A theorem holds here."""


@attrs.frozen
class Broken:
    """What a theorem says is zero is not."""

    text: str
    blocks: tuple[str, ...] = ()
    hint: str = ""


@attrs.frozen
class Unknown:
    """It cannot be told."""

    why: str
    raised: bool = False  # because a step raised
    blurred: bool = False  # because rounding leaves nothing of it


Answer: TypeAlias = Holds | Broken | Unknown
