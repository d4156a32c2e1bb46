"""What a report consists of, before it is HTML, PDF or a mail: texts, tables and pictures, in one language. Pure.

Whatever stands in it is plain text: nothing of it is ever read as markup.
"""

from typing import Literal, TypeAlias

import msgspec


class Paragraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """A sentence or more."""

    text: str
    tone: Literal["", "bad", "good"] = ""
    """Whether it is set apart."""


class Tile(msgspec.Struct, frozen=True):
    """One number that is seen first."""

    label: str
    value: str
    note: str
    tone: Literal["", "bad", "good"] = ""


class Glance(msgspec.Struct, frozen=True, tag="glance"):
    """A few numbers beside each other."""

    tiles: tuple[Tile, ...]


class Table(msgspec.Struct, frozen=True, tag="table"):
    """Rows under a head; of `numbers` the columns, from 0, that are set to the right."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


class Code(msgspec.Struct, frozen=True, tag="code"):
    """Something that is copied as it is: a signed note, a command."""

    caption: str
    text: str


class Series(msgspec.Struct, frozen=True):
    """One colour of a picture, with a value for each of its labels."""

    name: str
    values: tuple[float, ...]


class Plot(msgspec.Struct, frozen=True):
    """Bars for each label: one on top of the other, or lying where there is one series of names.

    Ranges are points with a line around each: the first series are values, the next two their intervals' ends.
    """

    labels: tuple[str, ...]
    series: tuple[Series, ...]
    unit: str
    """What is counted, as it stands beside the axis."""
    shape: Literal["columns", "bars", "ranges"] = "columns"


class Figure(msgspec.Struct, frozen=True, tag="figure"):
    """A picture with what it shows in words, for whom cannot see it."""

    caption: str
    alt: str
    plot: Plot


class Check(msgspec.Struct, frozen=True):
    """One thing that is asked for, and what the log shows of it."""

    article: str
    asked: str
    state: Literal["shown", "partly", "not-shown"]
    word: str
    """The state in words."""
    found: str


class Checklist(msgspec.Struct, frozen=True, tag="checklist"):
    """Checks, and the names of their columns."""

    caption: str
    head: tuple[str, str, str, str]
    checks: tuple[Check, ...]


Block: TypeAlias = Paragraph | Glance | Table | Code | Figure | Checklist


class Section(msgspec.Struct, frozen=True):
    """A part with a title."""

    title: str
    blocks: tuple[Block, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A report."""

    title: str
    subtitle: str
    language: str
    """"en" or "fr"."""
    made_ms: int
    """When it was made, milliseconds since the epoch; the same document at the same time is the same file."""
    sections: tuple[Section, ...]

    def figures(self) -> tuple[Figure, ...]:
        """Its pictures, in order."""
        return tuple(block for part in self.sections for block in part.blocks if isinstance(block, Figure))
