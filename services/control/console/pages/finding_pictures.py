"""Pictures of what a finding has seen, from what its look has kept: bars in a table, or columns over time. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from services.control.console.pages.finding_picture_parts import (
    Bar,
    Bars,
    Columns,
    Names,
    Picture,
    Row,
    Steps,
    Words,
    by_day,
    part,
    ranked,
)
from services.findings.finding import Seen
from services.findings.samples import (
    AddingUp,
    Burst,
    Drift,
    Estimate,
    Fairness,
    Novelty,
    Pairs,
    Pressure,
    Probing,
    Silence,
)

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_KB: Final = ("\N{NO-BREAK SPACE}kB", 1000)
_UNITS: Final = {"latency": ("\N{NO-BREAK SPACE}ms", 1000), "request-size": _KB, "response-size": _KB}


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
            tuple(Bar(part(share, longest), words.percent(share)) for share in (each.before, each.now)),
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
        columns = tuple((part(each, most), at in marked) for at, each in enumerate(burst.counts))
        peak = words.say("findings-peak", count=words.number(most), whole=words.number(sum(burst.counts)))
        title = words.say("findings-by-minute")
        found.append(Columns(title, peak, start_ms, start_ms + _HOUR_MS, "moment", columns))
    if burst.agents:
        found.append(ranked(words, "findings-by-agent", [(each.name, each.count) for each in burst.agents]))
    return found


def _silence(seen: Seen, words: Words) -> Sequence[Picture]:
    days = {each.at_ms: each for each in msgspec.convert(seen.shown, Silence).days}
    if not days:
        return []
    shares = {at: each.matches / max(each.calls, 1) for at, each in days.items()}
    now = days[max(days)]
    said = words.say("findings-matched", matches=words.number(now.matches), calls=words.number(now.calls))
    return [by_day(words.say("findings-by-day"), said, shares, seen)]


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
        counts = [(each.agent, each.beyond or each.contacts) for each in pressure.agents]
        key = "findings-beyond" if any(each.beyond for each in pressure.agents) else "findings-contacts"
        found.append(ranked(words, key, counts))
    return found


def _contacts(low: int, high: int, words: Words) -> str:
    least, most = words.number(low), words.number(high)
    return least if low == high else words.say("findings-between", low=least, high=most)


def _estimated(estimate: Estimate | None, longest: float, words: Words) -> Bar:
    if estimate is None:
        return Bar(0.0, words.say("findings-too-few"))
    low, high = words.number(estimate.low), words.number(estimate.high)
    text = words.say("findings-estimate", value=words.number(estimate.value), low=low, high=high)
    return Bar(part(estimate.value, longest), text, part(estimate.low, longest), part(estimate.high, longest))


def _around(seen: Seen, words: Words) -> Sequence[Picture]:
    pairs = msgspec.convert(seen.shown, Pairs).pairs
    told = tuple((each.refused, each.done, words.number(each.after_ms / 1000)) for each in pairs)
    return [Steps(words.say("findings-steps"), told)] if told else []


def _fairness(seen: Seen, words: Words) -> Sequence[Picture]:
    fairness = msgspec.convert(seen.shown, Fairness)
    group = words.group(dict(seen.about).get("group", ""))
    told = ((group, fairness.rate, seen.n), (words.group(fairness.reference), fairness.reference_rate, seen.m))
    longest = max(fairness.rate, fairness.reference_rate)
    say = words.percent if fairness.share else words.number
    rows = tuple(
        Row(
            words.say("findings-group", group=name, people=words.number(people)),
            (Bar(part(rate, longest), say(rate)),),
        )
        for name, rate, people in told
    )
    rate = words.say("findings-share" if fairness.share else "findings-a-person")
    found: list[Picture] = [Bars(words.say("findings-groups"), words.say("findings-of-group"), (rate,), rows)]
    if fairness.comparisons:
        counts = (fairness.comparisons, fairness.naive, fairness.alerts)
        named = [words.say(f"findings-{each}") for each in ("comparisons", "naive", "alerts")]
        found.append(ranked(words, "findings-judged", list(zip(named, counts, strict=True)), of="findings-what"))
    return found


def _probing(seen: Seen, words: Words) -> Sequence[Picture]:
    probing = msgspec.convert(seen.shown, Probing)
    longest = max(probing.share, probing.others)
    told = ((dict(seen.about).get("agent", ""), probing.share), (words.say("findings-other-agents"), probing.others))
    rows = tuple(Row(name, (Bar(part(share, longest), words.percent(share)),)) for name, share in told)
    return [Bars(words.say("findings-how-often"), words.say("findings-agent"), (words.say("findings-share"),), rows)]


def _adding_up(seen: Seen, words: Words) -> Sequence[Picture]:
    days = {each.at_ms: float(each.customers) for each in msgspec.convert(seen.shown, AddingUp).days}
    if not days:
        return []
    said = words.say("findings-last-day", customers=words.number(days[max(days)]))
    return [by_day(words.say("findings-customers"), said, days, seen)]


def _novelty(seen: Seen, words: Words) -> Sequence[Picture]:
    values = msgspec.convert(seen.shown, Novelty).values
    return [Names(words.say("findings-new-values"), values)] if values else []


_KINDS: Final[Mapping[str, Callable[[Seen, Words], Sequence[Picture]]]] = {
    "drift": _drift,
    "burst": _burst,
    "silence": _silence,
    "pressure": _pressure,
    "around": _around,
    "fairness": _fairness,
    "probing": _probing,
    "adding-up": _adding_up,
    "novelty": _novelty,
}
