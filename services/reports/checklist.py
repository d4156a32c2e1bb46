"""Articles of the AI Act and the GDPR, and what the log shows for each: design targets, no legal claim. Pure."""

from collections.abc import Iterator
from typing import Literal

from services.findings.wording import number
from services.reports.check_texts import say
from services.reports.counted import Period
from services.reports.deeds import count_of, overseers
from services.reports.document import Check, Checklist, Paragraph
from services.reports.proving import covers

State = Literal["shown", "partly", "not-shown"]


def checklist(period: Period, *, language: str) -> tuple[Paragraph, Checklist]:
    """What it is, and is not; and the list."""
    first, second, third, fourth = say("columns", language=language).split("|")
    numbers = _numbers(period, language)
    checks = tuple(
        Check(
            say(article, language=language),
            say(asked, language=language),
            state,
            say(state, language=language),
            say(found, language=language, **numbers),
        )
        for article, asked, state, found in _checks(period)
    )
    caption = say("caption", language=language)
    return Paragraph(say("before", language=language)), Checklist(caption, (first, second, third, fourth), checks)


def _checks(period: Period) -> Iterator[tuple[str, str, State, str]]:
    """Article, what it asks for, whether that is shown, and the text of what was found."""
    kept: tuple[State, str] = ("not-shown", "record-none")
    if period.total:
        kept = ("shown" if not period.short_kept else "partly", "kept-found")
    yield "ai-12", "record", *_recorded(period)
    yield "ai-12", "traced", *_traced(period)
    yield "ai-12", "sealed", *_sealed(period)
    stepped = period.reviewed or count_of(period, "stop") or period.revisions
    yield "ai-14", "oversight", "shown" if stepped else "partly", "oversight-found"
    yield "ai-14", "understood", "partly", "understood-found"
    yield "ai-19", "kept", *kept
    looked = period.findings or count_of(period, "finding")
    yield "ai-26", "monitored", *(("shown", "monitored-found") if looked else ("not-shown", "monitored-none"))
    yield "ai-26", "assigned", "partly" if overseers(period) else "not-shown", "assigned-found"
    yield "ai-26", "inputs", "not-shown", "inputs-found"
    yield "ai-26", "kept", *kept
    yield "ai-26", "informed", "partly" if count_of(period, "person") else "not-shown", "informed-found"
    yield "gdpr-22", "alone", "partly" if period.about_people else "not-shown", "alone-found"
    yield "gdpr-22", "contest", "partly", "contest-found"


def _recorded(period: Period) -> tuple[State, str]:
    if period.unreadable:
        return "partly", "record-gaps"
    return ("shown", "record-found") if period.total else ("not-shown", "record-none")


def _traced(period: Period) -> tuple[State, str]:
    if not period.total:
        return "not-shown", "record-none"
    return "shown" if _having(period, "revision") == period.total else "partly", "traced-found"


def _sealed(period: Period) -> tuple[State, str]:
    if period.checkpoint is None or not period.checkpoint.valid:
        return "not-shown", "sealed-none"
    return ("shown", "sealed-found") if covers(period.checkpoint, end_ms=period.end_ms) else ("partly", "sealed-early")


def _numbers(period: Period, language: str) -> dict[str, str]:
    states = period.facets["state"]
    values = {
        "total": period.total,
        "ended": states.of("SETTLED"),
        "doubt": states.of("IN_DOUBT"),
        "running": states.of("RUNNING"),
        "count": count_of(period, "person"),
        "segments": len(period.unreadable),
        "revised": _having(period, "revision"),
        "versioned": _having(period, "model_version"),
        "size": period.checkpoint.size if period.checkpoint else 0,
        "held": period.held,
        "reviewed": period.reviewed,
        "stops": count_of(period, "stop"),
        "revisions": len(period.revisions),
        "signed": sum(bool(each.approvers) for each in period.revisions),
        "short": period.short_kept,
        "findings": len(period.findings),
        "closed": sum(period.start_ms <= each.closed_ms < period.end_ms for each in period.findings),
        "deeds": count_of(period, "finding"),
        "people": len(overseers(period)),
        "drifts": sum(each.seen.kind == "drift" for each in period.findings),
        "alone": period.acted_alone,
        "about": period.about_people,
    }
    return {name: number(value, language=language) for name, value in values.items()}


def _having(period: Period, field: str) -> int:
    """Decisions that have a value of that field."""
    return period.total - period.facets[field].of("")
