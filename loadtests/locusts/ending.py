"""The end of a run: what came of it is shown and written, and says whether it is good enough."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc

from loadtests.locusts.course import Course
from loadtests.locusts.measures import NothingMeasured, Of, Ran, Selection, measured
from loadtests.locusts.records import recorded
from loadtests.locusts.tables import as_csv, as_html, as_text, into_page, tables
from loadtests.locusts.thresholds import judged

MISSED: Final = 3
"""Exit code of a run that misses a threshold; Locust's own for a failed call is 1."""
LATE_MS: Final = 250.0
acting: Final[list[Any]] = []
"""Greenlets of acts that may not be over yet."""


class Shown(NamedTuple):
    """What there is to say, and the exit code."""

    text: str
    code: int | None
    """`None` where nothing was to be judged, and Locust has its own."""


def ended(course: Course, *, html: Path | None, csv_prefix: str) -> Shown:
    """Judge the run, and add to the reports that Locust has written."""
    for act in acting:
        act.join()
    told = course.options
    values = _records(course)
    ran = Ran(course.tally, told.scenario.phases, course.figures)
    verdicts = judged(told.thresholds, ran)
    found = tables(ran, records=values, judged=verdicts)
    if csv_prefix:
        Path(f"{csv_prefix}_verdicts.csv").write_text(as_csv(ran), encoding="utf-8")
    if html is not None and html.exists():
        page = html.read_text(encoding="utf-8")
        html.write_text(into_page(page, as_html(found)), encoding="utf-8")
    notes = _notes(ran)
    failed = [f"FAILED {told.scenario.name}: {problem}" for problem in course.problems]
    failed += [f"FAILED {told.scenario.name}: {each.text}" for each in verdicts if not each.kept]
    text = "\n\n".join([*map(as_text, found), *notes, *(["\n".join(failed)] if failed else [])])
    return Shown(f"\n{text}\n", MISSED if failed else 0 if verdicts else None)


def _notes(ran: Ran) -> list[str]:
    """Whether what was measured is the gateway at all."""
    try:
        late_ms = measured("late_p99_ms", ran, selection=Selection(), of=Of())
    except NothingMeasured:
        return ["No calls were made."]
    if late_ms <= LATE_MS:
        return []
    text = (
        f"The generator itself made calls up to {late_ms:.0f} ms late (99th percentile): this machine is too busy, and "
        "times say nothing of the gateway. Use --worker processes, on other machines, or a lower --rate."
    )
    return [text]


def _records(course: Course) -> tuple[tuple[str, str, int], ...]:
    told = course.options
    if not told.audit:
        return ()
    try:
        found = recorded(told.audit, agents=told.keys, since=course.begun_at, wanted=lambda: course.tally.decided)
    except grpc.RpcError as error:
        code, details = error.code().name, error.details()
        course.problems.append(f"the audit service says {code}: {details}")
        return ()
    course.figures["unrecorded"] = max(0, course.tally.decided - found.total)
    return (("decisions", "all", found.total), *found.values)
