"""Reports everything that agents did or tried concerning one customer, and why."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from gateway.core.errors import invalid
from gateway.core.policy.vocabulary import NAME
from gateway.core.record import CustomerOutcome, Record, subject_ref
from gateway.core.texts import language_of
from gateway.rpc.times import timestamp
from pilote.audit.v1 import persons_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.filters.expression import Expression
from services.audit.filters.fields import FIELDS
from services.audit.filters.filter import parse
from services.audit.finding import Order, Place
from services.audit.person_texts import entry_sentences
from services.audit.person_totals import Totals, variations
from services.audit.personal import Person, ReportNote, over_ms
from services.audit.personal_queries import named, reason_of
from services.audit.store import DecisionStore, Stored

BATCH: Final = 100
_TENANT: Final = re.compile(NAME)
_OLDEST: Final = Order(FIELDS["receive_time"])


class Asked(msgspec.Struct, frozen=True):
    """About whom, by whom and why."""

    who: Person
    person: str
    reason: str
    language: str


def asked(request: persons_pb2.ReportPersonRequest, *, pseudonym_key: bytes) -> Asked:
    """What a request asks.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    if not 1 <= len(request.subject) <= 256:
        raise invalid("subject", "subject is required: the resource name of the customer, such as contacts/cnt_000001.")
    if not _TENANT.match(request.tenant):
        raise invalid("tenant", "tenant is required: whose customer it is.")
    ref = subject_ref(pseudonym_key, tenant=request.tenant, subject=request.subject)
    return Asked(
        Person(request.tenant, ref),
        named(request.person, required=False),
        reason_of(request.reason),
        language_of(request.language_code[:200]),
    )


async def report(store: DecisionStore, its: Asked, *, now_ms: int) -> AsyncIterator[persons_pb2.ReportPersonResponse]:
    """The report: first the totals, once it is in the log who asked; then what there is, oldest first."""
    # That another arm takes over is no call of its own: the call says which version answered in the end.
    about = parse(f'tenant = "{its.who.tenant}" AND subject_ref = "{its.who.subject_ref}" AND standby = false')
    erased_ms = await store.personal.erased_ms(its.who)
    values = _Values(store, erased_ms=erased_ms)
    totals = Totals(now_ms)
    async for found in _batches(store, about, now_ms=now_ms):
        for stored, told in found:
            totals.add(stored, told=told, values=await values.state(stored.record))
    note = ReportNote(
        at_ms=now_ms,
        subject_ref=its.who.subject_ref,
        tenant=its.who.tenant,
        person=its.person,
        reason=its.reason,
        decisions=totals.decisions,
    )
    await store.write([note.entry])
    inputs = await store.inputs_kept(its.who, now_ms=now_ms)
    who, language = its.who, its.language
    unreadable = store.unreadable
    yield persons_pb2.ReportPersonResponse(
        summary=totals.summary(
            who.tenant,
            who.subject_ref,
            erased_ms=erased_ms,
            inputs=inputs,
            whole=not unreadable,
            language=language,
        ),
        unreadable_segments=unreadable,
    )
    async for found in _batches(store, about, now_ms=now_ms):
        entries = [
            _entry(stored, told, values=await values.state(stored.record), language=language) for stored, told in found
        ]
        yield persons_pb2.ReportPersonResponse(entries=entries)
    if store.unreadable:
        yield persons_pb2.ReportPersonResponse(unreadable_segments=store.unreadable)


class _Values:
    """What is kept of the values of records; each key is looked up once."""

    def __init__(self, store: DecisionStore, *, erased_ms: int) -> None:
        self._store = store
        self._erased_ms = erased_ms
        self._kept: dict[str, bool] = {}

    async def state(self, record: Record) -> "decision_pb2.ValuesState.ValueType":
        """Of one record."""
        if record.values is None:
            return decision_pb2.VALUES_STATE_UNSPECIFIED
        key = record.values.key
        if key not in self._kept:
            self._kept[key] = await self._store.personal.key(record.tenant, key) is not None
        if self._kept[key]:
            return decision_pb2.VALUES_STATE_SEALED
        return decision_pb2.VALUES_STATE_ERASED if self._erased_ms else decision_pb2.VALUES_STATE_KEY_MISSING


async def _batches(
    store: DecisionStore, about: Expression, *, now_ms: int
) -> AsyncIterator[list[tuple[Stored, tuple[CustomerOutcome, ...]]]]:
    """All decisions with what the person did afterwards, oldest first."""
    after: Place | None = None
    while True:
        found = await store.ordered(about, now_ms=now_ms, order=_OLDEST, after=after, size=BATCH)
        if found:
            told = await store.told_after([stored.record.id for stored in found])
            yield [(stored, told.get(stored.record.id, ())) for stored in found]
        if len(found) < BATCH:
            return
        after = Place(found[-1].record.id)


def _entry(
    stored: Stored,
    told: Sequence[CustomerOutcome],
    *,
    values: "decision_pb2.ValuesState.ValueType",
    language: str,
) -> persons_pb2.PersonEntry:
    record, end = stored.record, stored.conclusion
    led = record.lineage
    version = f"{record.model} {record.version}" if record.model and record.version else ""
    return persons_pb2.PersonEntry(
        name=f"decisions/{record.id}",
        receive_time=timestamp(record.received_ms),
        agent=record.agent,
        method=record.method,
        operation=record.operation,
        channel=record.channel,
        category=record.category,
        purpose=record.purpose,
        verdict=end.verdict.value,
        reason=end.reason,
        rule=end.rule,
        model_version=version or ("" if led is None else f"{led.model} {led.version}"),
        variations=variations(stored),
        status=end.status,
        outcomes=[
            persons_pb2.PersonOutcome(
                type=each.type, occur_time=timestamp(each.occurred_ms), question=each.question, answer=each.answer
            )
            for each in told
        ],
        copies=[copy.arm for copy in stored.copies if copy.sent],
        hold=f"holds/{record.hold}" if record.hold else "",
        revision=record.revision,
        repeat=bool(stored.outcome.first),
        keep_time=timestamp(over_ms(record)),
        values_state=values,
        sentences=entry_sentences(stored, told=told, values=values, language=language),
    )
