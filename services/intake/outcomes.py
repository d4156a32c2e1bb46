"""What customers did after contacts, as events tell it, reported to the contact that each is about.

Which one that is: the decision that the event names; else the last contact with this customer, on the channel that the
policy names for such events, that was carried out, or held back by a holdout, within the source's window before the
event. What is about no such contact is not kept, and the sender is told. Told twice, an outcome is kept once
(`gateway.adapters.admission`); told late, it has the time of its event.
"""

import datetime as dt
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.adapters.admission import Admission
from gateway.adapters.cells import CellBook
from gateway.adapters.fact_changes import Damaged, FactChanges
from gateway.core.consents import by_channel
from gateway.core.limits import MOST
from gateway.core.outcomes import event_of, is_answer
from gateway.core.policy.sources import OutcomeTold, Source
from gateway.core.policy.vocabulary import duration_ms
from gateway.core.record import CustomerOutcome
from gateway.core.sources import steps_to
from gateway.redis_clients import Client
from pilote.audit.v1 import audit_service_pb2
from services.intake.events import Event
from services.intake.reading import MISSING, found_in

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

AUDIT_SECONDS: Final = 5.0
_DECISION: Final = re.compile(r"(?:decisions/)?([0-9a-f]{32})\Z")
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")


class Happened(msgspec.Struct, frozen=True):
    """An outcome that an event tells."""

    told: OutcomeTold
    index: int
    """Of its event in the request."""
    subject_ref: str
    mark: str
    at_ms: int
    decision: str = ""
    """Id; empty where the event names none."""
    revenue_cents: int = 0
    currency: str = ""
    answer: str = ""
    problem: str = ""
    """The place of what cannot be used; empty where all can be."""


def happened(
    source: Source, event: Event, *, index: int, subject_ref: str, mark: str, at_ms: int
) -> Iterator[Happened]:
    """The outcomes that an event tells."""
    for told in source.outcomes if event.type == "track" else ():
        if told.event != event.event:
            continue
        named = _value(event, told.decision)
        decision = "" if named is None else _matched(_DECISION, named)
        cents, currency = _money(told, event)
        problem = told.decision if named is not None and not decision else ""
        if told.revenue is not None and cents is None:
            problem = told.revenue
        answer = _answer(told, event)
        if told.answer is not None and not answer:
            problem = told.answer
        money = (cents or 0, currency if cents else "")
        yield Happened(told, index, subject_ref, mark, at_ms, decision, *money, answer, problem)


class Outcomes:
    """Reports outcomes."""

    def __init__(self, redis: Client, admission: Admission, audit: "AuditServiceAsyncStub") -> None:
        """`audit` knows which contacts there were."""
        self._cells = CellBook(redis)
        self._facts = FactChanges(redis)
        self._admission = admission
        self._audit = audit

    async def report(self, source: Source, outcome: Happened, *, now_ms: int) -> str:
        """Keep an outcome; says "new", "repeated", "unattributed", "unconsented" or "damaged" (whose consents are).

        Raises:
            RedisError: the store does not answer.
            CallEnded: STORE_UNAVAILABLE, likewise.
            AioRpcError: the audit service does not answer.
        """
        try:
            consent = outcome.told.consent
            if consent is not None and not await self.agreed(source.tenant, outcome.subject_ref, consent):
                return "unconsented"
        except Damaged:
            return "damaged"
        decision = outcome.decision or await self._last_contact(source, outcome)
        if not decision:
            return "unattributed"
        count = await self._cells.all_of(source.tenant)
        new = await self._admission.report(
            count,
            CustomerOutcome(
                decision=decision,
                type=outcome.told.type,
                occurred_ms=outcome.at_ms,
                reported_ms=now_ms,
                reporter=source.name,
                revenue_cents=outcome.revenue_cents,
                currency=outcome.currency,
                event=event_of(outcome.mark, question=outcome.told.question or ""),
                question=outcome.told.question or "",
                answer=outcome.answer,
            ),
        )
        return "new" if new else "repeated"

    async def agreed(self, tenant: str, subject_ref: str, consent: str) -> bool:
        """Whether the customer's last word on a channel, or a channel/purpose, is yes.

        Raises:
            RedisError: the store does not answer.
            Damaged: what it holds of the customer cannot be read.
        """
        known = await self._facts.read(tenant, subject_ref)
        return known is not None and by_channel(known.facts.consent_records).get(consent, False)

    async def _last_contact(self, source: Source, outcome: Happened) -> str:
        """The decision id of the contact that an outcome is about, made or held back by a holdout; empty for none."""
        first, last = outcome.at_ms - duration_ms(source.window), outcome.at_ms
        parts = [
            f'tenant = "{source.tenant}"',
            f'subject_ref = "{outcome.subject_ref}"',
            "operation = CONTACT",
            # What is held back counts too: what those do who get nothing is what contacts are measured by.
            '((verdict = ALLOW AND status = "OK") OR reason = "HELD_OUT")',
            f'receive_time >= "{_rfc3339(first)}"',
            f'receive_time <= "{_rfc3339(last)}"',
        ]
        if outcome.told.channel is not None:
            parts.append(f'channel = "{outcome.told.channel}"')
        request = audit_service_pb2.ListDecisionsRequest(filter=" AND ".join(parts), page_size=1)
        answer = await self._audit.ListDecisions(request, timeout=AUDIT_SECONDS)
        return answer.decisions[0].name.removeprefix("decisions/") if answer.decisions else ""


def _answer(told: OutcomeTold, event: Event) -> str:
    """The answer as it is kept; empty for what is none."""
    found = None if told.answer is None else _value(event, told.answer)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return ""
    text = str(int(found)) if isinstance(found, float) and found.is_integer() else str(found)
    if told.answers:
        return told.answers.get(text.strip(), "")
    return text if is_answer(text) else ""


def _money(told: OutcomeTold, event: Event) -> tuple[int | None, str]:
    """Hundredths of the currency's unit, `None` for what is no amount, and the currency."""
    amount = None if told.revenue is None else _value(event, told.revenue)
    if amount is None:
        return 0, ""
    currency = _matched(_CURRENCY, _value(event, told.currency), whole=True)
    if isinstance(amount, bool) or not isinstance(amount, int | float | str) or not currency:
        return None, ""
    try:
        cents = int((Decimal(str(amount)) * 100).to_integral_value(ROUND_HALF_EVEN))
    except (InvalidOperation, ValueError, OverflowError):
        return None, ""
    return (cents, currency) if abs(cents) <= MOST else (None, "")


def _value(event: Event, place: str) -> Any:
    found = found_in(event, steps_to(place) or ("",))
    return None if found is MISSING or found == "" else found


def _matched(pattern: re.Pattern[str], value: object, *, whole: bool = False) -> str:
    match = pattern.match(value) if isinstance(value, str) else None
    return "" if match is None else match[0 if whole else 1]


def _rfc3339(at_ms: int) -> str:
    at = dt.datetime.fromtimestamp(max(0, at_ms) / 1000, dt.UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
