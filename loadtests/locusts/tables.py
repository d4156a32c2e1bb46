"""What came of a run as tables: for the terminal, for the HTML report, and as CSV. Pure."""

import csv
import html
import io
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from loadtests.locusts.measures import NothingMeasured, Of, Ran, Selection, borne, measured, merged
from loadtests.locusts.scenarios import OVER
from loadtests.locusts.spread import Spread
from loadtests.locusts.tally import Key
from loadtests.locusts.thresholds import Judged

_PERCENTILES: Final = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


class Table(msgspec.Struct, frozen=True):
    """Texts in rows and columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(
    ran: Ran, *, records: Sequence[tuple[str, str, int]] = (), judged: Sequence[Judged] = ()
) -> tuple[Table, ...]:
    """All there is to show; `records` are (field, value, count) as the audit service has them."""
    found = [_by_verdict(ran), _by_phase(ran)]
    if records:
        rows = tuple((field, value or "-", f"{count:,}") for field, value, count in records)
        found.append(Table("By the records", ("field", "value", "decisions"), rows))
    if judged:
        found.append(Table("Thresholds", ("",), tuple((each.text,) for each in judged)))
    return tuple(found)


def as_text(table: Table) -> str:
    """For a terminal: the first column to the left, as all that is no number."""
    widths = [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]
    heads = "  ".join(_cell(c, w, number=False) for c, w in zip(table.columns, widths, strict=True))
    rows = ("  ".join(_cell(c, w, number=c[:1].isdigit()) for c, w in zip(r, widths, strict=True)) for r in table.rows)
    lines = (table.title, heads, *rows)
    return "\n".join(line.rstrip() for line in lines)


def as_html(found: Iterable[Table]) -> str:
    """A section to stand before the end of a page's body. Every text is escaped: reasons come over the network."""
    parts = ["<section id='pilote' style='font-family:sans-serif;margin:2em'>"]
    for table in found:
        heads = "".join(f"<th style='text-align:left;padding:2px 12px'>{html.escape(c)}</th>" for c in table.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td style='padding:2px 12px'>{html.escape(c)}</td>" for c in row) + "</tr>"
            for row in table.rows
        )
        parts.append(f"<h2>{html.escape(table.title)}</h2><table><tr>{heads}</tr>{rows}</table>")
    return "".join([*parts, "</section>"])


def into_page(page: str, section: str) -> str:
    """The page with the section at the end of its body, or after it where it has none."""
    head, end, tail = page.rpartition("</body>")
    return f"{head}{section}{end}{tail}" if end else page + section


def as_csv(ran: Ran) -> str:
    """Every sum that there is, one a line, with its percentiles in milliseconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = ("calls", "mean_ms", "p50_ms", "p95_ms", "p99_ms", "max_ms", "late_p99_ms")
    writer.writerow((*Key._fields, *heads))
    for key in sorted(ran.tally.times):
        times = ran.tally.times[key]
        figures = [times.sum_ms / times.count, *(times.at(share) for _, share in _PERCENTILES), times.most_ms]
        late = ran.tally.late[key].at(0.99)
        writer.writerow((*key, times.count, *(f"{figure:.3f}" for figure in (*figures, late))))
    return text.getvalue()


def _by_verdict(ran: Ran) -> Table:
    every, groups = Selection(), dict[tuple[str, str, str], Spread]()
    for key, times in ran.tally.times.items():
        if every.has(key):
            groups.setdefault((key.verdict, key.reason, key.door), Spread()).merge(times)
    calls = sum(times.count for times in groups.values())
    rows = []
    for group in sorted(groups):
        (verdict, reason, door), times = group, groups[group]
        rows.append((verdict, reason or "-", door, f"{times.count:,}", f"{times.count / calls:.2%}", *_times(times)))
    columns = ("verdict", "reason", "door", "calls", "share", "p50 ms", "p95 ms", "p99 ms", "max ms")
    return Table("Calls by verdict, from their intended start, without the warm-up", columns, tuple(rows))


def _by_phase(ran: Ran) -> Table:
    rows = []
    for name in dict.fromkeys(phase.name for phase in ran.phases if phase.name != OVER):
        selection = Selection(phase=name)
        allowed = merged(ran.tally.times, selection, Of(verdict="ALLOW"))
        figures = [_or_none("refused", ran, selection), _or_none("errors", ran, selection)]
        seconds = sum(phase.seconds for phase in ran.phases if phase.name == name)
        calls = merged(ran.tally.times, selection, Of()).count
        late = _or_none("late_p99_ms", ran, selection)
        rows.append(
            (
                name,
                f"{calls / seconds:.1f}",
                *("-" if figure is None else f"{figure:.2%}" for figure in figures),
                *_times(allowed),
                "-" if late is None else f"{late:.1f}",
            )
        )
    columns = ("phase", "calls/s", "refused", "errors", "p50 ms", "p95 ms", "p99 ms", "max ms", "generator late p99 ms")
    best, per_second = borne(ran)
    note = f"; borne without being late: {per_second:.0f} calls/s ({best})" if best.startswith("x") else ""
    return Table(f"By phase, times of allowed calls{note}", columns, tuple(rows))


def _or_none(name: str, ran: Ran, selection: Selection) -> float | None:
    try:
        return measured(name, ran, selection=selection, of=Of())
    except NothingMeasured:
        return None


def _times(times: Spread) -> tuple[str, ...]:
    if not times.count:
        return ("-",) * 4
    return (*(f"{times.at(share):.1f}" for _, share in _PERCENTILES), f"{times.most_ms:.1f}")


def _cell(text: str, width: int, *, number: bool) -> str:
    return text.rjust(width) if number else text.ljust(width)
