"""What the demonstration shows at its end: counts by verdict and version, latencies, and one decision in full."""

import statistics
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from gateway.core.explain import explain
from gateway.core.texts import number
from gateway.wire.reading import entries_in
from pilote.decision.v1 import decision_pb2
from services.demo.agents import Called
from services.texts import say


def show(
    console: Console,
    decisions: Sequence[decision_pb2.Decision],
    *,
    called: Sequence[Called],
    weights: dict[str, float],
    language: str,
) -> None:
    """Print the tables and the explanation. `weights` are the wanted shares of the model's versions."""
    console.print(_by_verdict(decisions, language))
    console.print(_by_version(decisions, weights, language))
    console.print(_latencies(called, language))
    if example := _example(decisions):
        record, outcome, settlement = entries_in(example)
        sentences = explain(record, outcome, settlement=settlement, language=language)
        title = say("explained", language=language, name=example.name)
        console.print(Panel("\n".join(sentences), title=title, expand=False))


def _by_verdict(decisions: Sequence[decision_pb2.Decision], language: str) -> Table:
    table = Table(title=say("table-verdicts", language=language))
    for name in ("verdict", "reason", "status"):
        table.add_column(say(f"column-{name}", language=language))
    table.add_column(say("column-calls", language=language), justify="right")
    counts = Counter(
        (decision_pb2.Verdict.Name(d.verdict).removeprefix("VERDICT_"), _why(d), d.status or "…") for d in decisions
    )
    for (verdict, why, status), count in sorted(counts.items(), key=lambda item: (item[0][0], -item[1])):
        table.add_row(verdict, why, status, str(count))
    return table


def _why(decision: decision_pb2.Decision) -> str:
    """The reason, and the rule, limit or cap behind it."""
    if not decision.reason:
        return ""
    return f"{decision.reason} ({decision.rule})" if decision.rule else decision.reason


def _by_version(decisions: Sequence[decision_pb2.Decision], weights: dict[str, float], language: str) -> Table:
    table = Table(title=say("table-versions", language=language))
    table.add_column(say("column-model", language=language))
    table.add_column(say("column-version", language=language))
    for name in ("calls", "share", "wanted"):
        table.add_column(say(f"column-{name}", language=language), justify="right")
    counts = Counter(
        (d.model, d.model_version) for d in decisions if d.model and d.verdict == decision_pb2.VERDICT_ALLOW
    )
    total = sum(counts.values())
    for (model, version), count in sorted(counts.items()):
        wanted = weights.get(version, 0.0)
        table.add_row(model, version, str(count), _percent(count / total, 1, language), _percent(wanted, 0, language))
    return table


def _percent(share: float, digits: int, language: str) -> str:
    return number(share * 100, digits=digits, language=language) + ("\u202f%" if language == "fr" else "%")


def _latencies(called: Sequence[Called], language: str) -> Table:
    table = Table(title=say("table-latency", language=language))
    table.add_column("")
    for name in ("p50", "p90", "p95", "p99", "max"):
        table.add_column(name, justify="right")
    for label, values in (
        ("latency-agent", [call.latency_ms for call in called]),
        ("latency-overhead", [call.overhead_ms for call in called]),
    ):
        cuts = statistics.quantiles(values, n=100) if len(values) > 1 else [0.0] * 99
        shown = [cuts[49], cuts[89], cuts[94], cuts[98], max(values, default=0.0)]
        table.add_row(say(label, language=language), *(number(value, digits=2, language=language) for value in shown))
    return table


def _example(decisions: Sequence[decision_pb2.Decision]) -> decision_pb2.Decision | None:
    """A contact that met the cap tells most; any refusal otherwise."""
    capped = [d for d in decisions if d.reason == "CAP_EXCEEDED"]
    refused = [d for d in decisions if d.verdict == decision_pb2.VERDICT_DENY]
    return next(iter(capped or refused), None)
