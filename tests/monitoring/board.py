"""A dashboard of Grafana, as far as ours goes."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a panel stands, in columns and rows of the page; 24 columns."""

    h: Annotated[int, msgspec.Meta(ge=1)]
    w: Annotated[int, msgspec.Meta(ge=1, le=24)]
    x: Annotated[int, msgspec.Meta(ge=0, le=23)]
    y: Annotated[int, msgspec.Meta(ge=0)]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where data comes from: what the person chooses at the top of the page."""

    type: Literal["prometheus"]
    uid: Literal["${datasource}"]


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One query."""

    refId: Annotated[str, msgspec.Meta(pattern="^[A-Z]$")]  # noqa: N815 - Grafana's names
    datasource: Source
    expr: Text
    legendFormat: Text  # noqa: N815
    exemplar: bool = False
    range: bool = False
    instant: bool = False


class Panel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One panel, or the head of a row."""

    id: int
    type: Literal["row", "timeseries", "stat"]
    title: Text
    gridPos: Place  # noqa: N815
    description: str = ""
    datasource: Source | None = None
    targets: tuple[Target, ...] = ()
    fieldConfig: dict[str, Any] = {}  # noqa: N815
    options: dict[str, Any] = {}
    collapsed: Literal[False] = False
    panels: tuple[()] = ()


class Board(msgspec.Struct, frozen=True):
    """The dashboard."""

    title: Text
    uid: Text
    schemaVersion: Annotated[int, msgspec.Meta(ge=30)]  # noqa: N815
    templating: dict[Literal["list"], list[dict[str, Any]]]
    panels: tuple[Panel, ...]


def read(path: Path) -> Board:
    """The file.

    Raises:
        msgspec.ValidationError: it is none of ours.
    """
    return msgspec.json.decode(path.read_bytes(), type=Board)
