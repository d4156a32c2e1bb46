"""Pictures of what a finding has seen, from what its look has kept: bars in a table, or columns over time. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

import msgspec

from services.findings import wording
from services.findings.finding import Seen
from services.findings.samples import Burst, Drift, Estimate, Pairs, Pressure, Silence

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_KB: Final = ("\N{NO-BREAK SPACE}kB", 1000)
_UNITS: Final = {"latency": ("\N{NO-BREAK SPACE}ms", 1000), "request-size": _KB, "response-size": _KB}
_DAY_MS: Final = 24 * _HOUR_MS


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


Picture = Bars | Columns | Steps


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


def pictures(seen: Seen, words: Words) -> tuple[Picture, ...]:
    """What can be drawn of it: nothing of kinds that have no picture, or that an earlier version has written."""
    draw = _KINDS.get(seen.kind)
    if draw is None:
        return ()
    try:
        return tuple(draw(seen, words))
    except msgspec.ValidationError:
        return ()


def _drift(seen: Seen, words: Words) -> Sequence[Picture]:
    drift = msgspec.convert(seen.shown, Drift)
    measure = dict(seen.about).get("measure", "")
    longest = max((max(each.before, each.now) for each in drift.bins), default=0.0)
    rows = [
        Row(
            _bin_label(each.name, each.low, each.high, measure, words),
            tuple(Bar(_part(share, longest), words.percent(share)) for share in (each.before, each.now)),
        )
        for each in drift.bins
    ]
    before = {"": "findings-before", "*": "findings-other-versions"}.get(drift.against, "findings-version")
    series = (words.say(before, version=drift.against), words.say("findings-now"))
    return [Bars(words.say("findings-shares"), words.say("findings-value"), series, tuple(rows))] if rows else []


def _bin_label(name: str | None, low: float | None, high: float | None, measure: str, words: Words) -> str:
    if name is not None:
        return words.say("findings-others") if name == "*" else name
    unit, size = _UNITS.get(measure, ("", 1))
    least, most = ("" if each is None else words.number(each / size) + unit for each in (low, high))
    if not least:
        return words.say("findings-below", high=most) if most else words.say("findings-all")
    return words.say("findings-between", low=least, high=most) if most else words.say("findings-from", low=least)


def _burst(seen: Seen, words: Words) -> Sequence[Picture]:
    burst = msgspec.convert(seen.shown, Burst)
    start_ms = seen.start_ms // _HOUR_MS * _HOUR_MS
    first = (seen.start_ms - start_ms) // _MINUTE_MS
    marked = range(first, first + burst.minutes)
    found: list[Picture] = []
    if any(burst.counts):
        most = max(burst.counts)
        columns = tuple((_part(each, most), at in marked) for at, each in enumerate(burst.counts))
        peak = words.say("findings-peak", count=words.number(most), whole=words.number(sum(burst.counts)))
        title = words.say("findings-by-minute")
        found.append(Columns(title, peak, start_ms, start_ms + _HOUR_MS, "moment", columns))
    if burst.agents:
        found.append(_ranked(words, "findings-by-agent", [(each.name, each.count) for each in burst.agents]))
    return found


def _silence(seen: Seen, words: Words) -> Sequence[Picture]:
    days = {each.at_ms: each for each in msgspec.convert(seen.shown, Silence).days}
    if not days:
        return []
    shares = {at: each.matches / max(each.calls, 1) for at, each in days.items()}
    most, now = max(shares.values()), days[max(days)]
    all_days = range(min(days), max(days) + 1, _DAY_MS)
    columns = tuple((_part(shares.get(at, 0.0), most), at >= seen.start_ms) for at in all_days)
    said = words.say("findings-matched", matches=words.number(now.matches), calls=words.number(now.calls))
    return [Columns(words.say("findings-by-day"), said, min(days), max(days) + _DAY_MS, "day", columns)]


def _pressure(seen: Seen, words: Words) -> Sequence[Picture]:
    pressure = msgspec.convert(seen.shown, Pressure)
    found: list[Picture] = []
    told = [(_contacts(each.low, each.high, words), each.per_1000) for each in pressure.groups]
    told += [(words.say("findings-holdout"), pressure.holdout)] if pressure.holdout else []
    longest = max((each.high for _, each in told if each), default=0.0)
    if longest > 0:
        rows = tuple(Row(label, (_estimated(each, longest, words),)) for label, each in told)
        of = words.say("findings-contacts-before")
        found.append(Bars(words.say("findings-per-1000"), of, (words.say("findings-rate"),), rows))
    if pressure.agents:
        ranked = [(each.agent, each.beyond or each.contacts) for each in pressure.agents]
        key = "findings-beyond" if any(each.beyond for each in pressure.agents) else "findings-contacts"
        found.append(_ranked(words, key, ranked))
    return found


def _contacts(low: int, high: int, words: Words) -> str:
    least, most = words.number(low), words.number(high)
    return least if low == high else words.say("findings-between", low=least, high=most)


def _estimated(estimate: Estimate | None, longest: float, words: Words) -> Bar:
    if estimate is None:
        return Bar(0.0, words.say("findings-too-few"))
    low, high = words.number(estimate.low), words.number(estimate.high)
    text = words.say("findings-estimate", value=words.number(estimate.value), low=low, high=high)
    return Bar(_part(estimate.value, longest), text, _part(estimate.low, longest), _part(estimate.high, longest))


def _around(seen: Seen, words: Words) -> Sequence[Picture]:
    pairs = msgspec.convert(seen.shown, Pairs).pairs
    told = tuple((each.refused, each.done, words.number(each.after_ms / 1000)) for each in pairs)
    return [Steps(words.say("findings-steps"), told)] if told else []


def _ranked(words: Words, key: str, ranked: Sequence[tuple[str, float]]) -> Bars:
    most = max((each for _, each in ranked), default=0.0)
    rows = tuple(Row(name, (Bar(_part(count, most), words.number(count)),)) for name, count in ranked)
    return Bars(words.say(key), words.say("findings-agent"), (words.say("findings-count"),), rows)


def _part(value: float, whole: float) -> float:
    return min(max(value / whole, 0.0), 1.0) if whole > 0 else 0.0


_KINDS: Final[Mapping[str, Callable[[Seen, Words], Sequence[Picture]]]] = {
    "drift": _drift,
    "burst": _burst,
    "silence": _silence,
    "pressure": _pressure,
    "around": _around,
}
