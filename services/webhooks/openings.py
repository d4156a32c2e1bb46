"""Which findings are news to other systems: each once for each time that it opened, and what they are told. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from services.findings import wording
from services.findings.changing import SENT
from services.findings.failing import finding_of
from services.findings.finding import Finding, impersonal
from services.webhooks.events import PREFIX, Event, time_of

Openings = Mapping[str, str]
"""By the id of a finding, what tells the time that it opened from earlier ones."""


def openings_of(findings: Sequence[Finding]) -> Openings:
    """How often each has opened; a rule that fails opens anew under each revision."""
    return {each.id: _opening(each) for each in findings}


def openings_in(tenant: str, blob: bytes) -> Openings:
    """What was kept of them. Earlier versions kept rules that fail only: the revision by the rule's name."""
    kept = msgspec.json.decode(blob, type=dict[str, int | str])
    return {(name if isinstance(value, str) else finding_of(tenant, name)): str(value) for name, value in kept.items()}


def news(findings: Sequence[Finding], before: Openings) -> Sequence[Finding]:
    """Those that have opened since."""
    return [each for each in findings if before.get(each.id) not in (_opening(each), _earlier(each))]


def sent_in(finding: Finding) -> tuple[str, ...]:
    """Ids of the events by which somebody has sent it."""
    names = (each.name for each in finding.links if each.kind == "event" and each.name.endswith(f".{SENT}"))
    return tuple(name.removeprefix("events/") for name in names if name.startswith("events/"))


def of_sent(finding: Finding, event: str, *, now_ms: int) -> Event:
    """What is told of a finding that somebody has sent, as it stands now."""
    return _event(finding, event, SENT, at_ms=now_ms)


def of_finding(finding: Finding, *, now_ms: int) -> Event:
    """What is told of a finding that has opened, at the time that it was looked at."""
    seen = finding.seen
    told = f"{seen.tenant}\n{finding.id}\n{_opening(finding)}".encode()
    at_ms = seen.end_ms if seen.kind == wording.RULE_FAILING else now_ms
    return _event(finding, f"{hashlib.sha256(told).hexdigest()[:32]}.finding", "finding", at_ms=at_ms)


def _event(finding: Finding, event: str, kind: str, *, at_ms: int) -> Event:
    seen = impersonal(finding.seen)
    return Event(
        id=event,
        type=f"{PREFIX}{kind}",
        subject=f"findings/{seen.tenant}/{finding.id}",
        time=time_of(at_ms),
        tenant=seen.tenant,
        data={
            "kind": seen.kind,
            "title": wording.title(seen, language="en"),
            "about": dict(seen.about),
            "grade": finding.grade.value,
            "score": round(finding.score, 6),
            "reach": seen.reach,
            "of": seen.of,
            "value": seen.value,
            "low": seen.low,
            "high": seen.high,
            "level": seen.level,
            "n": seen.n,
            "m": seen.m,
            "falseAlarms": seen.false_alarms,
            "start": time_of(seen.start_ms),
            "end": time_of(seen.end_ms),
            "reopened": finding.reopened,
            "decisions": [f"decisions/{each}" for each in seen.decisions],
        }
        | (_failure(finding) if seen.kind == wording.RULE_FAILING else {}),
    )


def _failure(finding: Finding) -> dict[str, Any]:
    """What else is told of a rule that fails."""
    seen = finding.seen
    return {
        "rule": dict(seen.about).get("rule", ""),
        "error": seen.shown.get("error", ""),
        "count": seen.reach,
        "first": time_of(seen.shown.get("first", seen.start_ms)),
        "last": time_of(seen.end_ms),
        "revision": seen.shown.get("revision", 0),
        "decision": f"decisions/{seen.decisions[0]}" if seen.decisions else "",
    }


def _opening(finding: Finding) -> str:
    revision = finding.seen.shown.get("revision", 0) if finding.seen.kind == wording.RULE_FAILING else 0
    return f"{finding.first_ms}.{finding.reopened}.{revision}"


def _earlier(finding: Finding) -> str:
    """How an earlier version kept a rule that fails and was told already."""
    failing = finding.seen.kind == wording.RULE_FAILING and not finding.reopened
    return str(finding.seen.shown.get("revision", "")) if failing else ""
