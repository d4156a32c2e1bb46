"""The report about a person, for them to read: what agents did or tried concerning them, and why, in words. Pure."""

from collections.abc import Iterator

import msgspec

from gateway.core.terms import channel_named
from gateway.core.texts import moment
from services.findings.wording import number
from services.reports.counted import Checkpoint
from services.reports.document import Block, Document, Figure, Paragraph, Plot, Section, Series, Table
from services.reports.proving import proof
from services.reports.texts import say


class Entry(msgspec.Struct, frozen=True):
    """One thing that an agent did or tried."""

    name: str
    """The decision, `decisions/{decision}`."""
    received_ms: int
    sentences: tuple[str, ...]
    """All of it in words, in the report's language; the first says when."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """All that the audit service says of a person, in one language."""

    language: str
    tenant: str
    subject_ref: str
    """The pseudonym; a report names nobody."""
    made_ms: int
    summary: tuple[str, ...]
    contacts: tuple[tuple[str, int], ...]
    """Contacts that were made, by channel."""
    entries: tuple[Entry, ...]
    unreadable: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None


def person_report(told: Told) -> Document:
    """All of it, the oldest first."""
    language = told.language

    def said(key: str, **values: object) -> str:
        return say(key, language=language, **values)

    last_ms = max((each.received_ms for each in told.entries), default=told.made_ms)
    parts: dict[str, Iterator[Block]] = {
        "person-summary": _summary(told),
        "person-entries": _entries(told),
        "person-rights": iter((Paragraph(said("person-rights-said")),)),
        "proof": proof(told.checkpoint, end_ms=last_ms + 1, unreadable=told.unreadable, language=language),
    }
    made = _at(told.made_ms, language)
    return Document(
        title=said("person-title"),
        subtitle=said("person-subtitle", tenant=told.tenant, ref=told.subject_ref, made=made),
        language=language,
        made_ms=told.made_ms,
        sections=tuple(Section(said(name), tuple(blocks)) for name, blocks in parts.items()),
    )


def _summary(told: Told) -> Iterator[Block]:
    for sentence in told.summary:
        yield Paragraph(sentence)
    if told.contacts:
        language = told.language
        named = [(channel_named(name, language=language), count) for name, count in told.contacts]
        bars = ", ".join(f"{name} {number(count, language=language)}" for name, count in named)
        series = Series("", tuple(float(count) for _, count in named))
        plot = Plot(tuple(name for name, _ in named), (series,), say("unit-contacts", language=language), "bars")
        n = number(sum(count for _, count in named), language=language)
        caption = say("contacts-plot", language=language, n=n)
        yield Figure(caption, say("contacts-alt", language=language, bars=bars), plot)


def _entries(told: Told) -> Iterator[Block]:
    language = told.language
    rows = tuple((" ".join(each.sentences), each.name.removeprefix("decisions/")) for each in told.entries)
    caption = say("person-entries-n", language=language, n=number(len(rows), language=language))
    head = tuple(say("person-columns", language=language).split("|"))
    yield Table(caption, head, rows, (1,)) if rows else Paragraph(say("none", language=language))


def _at(at_ms: int, language: str) -> str:
    return moment(at_ms // 1000 * 1000, language=language)
