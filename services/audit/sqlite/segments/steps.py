"""In which steps segments are read: as few questions as possible, and little that is read in vain. Pure."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final

import msgspec

from services.audit.sqlite.segments.catalogue import Segment

MOST_FILES: Final = 16
"""Parquet files that are read through at once: enough for two threads, and little in vain once a page is full."""
MOST_IDS: Final = 2_048
"""Decisions that are asked for by their ids at once."""

Ids = tuple[str, ...] | None
"""Decisions of a Parquet file that may match; `None`: any may."""


class Step(msgspec.Struct, frozen=True):
    """What is read at once: one segment's SQLite file, the Parquet file under it, or several Parquet files."""

    file: Segment | None = None
    cold: tuple[Segment, ...] = ()
    ids: Ids = None
    """The only decisions in the Parquet files that matter."""


def steps(
    found: Iterable[tuple[Segment, Ids]],
    *,
    wanted: int,
    alike: Callable[[Segment], Hashable] | None = None,
    first: int = 1,
) -> Iterator[Step]:
    """How segments are read in their order, which is that of their ids.

    `wanted` is how many matches are enough, 0 for all: then the first steps are small. Of `alike` files that are read
    through as many as there are in a row are read at once; of others `first` are, and then more.
    """
    files, ids = _Growing(first, MOST_FILES), _Growing(wanted or MOST_IDS, MOST_IDS)
    through: list[Segment] = []
    named: list[tuple[Segment, str]] = []
    for segment, those in found:
        if not segment.file and (those == () or not segment.cold):
            continue
        if those is not None and len(those) > MOST_IDS and (segment.file or not wanted):
            those = None  # noqa: PLW2901
        if segment.file or (those is None and named):
            yield from _named(named, ids)
        full = len(through) == files.now if alike is None else bool(through) and alike(segment) != alike(through[-1])
        if segment.file or (those is not None and through) or full:
            yield from _through(through, files)
        if segment.file:
            yield Step(segment, (segment,) if segment.cold and those != () else (), those)
        elif those is None:
            through.append(segment)
        else:
            for decision in those:
                named.append((segment, decision))
                if len(named) == ids.now:
                    yield from _named(named, ids)
    yield from _named(named, ids)
    yield from _through(through, files)


class _Growing:
    """How much is read at once: twice as much each time, up to a limit."""

    def __init__(self, first: int, most: int) -> None:
        self.now = min(first, most)
        self._most = most

    def grow(self) -> None:
        """It was not enough."""
        self.now = min(self.now * 2, self._most)


def _named(named: list[tuple[Segment, str]], most: _Growing) -> Iterator[Step]:
    if named:
        segments = {segment.hour: segment for segment, _ in named}
        yield Step(cold=tuple(segments.values()), ids=tuple(decision for _, decision in named))
        named.clear()
        most.grow()


def _through(through: list[Segment], most: _Growing) -> Iterator[Step]:
    if through:
        yield Step(cold=tuple(through))
        through.clear()
        most.grow()
