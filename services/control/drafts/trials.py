"""Tries one part of a draft on recorded calls, before anything is saved: what it covers, and what it would change."""

import itertools
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final

import msgspec

from gateway.core.changes import Place, applied, changes, parts
from gateway.core.policy.document import Document
from gateway.core.record import Record
from gateway.core.simulating.calls import Call, Forms, Judged
from gateway.replays.replaying import replayed
from pilote.audit.v1 import planning_pb2
from services.commands.judging_slices import Config, Judge
from services.commands.replaying import Opened
from services.commands.simulating import Span, bounds

SECTIONS: Final = frozenset({"rules", "limits", "caps", "quiet_hours", "consents", "sequences", "pressure"})
"""Sections whose parts can be tried by themselves."""
MOST_MATCHES: Final = 500
_SLICES: Final = 40


class Match(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A recorded call that the part covers."""

    decision: str
    """Its id."""
    agent: str
    method: str
    received_ms: int
    verdict: str
    """As recorded."""
    effect: str
    """What the part says of it: a rule's effect, or "counted" for what limits and caps count."""
    error: str = ""
    """Why the condition failed, where it did."""


class NoSuchPart(Exception):
    """The draft has no such part, or it is none that can be tried by itself."""


def with_part(active: Document | None, draft: Document, place: Place) -> Document:
    """The active policy with that one part as the draft has it; the draft itself where no policy is active.

    Raises:
        NoSuchPart: the draft has none, or it is the same in both.
    """
    part = parts(draft).get(place)
    if part is None or place.section not in SECTIONS:
        raise NoSuchPart
    if active is None:
        return draft
    own = [change for change in changes(active, draft) if change.place == place and change.kind != "moved"]
    return applied(active, own) if own else active


class Trier(Judge):
    """Judges like a backtest, and notes which calls a part covers."""

    def __init__(self, config: Config, place: Place) -> None:
        super().__init__(config)
        self._place = place
        self.matches: Final[list[Match]] = []
        self.matched = 0
        """How many there are, of which `matches` has the first."""

    def _judged(self, kept: planning_pb2.CallInputs, opened: Opened, forms: Forms) -> Call:
        call = super()._judged(kept, opened, forms)
        found = replayed(self._new, opened.inputs, pseudonym_key=self._config.pseudonym_key).record
        effect, error = covers(found, self._place)
        if effect:
            self.matched += 1
            self.matches.append(
                Match(
                    decision=opened.record.id,
                    agent=opened.record.agent,
                    method=opened.record.method,
                    received_ms=opened.record.received_ms,
                    verdict=call.was,
                    effect=effect,
                    error=error,
                )
            )
            del self.matches[: -2 * MOST_MATCHES]
        return call


def slices(trier: Trier, span: Span) -> Iterator[tuple[int, Judged]]:
    """The calls of a span in slices, each with its end, judged here one after the other."""
    count = max(1, min(_SLICES, span.total // 50, span.end_ms - span.start_ms))
    with closing(trier):
        for start_ms, end_ms in itertools.pairwise(bounds(span, count)):
            yield end_ms, trier.slice(start_ms, end_ms)


def covers(record: Record, place: Place) -> tuple[str, str]:
    """What a part says of a call: its effect and why it failed; nothing where it does not cover it."""
    looks: Any = [*record.rules]
    for look in looks:
        if look.rule == place.name and place.name:
            return look.effect, look.error
    name = place.name or place.section
    return ("counted", "") if any(bucket.limit == name for bucket in record.buckets) else ("", "")
