"""Stop switches: what can be halted with one call, and what each call must not be halted by.

A stop is written "all", "agent=sales-bot", "route=crm", "channel=email", or "version=lead-score/2": the version of a
model where the call asks one, of the agent where it acts. Admission looks for stops in the same step that takes the
buckets, so the next call of every worker meets a new one.
"""

import re
from typing import Final

import msgspec

from gateway.core.record import Record

ALL: Final = "all"
KINDS: Final = ("agent", "version", "route", "channel")
_WHAT: Final = re.compile(rf"({'|'.join(KINDS)})=[!-~]{{1,128}}")


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One stop, as it is kept. `since_ms` is milliseconds since the epoch."""

    what: str
    reason: str
    since_ms: int
    by: str = ""
    """Who has stopped it; empty where nobody was asked who they are."""


def is_stop(what: str) -> bool:
    """Whether `what` names something that can be stopped."""
    return what == ALL or _WHAT.fullmatch(what) is not None


def stops_of(record: Record) -> tuple[str, ...]:
    """The stops that would halt this call; always five, empty where the call has no such thing."""
    versioned = record.model or record.agent
    return (
        ALL,
        f"agent={record.agent}",
        f"version={versioned}/{record.version}" if record.version else "",
        f"route={record.route}" if record.route else "",
        f"channel={record.channel}" if record.channel else "",
    )
