"""What is known of a route's copies, as tables and sentences for people."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from google.protobuf.duration_pb2 import Duration

from gateway.core.texts import number
from pilote.audit.v1 import shadows_pb2
from services.commands.shadow_texts import say

Rows = tuple[tuple[str, ...], ...]
_RowsOf = Callable[[shadows_pb2.ShadowSummary], Iterator[tuple[str, ...]]]
_Told = (
    shadows_pb2.FieldDifferences | shadows_pb2.RefusalSummary | shadows_pb2.RuleDifferences | shadows_pb2.FailureSummary
)

FEW: Final = 100
"""Compared copies below which a share is not worth much."""
MUCH: Final = 0.05
"""Share of copies lost from which on it is said."""


class Words:
    """Puts the summaries of one route into one language."""

    def __init__(self, summaries: Sequence[shadows_pb2.ShadowSummary], *, language: str) -> None:
        self._summaries = summaries
        self._language = language

    def tables(self) -> tuple[Rows, ...]:
        """Counts, latencies, differences and costs, each below the names of its columns; empty ones are left out."""
        found = (
            self._table("counts", self._count),
            self._table("latencies", self._latency),
            self._table("differences", self._differences),
            self._table("costs", self._costs),
        )
        return tuple(table for table in found if len(table) > 1)

    def sentences(self) -> tuple[str, ...]:
        """What to know about the tables."""
        if not self._summaries:
            return (self._say("no-copies"),)
        found = []
        if any(each.HasField("agreement") for each in self._summaries):
            found.append(self._say("agreement"))
        for each in self._summaries:
            compared = each.agreed + each.differed
            if each.dropped > MUCH * each.copies:
                found.append(self._named(each, "dropped", share=self._percent(each.dropped / each.copies)))
            if each.sent and each.failed > MUCH * each.sent:
                found.append(self._named(each, "failed", share=self._percent(each.failed / each.sent)))
            if each.kind == "shadow" and compared < FEW:
                found.append(self._named(each, "few", wanted=FEW))
        return tuple(found)

    def agreement(self, summary: shadows_pb2.ShadowSummary) -> str:
        """The share that agreed, with where it may lie; "-" where nothing was compared."""
        if summary.kind != "shadow" or not summary.HasField("agreement"):
            return "-"
        shares = (summary.agreement, summary.agreement_low, summary.agreement_high)
        value, low, high = (self._percent(share) for share in shares)
        return self._say("interval", value=value, low=low, high=high)

    def _table(self, columns: str, rows: _RowsOf) -> Rows:
        return (tuple(self._say(columns).split("|")), *(row for each in self._summaries for row in rows(each)))

    def _count(self, each: shadows_pb2.ShadowSummary) -> Iterator[tuple[str, ...]]:
        counts = (each.copies, each.sent, each.agreed, each.differed, each.failed, each.dropped)
        yield (
            *(each.arm, each.model_version or "-", self._say(each.kind)),
            *(str(count) for count in (*counts, each.stopped, each.refused)),
            self.agreement(each),
        )

    def _latency(self, each: shadows_pb2.ShadowSummary) -> Iterator[tuple[str, ...]]:
        if each.HasField("latency"):
            own, served = each.latency, each.served_latency
            spans = (own.p50, served.p50, own.p95, served.p95)
            yield (each.arm, each.model_version or "-", *(self._milliseconds(span) for span in spans))

    def _differences(self, each: shadows_pb2.ShadowSummary) -> Iterator[tuple[str, ...]]:
        for field in each.fields:
            how = self._say(field.kind)
            if field.greatest_relative:
                how = self._say("changed-by", share=self._percent(field.greatest_relative))
            yield self._row(each, field.path or self._say("whole"), how, told=field)
        for refusal in each.refusals:
            key = "refusal" if refusal.rule else "refusal-plain"
            what = self._say(key, verdict=refusal.verdict, rule=refusal.rule)
            yield self._row(each, what, refusal.reason, told=refusal)
        for rule in each.rules:
            how = self._say("rule-added" if rule.candidate else "rule-missing")
            yield self._row(each, self._say("rule", rule=rule.rule), how, told=rule)
        for failure in each.failures:
            what = self._say("failure", status=failure.status)
            yield self._row(each, what, self._say("failure-how"), told=failure)

    def _costs(self, each: shadows_pb2.ShadowSummary) -> Iterator[tuple[str, ...]]:
        for cost in each.costs:
            change = self._percent((cost.candidate - cost.served) / cost.served) if cost.served else "-"
            sign = "+" if cost.served and cost.candidate > cost.served else ""
            sums = (str(cost.calls), str(cost.candidate), str(cost.served))
            yield (each.arm, each.model_version or "-", cost.budget, *sums, sign + change)

    def _row(self, each: shadows_pb2.ShadowSummary, what: str, how: str, *, told: _Told) -> tuple[str, ...]:
        example = told.examples[0].removeprefix("decisions/") if told.examples else "-"
        share = self._percent(told.calls / each.copies)
        return each.arm, each.model_version or "-", what, how, str(told.calls), share, example

    def _named(self, each: shadows_pb2.ShadowSummary, key: str, **values: object) -> str:
        """A sentence about one of several candidates, with its name before it."""
        name = f"{each.arm} {each.model_version}".rstrip()
        return f"{name}: {self._say(key, **values)}" if len(self._summaries) > 1 else self._say(key, **values)

    def _milliseconds(self, span: Duration) -> str:
        return f"{number(span.ToMicroseconds() / 1_000, digits=1, language=self._language)} ms"

    def _percent(self, share: float) -> str:
        text = number(share * 100, digits=1, language=self._language)
        return f"{text}\u202f%" if self._language == "fr" else f"{text}%"

    def _say(self, key: str, **values: object) -> str:
        return say(key, language=self._language, **values)
