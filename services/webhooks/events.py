"""What other systems are told, as CloudEvents 1.0. Pure. No customer is named, not by a pseudonym either."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.core.errors import Reason
from gateway.core.stops import Stop
from pilote.decision.v1.decision_pb2 import Decision, Verdict
from pilote.governance.v1.annotations_pb2 import Operation

PREFIX: Final = "dev.pilote."
TYPES: Final = (
    "decision.refused",
    "hold.created",
    "hold.decided",
    "stop.set",
    "stop.lifted",
    "revision.activated",
    "finding",
    "finding.sent",
    "gap",
)
"""Without the prefix."""
CONTENT_TYPE: Final = "application/cloudevents+json"
SOURCE: Final = "urn:pilote"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event, in the structured mode of CloudEvents. The same thing that happened has the same id, always."""

    id: str
    type: str
    subject: str
    """Resource name of what it is about."""
    time: str
    data: Mapping[str, Any]
    tenant: str | msgspec.UnsetType = msgspec.UNSET
    """An extension: the tenant that it is about; absent where it is about all."""
    specversion: str = "1.0"
    source: str = SOURCE
    datacontenttype: str = "application/json"

    @property
    def about(self) -> str:
        """The tenant; empty where it is about all."""
        return "" if self.tenant is msgspec.UNSET else self.tenant

    @property
    def short_type(self) -> str:
        """The type without its prefix."""
        return self.type.removeprefix(PREFIX)


def of_decision(decision: Decision) -> Event | None:
    """What is told of a decision, as the audit service has it; `None` for nothing."""
    if decision.hold and decision.decider:
        return _event("hold.decided", f"{_last(decision.hold)}.decided", decision.hold, decision)
    if decision.hold and decision.verdict in {Verdict.VERDICT_HOLD, Verdict.VERDICT_DEFER}:
        return _event("hold.created", f"{_last(decision.hold)}.created", decision.hold, decision)
    if decision.verdict != Verdict.VERDICT_DENY:
        return None
    return _event("decision.refused", f"{_last(decision.name)}.refused", decision.name, decision)


def of_stop(tenant: str, stop: Stop, *, lifted_ms: int | None = None) -> Event:
    """What is told of a stop, `lifted_ms` being when it was found to be gone."""
    word = "set" if lifted_ms is None else "lifted"
    told = f"{tenant}\n{stop.what}\n{stop.since_ms}".encode()
    return Event(
        id=f"{hashlib.sha256(told).hexdigest()[:32]}.{word}",
        type=f"{PREFIX}stop.{word}",
        subject=f"stops/{tenant}/{stop.what}",
        time=time_of(stop.since_ms if lifted_ms is None else lifted_ms),
        tenant=tenant,
        data={"what": stop.what, "reason": stop.reason, "since": time_of(stop.since_ms)},
    )


def of_revision(number: int, sha256: str, *, change: int, now_ms: int) -> Event:
    """What is told of a revision that has become the active one, `change` being how many we have seen."""
    return Event(
        id=f"revision.{number}.{change}",
        type=f"{PREFIX}revision.activated",
        subject=f"revisions/{number}",
        time=time_of(now_ms),
        data={"number": number, "sha256": sha256},
    )


def of_gap(since_ms: int, until_ms: int) -> Event:
    """What is told where nobody told anything for longer than the log keeps all of it: some may be missing."""
    return Event(
        id=f"gap.{since_ms}",
        type=f"{PREFIX}gap",
        subject="webhooks",
        time=time_of(until_ms),
        data={"from": time_of(since_ms), "to": time_of(until_ms)},
    )


def time_of(at_ms: int) -> str:
    """A time as RFC 3339, in UTC."""
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _event(kind: str, event_id: str, subject: str, decision: Decision) -> Event:
    data: dict[str, Any] = {
        "decision": decision.name,
        "agent": decision.agent,
        "method": decision.method,
        "operation": Operation.Name(decision.operation).removeprefix("OPERATION_"),
        "channel": decision.channel,
        "verdict": Verdict.Name(decision.verdict).removeprefix("VERDICT_"),
        "reason": decision.reason,
        "rule": decision.rule,
        "revision": decision.revision,
        "modelVersion": decision.model_version,
        "hold": decision.hold,
    }
    if kind == "hold.decided":
        data["approved"] = decision.reason != Reason.HOLD_REFUSED
    return Event(
        id=event_id,
        type=f"{PREFIX}{kind}",
        subject=subject,
        time=time_of(decision.decide_time.ToMilliseconds()),
        tenant=decision.tenant,
        data={name: value for name, value in data.items() if value not in {"", 0}} | _kept(data),
    )


def _kept(data: Mapping[str, Any]) -> dict[str, Any]:
    """`False` equals 0, and is worth telling."""
    return {name: value for name, value in data.items() if isinstance(value, bool)}


def _last(name: str) -> str:
    """The last segment of a resource name."""
    return name.rpartition("/")[2]
