"""Decisions as rows of a table: any field of filters is a column. Pure."""

import unicodedata
from typing import Final

from gateway.copies import looks
from gateway.core.record import Verdict
from gateway.records.conclusion import Conclusion, State
from gateway.rpc.times import timestamp
from gateway.wire.reading import entries_in
from pilote.audit.v1 import summaries_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.filters.fields import FIELDS, Field, Kind
from services.audit.filters.matching import values
from services.audit.filters.paths import Value
from services.audit.store import Stored
from services.commands.decision_texts import say

Rows = tuple[tuple[str, ...], ...]
"""The first row names the columns; `services.commands.shell.print_rows` prints them."""

USUAL: Final = ("receive_time", "agent", "method", "verdict", "reason", "rule", "status", "version", "ms", "id")
"""Columns where none are asked for."""
_BAR: Final = 40
_BESIDE_BARS: Final = 70
"""What else stands on a line of a chart: a time, five counts of six characters, and the lines of the table."""
_OBEYED: Final = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def head(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the columns; the usual ones where none are named."""
    return columns or USUAL


def row(decision: decision_pb2.Decision, columns: tuple[str, ...]) -> tuple[str, ...]:
    """A decision in the columns that are named, or the usual ones."""
    if columns:
        stored = stored_of(decision)
        return tuple(clean(_cell(FIELDS[name], stored)) for name in columns)
    known = decision.verdict != decision_pb2.VERDICT_ALLOW and decision.HasField("decide_duration")
    took = (
        decision.total_duration if decision.HasField("total_duration") else decision.decide_duration if known else None
    )
    cells = (
        decision.receive_time.ToJsonString(),
        decision.agent,
        decision.method.rpartition("/")[2],
        decision_pb2.Verdict.Name(decision.verdict).removeprefix("VERDICT_"),
        decision.reason,
        decision.rule,
        decision.status,
        decision.model_version,
        "" if took is None else f"{took.ToMicroseconds() / 1000:.1f}",
        decision.name.removeprefix("decisions/"),
    )
    return tuple(clean(cell) for cell in cells)


def stored_of(decision: decision_pb2.Decision) -> Stored:
    """The decision as a store knows it, from what it says over the wire."""
    record, outcome, settlement = entries_in(decision)
    conclusion = Conclusion(
        verdict=Verdict(decision_pb2.Verdict.Name(decision.verdict).removeprefix("VERDICT_")),
        reason=decision.reason,
        rule=decision.rule,
        status=decision.status,
        state=State(decision_pb2.DecisionState.Name(decision.state).removeprefix("DECISION_STATE_")),
        settled_ms=decision.settle_time.ToMilliseconds() if decision.HasField("settle_time") else None,
    )
    copies = looks.results(decision)
    return Stored(conclusion=conclusion, record=record, outcome=outcome, settlement=settlement, copies=copies)


def clean(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    return "".join(f"\\x{ord(each):02x}" if unicodedata.category(each) in _OBEYED else each for each in text)


def facet_rows(facet: summaries_pb2.Facet, *, total: int, language: str) -> Rows:
    """The values of a field with how many decisions have each."""
    shown = [
        (clean(each.value) or say("empty", language=language), str(each.count), _share(each.count, total, language))
        for each in facet.values
    ]
    if facet.more_values:
        others = say("others", language=language, count=facet.more_values)
        shown.append((others, str(facet.more_count), _share(facet.more_count, total, language)))
    columns = say("facet-columns", language=language, field=facet.field).split("|")
    return (tuple(columns), *shown)


def bar_room(width: int) -> int:
    """How long bars may be on a terminal of that width, beside the time and the counts."""
    return min(max(width - _BESIDE_BARS, 5), _BAR)


def chart_rows(chart: summaries_pb2.ChartDecisionsResponse, *, room: int, language: str) -> Rows:
    """Counts by time, with bars of up to `room` characters where a person reads them; 0: none."""
    most = max((bucket.count for bucket in chart.buckets), default=0)
    columns = say("chart-columns", language=language).split("|")
    rows = []
    for bucket in chart.buckets:
        counts = {each.verdict: each.count for each in bucket.verdicts}
        by_verdict = (str(counts.get(verdict, 0)) for verdict in sorted(decision_pb2.Verdict.values())[1:])
        time = bucket.start_time.ToJsonString().removesuffix("Z").replace("T", " ")
        rows.append((time, *((bar(bucket.count, most, room=room),) if room else ()), str(bucket.count), *by_verdict))
    return ((columns[0], *([""] if room else []), *columns[1:]), *rows)


def bar(count: int, most: int, *, room: int = _BAR) -> str:
    """A bar of up to `room` characters; anything at all is at least its thinnest."""
    eighths = max(round(count * room * 8 / most), 1) if count else 0
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def _cell(field: Field, stored: Stored) -> str:
    if field.path.shape == "{}":
        source = getattr(stored, field.path.source)
        return ", ".join(f"{key}={value}" for key, value in sorted(getattr(source, field.path.name, {}).items()))
    found = values(field, stored)
    return ", ".join(_text(field, each) for each in (found if field.path.single else sorted(found, key=str)))


def _text(field: Field, value: Value) -> str:
    match field.kind:
        case Kind.TIME:
            return timestamp(int(value)).ToJsonString()
        case Kind.DURATION:
            return f"{int(value) / 1_000:g}ms"
        case Kind.BOOL:
            return "true" if value else "false"
        case Kind.NAME:
            return f"decisions/{value}" if value else ""
        case _:
            return str(value)


def _share(count: int, total: int, language: str) -> str:
    text = f"{count * 100 / total:.1f}" if total else "0.0"
    return f"{text.replace('.', ',')}\u202f%" if language == "fr" else f"{text}%"
