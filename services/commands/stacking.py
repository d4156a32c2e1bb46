"""Tables on a terminal that is too narrow for them: each row as a few lines, in place of columns a few letters wide."""

import re
import textwrap
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

Rows = Sequence[tuple[str, ...]]

_READABLE: Final = 12
"""Characters that a column needs for a text to be read in it, folded."""
_UNBROKEN: Final = 24
"""A word so long is an id, a hash or a method: in parts nobody can copy it."""
_INDENT: Final = "    "
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z", re.ASCII)


def for_people(cell: str) -> str:
    """The cell as people read it: a time to the second."""
    return _TIME.sub(r"\1 \2Z", cell)


def fits(rows: Rows, *, width: int) -> bool:
    """Whether a table of these rows can be read at that width, with folded texts. The first row names the columns."""
    least = [max(_least(cell) for cell in column) for column in zip(*rows, strict=True)]
    return sum(least) + 3 * len(least) + 1 <= width


def stacked(row: tuple[str, ...], *, width: int) -> list[str]:
    """The row's cells beside each other, on further lines where they do not fit; "-" stands for an empty one."""
    lines: list[str] = []
    for cell in row:
        room = textwrap.wrap(cell, max(width - len(_INDENT), 1), break_long_words=False, break_on_hyphens=False)
        for place, part in enumerate(room or ["-"]):
            joined = f"{lines[-1]}  {part}" if lines else part
            if lines and (place or cell_len(joined) > width):
                lines.append(f"{_INDENT}{part}")
            else:
                lines[-1:] = [joined]
    return lines


def _least(cell: str) -> int:
    long = max((cell_len(word) for word in re.split(r"[\s,]+", cell)), default=0)
    return long if long >= _UNBROKEN else min(cell_len(cell), _READABLE)
