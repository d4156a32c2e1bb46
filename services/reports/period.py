"""The report of a period, of all that agents did or of one model version: from counts to a document. Pure."""

from collections.abc import Iterator
from statistics import quantiles
from typing import Final

from gateway.core.reason_texts import why
from gateway.core.texts import moment, span
from services.findings.finding import Finding
from services.findings.wording import grade_named, number, percent, state_named, title
from services.reports.checklist import checklist
from services.reports.counted import Counted, Period
from services.reports.deeds import counts
from services.reports.document import Block, Document, Figure, Paragraph, Plot, Section, Series, Table
from services.reports.proving import proof
from services.reports.section_texts import say as section
from services.reports.spread import spread
from services.reports.texts import KEYS, say
from services.reports.version import VersionWords

VERDICTS: Final = ("ALLOW", "DEFER", "HOLD", "DENY")
_NO: Final = "\N{EN DASH}"
_ROWS: Final = 15
_FINDINGS: Final = 20
_REVISIONS: Final = 50
_PRESSURE: Final = frozenset({"pressure", "saturation"})


def period_report(period: Period, *, language: str, model: str = "", version: str = "") -> Document:
    """All of it; with a version, what there is about that one."""
    words = _Words(period, language)
    head = words.say("version-title", model=model, version=version) if version else words.say("period-title")
    tenant = words.say("tenant", tenant=period.tenant) if period.tenant else words.say("tenants")
    spanned = {"start": words.at(period.start_ms), "end": words.at(period.end_ms), "made": words.at(period.made_ms)}
    parts = {
        "calls": words.calls(),
        "pressure": words.pressure(),
        "people": words.people(deeds=not version),
        **({} if version else {"policy": words.policy()}),
        **_beside(period, language),
        "findings": words.findings(),
        **({} if version else {"checklist": iter(checklist(period, language=language))}),
        "proof": proof(period.checkpoint, end_ms=period.end_ms, unreadable=period.unreadable, language=language),
    }
    return Document(
        title=head,
        subtitle=words.say("subtitle", tenant=tenant, **spanned),
        language=language,
        made_ms=period.made_ms,
        sections=tuple(Section(_titled(name, language), tuple(blocks)) for name, blocks in parts.items()),
    )


def _beside(period: Period, language: str) -> dict[str, Iterator[Block]]:
    """What is known of a version beside its calls."""
    if period.version is None:
        return {}
    words = VersionWords(period.version, language)
    return {"probes": words.probes(), "reviews": words.reviews(), "rollouts": words.rollouts()}


def _titled(name: str, language: str) -> str:
    return say(name, language=language) if name in KEYS else section(name, language=language)


class _Words:
    """Says what a period's numbers are, in one language."""

    def __init__(self, period: Period, language: str) -> None:
        self._period = period
        self._language = language

    def say(self, key: str, **values: object) -> str:
        """A text."""
        return say(key, language=self._language, **values)

    def at(self, at_ms: int) -> str:
        """A time, down to the second."""
        return moment(at_ms // 1000 * 1000, language=self._language)

    def calls(self) -> Iterator[Block]:
        """How many there were, when, by whom, and what came of them."""
        period, verdicts = self._period, self._period.facets["verdict"]
        if not period.total:
            yield Paragraph(self.say("calls-none"))
            return
        named = (("allowed", "ALLOW"), ("denied", "DENY"), ("held", "HOLD"), ("deferred", "DEFER"))
        values = {name: self._number(verdicts.of(verdict)) for name, verdict in named}
        shares = {f"{name}_share": self._share(verdicts.of(verdict), period.total) for name, verdict in named}
        yield Paragraph(self.say("calls-said", total=self._number(period.total), **values, **shares))
        yield self._chart()
        yield self._by("agent")
        yield self._by("model_version")
        yield self._by("method")
        for field in ("operation", "reason", "rule", "revision", "state"):
            yield self._counted(field, period.facets[field])

    def pressure(self) -> Iterator[Block]:
        """Contacts, and what was found of too many."""
        period = self._period
        said = {"contacted": self._number(period.contacted), "total": self._number(period.total)}
        yield Paragraph(self.say("contacts-said", **said))
        channels = period.contacts["channel"].named[:_ROWS]
        if channels:
            bars = ", ".join(f"{name} {self._number(count)}" for name, count in channels)
            names, values = zip(*channels, strict=True)
            plot = Plot(names, (Series("", tuple(map(float, values))),), self.say("unit-contacts"), "bars")
            n = self._number(period.contacted)
            yield Figure(self.say("contacts-plot", n=n), self.say("contacts-alt", bars=bars), plot)
            yield self._counted("category", period.contacts["category"], n=period.contacted)
            yield self._counted("agent", period.contacts["agent"], n=period.contacted)
        if period.version is None:
            yield from spread(period.pressures, language=self._language)
        found = [each for each in period.findings if each.seen.kind in _PRESSURE]
        yield self._findings("pressure-found", found) if found else Paragraph(self.say("pressure-none"))

    def people(self, *, deeds: bool) -> Iterator[Block]:
        """What people decided, and with `deeds` what they did otherwise."""
        period = self._period
        numbers = {
            name: self._number(value)
            for name, value in (
                ("held", period.held),
                ("reviewed", period.reviewed),
                ("about", period.about_people),
                ("alone", period.acted_alone),
            )
        }
        yield Paragraph(self.say("people-said", share=self._share(period.acted_alone, period.about_people), **numbers))
        waits = sorted(each.decided_ms - each.kept_ms for each in period.waits)
        if waits:
            tenths = quantiles(waits, n=10, method="inclusive") if len(waits) > 1 else waits * 9
            spans = {
                name: span(round(ms), language=self._language)
                for name, ms in (("median", tenths[4]), ("p90", tenths[8]), ("longest", waits[-1]))
            }
            yield Paragraph(self.say("waits", n=self._number(len(waits)), **spans))
        if not deeds:
            return
        if period.deeds_cut:
            yield Paragraph(self.say("deeds-cut"))
        rows = tuple(
            (self.say(f"deed-{kind}"), self._number(times), self._number(people))
            for kind, (times, people) in counts(period).items()
        )
        head = self._head("deeds-columns")
        yield Table(self.say("deeds", n=self._number(len(period.deeds))), head, rows or self._nothing(head), (1, 2))

    def policy(self) -> Iterator[Block]:
        """Revisions, and who agreed to them."""
        made = self._period.revisions
        signed = sum(bool(each.approvers) for each in made)
        yield Paragraph(self.say("policy-said", count=self._number(len(made)), signed=self._number(signed)))
        rows = tuple(
            (
                str(each.number),
                self.at(each.activated_ms),
                each.author or _NO,
                ", ".join(each.approvers) or _NO,
                self.say(f"how-{each.how}"),
            )
            for each in made[-_REVISIONS:]
        )
        if rows:
            yield Table(self.say("policy"), self._head("policy-columns"), rows, (0,))

    def findings(self) -> Iterator[Block]:
        """What was seen as wrong or unusual."""
        period, all_ = self._period, self._period.findings
        opened = sum(period.start_ms <= each.first_ms < period.end_ms for each in all_)
        closed = sum(period.start_ms <= each.closed_ms < period.end_ms for each in all_)
        numbers = {"count": len(all_), "opened": opened, "closed": closed}
        yield Paragraph(self.say("findings-said", **{name: self._number(value) for name, value in numbers.items()}))
        if all_:
            yield self._findings("findings-caption", all_)
        if len(all_) > _FINDINGS:
            yield Paragraph(self.say("findings-more", count=self._number(len(all_) - _FINDINGS)))

    def _chart(self) -> Figure:
        period = self._period
        labels = tuple(self._step(each.start_ms) for each in period.buckets)
        series = tuple(
            Series(self.say(verdict), tuple(float(each.verdicts.get(verdict, 0)) for each in period.buckets))
            for verdict in VERDICTS
        )
        totals = [sum(each.verdicts.values()) for each in period.buckets]
        most = max(totals, default=0)
        peak = period.buckets[totals.index(most)].start_ms if totals else period.start_ms
        alt = self.say(
            "chart-alt",
            width=span(period.width_ms, language=self._language),
            start=self.at(period.start_ms),
            end=self.at(period.end_ms),
            total=self._number(period.total),
            most=self._number(most),
            peak=self.at(peak),
        )
        return Figure(self.say("chart"), alt, Plot(labels, series, self.say("unit")))

    def _step(self, at_ms: int) -> str:
        """When a column begins, as briefly as its width allows."""
        whole = moment(at_ms, language=self._language)
        day = whole[5:10] if self._language == "en" else whole[:5]
        return day if self._period.width_ms >= 86_400_000 else f"{day} {whole[-12:-7]}"

    def _by(self, field: str) -> Table:
        """Values of a field, with how many of each were refused."""
        period, name = self._period, self.say(f"field-{field}")
        refused = period.refused[field]
        rows = tuple(
            (value or _NO, self._number(n), self._share(n, period.total), self._number(no), self._share(no, n))
            for value, n in period.facets[field].values[:_ROWS]
            for no in (refused.of(value),)
        )
        caption = self.say("by", field=_capital(name), n=self._number(period.total))
        return Table(caption, self._head("by-columns", field=name), rows, (1, 2, 3, 4))

    def _counted(self, field: str, counted: Counted, *, n: int | None = None) -> Table:
        total, name = self._period.total if n is None else n, self.say(f"field-{field}")
        rows = tuple(
            (self._value(field, value), self._number(count), self._share(count, total))
            for value, count in counted.named[:_ROWS]
        )
        caption = self.say("by", field=_capital(name), n=self._number(total))
        head = self._head("counted-columns", field=name)
        return Table(caption, head, rows or self._nothing(head), (1, 2))

    def _findings(self, caption: str, found: "list[Finding] | tuple[Finding, ...]") -> Table:
        rows = tuple(
            (
                title(each.seen, language=self._language),
                grade_named(each.grade, language=self._language),
                state_named(each.state, language=self._language),
                self._number(each.seen.reach),
                self._number(each.seen.n),
            )
            for each in found[:_FINDINGS]
        )
        return Table(self.say(caption), self._head("findings-columns"), rows, (3, 4))

    def _value(self, field: str, value: str) -> str:
        return why(value, language=self._language) if field == "reason" else value

    def _head(self, key: str, **values: str) -> tuple[str, ...]:
        return tuple(self.say(key, **values).split("|"))

    def _nothing(self, head: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        return ((self.say("none"), *("" for _ in head[1:])),)

    def _number(self, value: float) -> str:
        return number(value, language=self._language)

    def _share(self, part: int, whole: int) -> str:
        return percent(part / whole, language=self._language) if whole else _NO


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
