"""What customers did, told by agents through the gateway: outcomes of contacts, kept like those that sources tell."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import grpc
from redis.exceptions import RedisError

from gateway.adapters.fact_changes import Damaged
from gateway.core.errors import CallEnded, Reason, facts_damaged
from gateway.core.limits import MOST
from gateway.core.outcomes import OUTCOME_TYPES, answer_problems
from gateway.core.policy.sources import OutcomeTold, Source
from gateway.core.record import subject_ref
from gateway.rpc.status import status_of
from gateway.rpc.times import timestamp
from pilote.tracking.v1 import event_pb2
from pilote.tracking.v1 import event_service_pb2 as pb
from pilote.tracking.v1.event_service_pb2_grpc import EventServiceServicer
from services.intake.asking import agent_of, customer_in, tenant_of
from services.intake.outcomes import Happened, Outcomes
from services.intake.policy import Sources

MOST_EVENTS: Final = 1_000
AT_ONCE: Final = 20
"""Events of one request that are looked into at the same time."""
AHEAD_MS: Final = 5 * 60_000
"""How far in the future an event may be."""
_DECISION: Final = re.compile(r"(?:decisions/)?([0-9a-f]{32})\Z")
_CHANNEL: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
_CURRENCY: Final = re.compile(r"[A-Z]{3}\Z")
_MOST_REQUEST_ID: Final = 100


class EventServicer(EventServiceServicer):
    """Serves events to agents, who come through the gateway. `clock_ms` gives milliseconds since the epoch."""

    def __init__(
        self, sources: Sources, outcomes: Outcomes, *, pseudonym_key: bytes, clock_ms: Callable[[], int]
    ) -> None:
        self._sources = sources
        self._outcomes = outcomes
        self._key = pseudonym_key
        self._clock_ms = clock_ms

    async def TrackEvent(self, request: pb.TrackEventRequest, context: Any) -> pb.TrackEventResponse:
        """Keep one event."""
        _see_request_id(request.request_id)
        tenant, agent = tenant_of(self._sources, context), agent_of(context)
        kept = await self._track(tenant, agent, request.event, key=request.request_id, at="event")
        return pb.TrackEventResponse(event=kept)

    async def TrackEvents(self, request: pb.TrackEventsRequest, context: Any) -> pb.TrackEventsResponse:
        """Keep many, each by itself."""
        _see_request_id(request.request_id)
        tenant, agent = tenant_of(self._sources, context), agent_of(context)
        if not 0 < len(request.events) <= MOST_EVENTS:
            raise _refused([("events", f"must be 1 to {MOST_EVENTS}")])
        free = asyncio.Semaphore(AT_ONCE)

        async def one(position: int, event: event_pb2.Event) -> CallEnded | None:
            async with free:
                try:
                    key = f"{request.request_id}/{position}" if request.request_id else ""
                    await self._track(tenant, agent, event, key=key, at=f"events[{position}]")
                except CallEnded as ended:
                    return ended
                return None

        ends = await asyncio.gather(*(one(position, event) for position, event in enumerate(request.events)))
        answer = pb.TrackEventsResponse(tracked_count=ends.count(None))
        for position, ended in enumerate(ends):
            if ended is not None:
                answer.failures.add(position=position, error=status_of(ended))
        return answer

    async def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> pb.ListEventsResponse:
        """Refuse: events are kept with the decisions that they belong to."""
        text = "Events are not listed here: the audit service shows them with the decision that each belongs to."
        raise CallEnded(Reason.NOT_BUILT, text)

    async def _track(self, tenant: str, agent: str, event: event_pb2.Event, *, key: str, at: str) -> event_pb2.Event:
        """The event as it was kept.

        Raises:
            CallEnded: it was not.
        """
        now_ms = self._clock_ms()
        problems = [(f"{at}.{field}", text) for field, text in _problems(event, now_ms=now_ms)]
        if problems:
            raise _refused(problems)
        kept = event_pb2.Event()
        kept.CopyFrom(event)
        if not kept.HasField("event_time"):
            kept.event_time.CopyFrom(timestamp(now_ms))
        mark = self._mark(agent, event, key)
        found = self._happened(tenant, kept, mark=mark)
        source = Source(name=agent, tenant=tenant, subject="{userId}")
        try:
            end = await self._report(source, found, now_ms=now_ms)
        except Damaged as error:
            raise facts_damaged() from error
        except (RedisError, OSError, TimeoutError) as error:
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The event cannot be kept now; retry.") from error
        except grpc.aio.AioRpcError as error:
            text = "Which contact the event belongs to cannot be found out now; retry, or give properties.decision_id."
            raise CallEnded(Reason.UPSTREAM_UNAVAILABLE, text) from error
        if end == "damaged":
            raise facts_damaged()
        if end in _ENDS:
            reason, text = _ENDS[end]
            raise CallEnded(reason, text)
        kept.name = f"events/{mark}"
        kept.create_time.CopyFrom(timestamp(now_ms))
        return kept

    async def _report(self, source: Source, found: Happened, *, now_ms: int) -> str:
        """What came of it: what any source of the policy asks consent for is asked here too."""
        for consent in self._sources.consents_for(source.tenant, found.told.type):
            if not await self._outcomes.agreed(source.tenant, found.subject_ref, consent):
                return "unconsented"
        return await self._outcomes.report(source, found, now_ms=now_ms)

    def _happened(self, tenant: str, event: event_pb2.Event, *, mark: str) -> Happened:
        named = _DECISION.match(event.properties.get("decision_id", ""))
        said = {name: event.properties.get(name) or None for name in ("channel", "question")}
        told: Any = {"event": event.type, "type": event.type} | said
        return Happened(
            OutcomeTold(**told),
            0,
            subject_ref(self._key, tenant=tenant, subject=event.customer),
            mark,
            event.event_time.ToMilliseconds(),
            named[1] if named else "",
            event.value_cents,
            event.currency_code if event.value_cents else "",
            event.properties.get("answer", ""),
        )

    def _mark(self, agent: str, event: event_pb2.Event, key: str) -> str:
        """By which a repeat is known: the caller's key, or else all that the event says."""
        said = key.encode() if key else event.SerializeToString(deterministic=True)
        parts = b"\0".join((b"key" if key else b"event", agent.encode(), event.customer.encode(), said))
        return hashlib.blake2b(parts, digest_size=16, key=self._key[:64]).hexdigest()


_ENDS: Final = {
    "unconsented": (Reason.CONSENT_MISSING, "The customer has not agreed that this is kept: leave the event out."),
    "unattributed": (
        Reason.NOT_FOUND,
        "The event belongs to no contact of the last 7 days: give properties.decision_id, or leave it out.",
    ),
}


def _problems(event: event_pb2.Event, *, now_ms: int) -> Iterator[tuple[str, str]]:
    """(field, what is wrong with it)."""
    try:
        customer_in("customer", event.customer)
    except CallEnded:
        yield "customer", "must name a customer, such as contacts/cnt_000042"
    if event.type not in OUTCOME_TYPES:
        yield "type", f"must be one of {', '.join(OUTCOME_TYPES)}: nothing is kept of others"
    else:
        said = {name: event.properties.get(name, "") for name in ("question", "answer")}
        yield from ((f"properties.{field}", text) for field, text in answer_problems(event.type, **said))
    if event.message:
        yield "message", "must be empty: contacts are known by properties.decision_id here"
    if event.properties.get("decision_id") and not _DECISION.match(event.properties["decision_id"]):
        yield "properties.decision_id", "must be the id of a decision, 32 hexadecimal digits"
    if event.properties.get("channel") and not _CHANNEL.match(event.properties["channel"]):
        yield "properties.channel", 'must be a channel such as "email"'
    at_ms = event.event_time.ToMilliseconds()
    if not 0 <= at_ms <= now_ms + AHEAD_MS:
        yield "event_time", "must be after 1970 and at most 5 minutes in the future"
    if abs(event.value_cents) > MOST:
        yield "value_cents", f"must be -{MOST} to {MOST}"
    if event.value_cents and not _CURRENCY.match(event.currency_code):
        yield "currency_code", 'must be an ISO 4217 code such as "EUR" where there is a value'


def _see_request_id(request_id: str) -> None:
    if len(request_id) > _MOST_REQUEST_ID:
        raise _refused([("request_id", f"must be at most {_MOST_REQUEST_ID} characters")])


def _refused(problems: list[tuple[str, str]]) -> CallEnded:
    field, text = problems[0]
    return CallEnded(Reason.ARGUMENT_INVALID, f"{field} {text}.", violations=tuple(problems))
