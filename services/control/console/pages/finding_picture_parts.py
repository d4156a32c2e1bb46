"""What pictures of findings consist of, and how numbers become lengths. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.findings import wording
from services.findings.finding import Seen

DAY_MS: Final = 86_400_000


class Bar(msgspec.Struct, frozen=True):
    """One bar, with what it says. Lengths are shares of the longest, 0 to 1."""

    length: float
    text: str
    low: float = 0.0
    """Of its interval; likewise `high`, which is 0 where there is none."""
    high: float = 0.0


class Row(msgspec.Struct, frozen=True):
    """A bar of each series."""

    label: str
    bars: tuple[Bar, ...]


class Bars(msgspec.Struct, frozen=True):
    """A table with a bar for each row and series."""

    kind: ClassVar[str] = "bars"
    title: str
    of: str
    """What the rows are."""
    series: tuple[str, ...]
    rows: tuple[Row, ...]


class Columns(msgspec.Struct, frozen=True):
    """Columns over time, equally far apart from `start_ms` on; those of the time of the finding are marked."""

    kind: ClassVar[str] = "columns"
    title: str
    said: str
    """The same in words."""
    start_ms: int
    end_ms: int
    times: str
    """How they are written: "moment" or "day"."""
    columns: tuple[tuple[float, bool], ...]
    """Height as a share of the highest, 0 to 1, and whether it is marked."""


class Steps(msgspec.Struct, frozen=True):
    """Pairs of decisions, one after the other."""

    kind: ClassVar[str] = "steps"
    title: str
    pairs: tuple[tuple[str, str, str], ...]
    """Ids, and how much later the second was."""


class Names(msgspec.Struct, frozen=True):
    """Values, as they are."""

    kind: ClassVar[str] = "names"
    title: str
    names: tuple[str, ...]


Picture = Bars | Columns | Steps | Names


class Words:
    """Says things and writes numbers in the reader's language."""

    def __init__(self, say: Callable[..., str], language: str) -> None:
        self.say = say
        self._language = language

    def number(self, value: float) -> str:
        """With three digits that count."""
        return wording.number(value, language=self._language)

    def percent(self, share: float) -> str:
        """A share of 1."""
        return wording.percent(share, language=self._language)

    def group(self, value: str) -> str:
        """A group of people, as fairness compares them."""
        return wording.grouped("group", value, language=self._language)


def by_day(title: str, said: str, days: Mapping[int, float], seen: Seen) -> Columns:
    """Of values by the day's first millisecond; days without one have 0."""
    first, last, most = min(days), max(days), max(days.values())
    columns = tuple((part(days.get(at, 0.0), most), at >= seen.start_ms) for at in range(first, last + 1, DAY_MS))
    return Columns(title, said, first, last + DAY_MS, "day", columns)


def ranked(words: Words, key: str, counts: Sequence[tuple[str, float]], *, of: str = "findings-agent") -> Bars:
    """Counts by name, in that order."""
    most = max((each for _, each in counts), default=0.0)
    rows = tuple(Row(name, (Bar(part(count, most), words.number(count)),)) for name, count in counts)
    return Bars(words.say(key), words.say(of), (words.say("findings-count"),), rows)


def part(value: float, whole: float) -> float:
    """A value as a share of a whole, 0 to 1."""
    return min(max(value / whole, 0.0), 1.0) if whole > 0 else 0.0
