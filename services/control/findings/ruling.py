"""A rule that begins to do something about a finding: it denies such calls, in monitor mode first. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.findings.finding import Finding

_OTHER: Final = re.compile(r"[^a-z0-9]+")
_FIELDS: Final[Mapping[str, str]] = {
    "agent": "agent.name",
    "arm": "route.arm",
    "category": "call.category",
    "channel": "call.channel",
    "method": "call.method",
    "model": "call.model",
    "operation": "call.operation",
    "route": "route.name",
}
"""What a rule can ask of a call, by what a finding is about."""


def rule_of(finding: Finding, *, title: str) -> Mapping[str, Any] | None:
    """The rule, as a policy has it; `None` where the finding is about nothing that a rule can ask a call."""
    when = when_of(dict(finding.seen.about))
    if not when:
        return None
    kind = _OTHER.sub("-", finding.seen.kind.lower()).strip("-")[:30]
    return {
        "name": "-".join(part for part in ("finding", kind, finding.id[:8]) if part),
        "description": title,
        "when": when,
        "effect": "deny",
        "mode": "monitor",
    }


def when_of(about: Mapping[str, str]) -> str:
    """The condition in CEL; empty: there is none."""
    parts = [f"{_FIELDS[name]} == {_text(value)}" for name, value in about.items() if name in _FIELDS and value]
    if about.get("version"):
        parts.append(_version(about))
    return " && ".join(parts)


def stop_of(about: Mapping[str, str]) -> str:
    """What a stop of it is called, of the narrowest thing that can be stopped: "version=lead-score/2"; empty: none."""
    version, owner = about.get("version", ""), about.get("model") or about.get("agent", "")
    if "/" in version:
        return f"version={version}"
    if version and owner:
        return f"version={owner}/{version}"
    return next((f"{kind}={about[kind]}" for kind in ("agent", "route", "channel") if about.get(kind)), "")


def _version(about: Mapping[str, str]) -> str:
    """Of a model where it names one, else of the agent that acts or of the model that it asks."""
    owner, slash, version = about["version"].rpartition("/")
    if about.get("model"):
        return f"route.version == {_text(version)}"
    either = f"(agent.version == {_text(version)} || route.version == {_text(version)})"
    return f"(agent.name == {_text(owner)} || call.model == {_text(owner)}) && {either}" if slash else either


def _text(value: str) -> str:
    """A text as CEL writes it, whose escapes are those of JSON."""
    return msgspec.json.encode(value).decode()
