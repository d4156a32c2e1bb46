"""Reports everything that agents did or tried concerning one customer, and why."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import msgspec

from gateway.core.call import Operation
from gateway.core.errors import invalid
from gateway.core.policy.vocabulary import NAME
from gateway.core.record import CustomerOutcome, Verdict, subject_ref
from gateway.core.texts import language_of, moment
from gateway.rpc.times import timestamp
from pilote.audit.v1 import persons_pb2
from services.audit.filters.expression import Expression
from services.audit.filters.fields import FIELDS
from services.audit.filters.filter import parse
from services.audit.finding import Order, Place
from services.audit.person_texts import entry_sentences, say
from services.audit.personal import Person, ReportNote
from services.audit.personal_queries import named, reason_of
from services.audit.store import DecisionStore, Stored

BATCH: Final = 100
_DAY_MS: Final = 86_400_000
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
    about = parse(f'tenant = "{its.who.tenant}" AND subject_ref = "{its.who.subject_ref}"')
    totals = _Totals(now_ms)
    async for found, told in _batches(store, about, now_ms=now_ms):
        totals.add(found, told)
    note = ReportNote(
        at_ms=now_ms,
        subject_ref=its.who.subject_ref,
        tenant=its.who.tenant,
        person=its.person,
        reason=its.reason,
        decisions=totals.decisions,
    )
    await store.write([note.entry])
    erased_ms = await store.personal.erased_ms(its.who)
    unreadable = store.unreadable
    yield persons_pb2.ReportPersonResponse(
        summary=totals.summary(its, erased_ms=erased_ms, whole=not unreadable), unreadable_segments=unreadable
    )
    async for found, told in _batches(store, about, now_ms=now_ms):
        entries = [_entry(stored, told.get(stored.record.id, ()), its.language) for stored in found]
        yield persons_pb2.ReportPersonResponse(entries=entries)
    if store.unreadable:
        yield persons_pb2.ReportPersonResponse(unreadable_segments=store.unreadable)


async def _batches(
    store: DecisionStore, about: Expression, *, now_ms: int
) -> AsyncIterator[tuple[tuple[Stored, ...], Mapping[str, tuple[CustomerOutcome, ...]]]]:
    after: Place | None = None
    while True:
        found = await store.ordered(about, now_ms=now_ms, order=_OLDEST, after=after, size=BATCH)
        if found:
            yield found, await store.told_after([stored.record.id for stored in found])
        if len(found) < BATCH:
            return
        after = Place(found[-1].record.id)


class _Totals:
    """What the head of a report says."""

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self.decisions = 0
        self._verdicts: Counter[Verdict] = Counter()
        self._contacts: Counter[str] = Counter()
        self._of_late: Counter[int] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._agents: set[str] = set()
        self._variations: set[str] = set()
        self._holdouts: set[str] = set()

    def add(self, found: Sequence[Stored], told: Mapping[str, Sequence[CustomerOutcome]]) -> None:
        """Count some decisions."""
        for stored in found:
            record = stored.record
            self.decisions += 1
            self._verdicts[stored.conclusion.verdict] += 1
            self._agents.add(record.agent)
            self._variations.update(_variations(stored))
            self._holdouts.update(look.rule for look in record.rules if look.effect == "holdout")
            self._outcomes.update(each.type for each in told.get(record.id, ()))
            if _contacted(stored):
                self._contacts[record.channel] += 1
                for days in (7, 30):
                    self._of_late[days] += record.received_ms > self._now_ms - days * _DAY_MS

    def summary(self, its: Asked, *, erased_ms: int, whole: bool) -> persons_pb2.PersonSummary:
        """All of it; `whole` says whether every part of the store could be read."""
        kept = self._verdicts[Verdict.HOLD] + self._verdicts[Verdict.DEFER]
        return persons_pb2.PersonSummary(
            subject_ref=its.who.subject_ref,
            report_time=timestamp(self._now_ms),
            decisions=self.decisions,
            allowed=self._verdicts[Verdict.ALLOW],
            refused=self._verdicts[Verdict.DENY],
            kept=kept,
            contacts=self._contacts,
            contacts_last_week=self._of_late[7],
            contacts_last_month=self._of_late[30],
            outcomes=self._outcomes,
            agents=sorted(self._agents),
            variations=sorted(self._variations),
            holdouts=sorted(self._holdouts),
            erase_time=timestamp(erased_ms) if erased_ms else None,
            sentences=self._sentences(its, kept=kept, erased_ms=erased_ms, whole=whole),
            language_code=its.language,
        )

    def _sentences(self, its: Asked, *, kept: int, erased_ms: int, whole: bool) -> list[str]:
        lang = its.language
        lines = [say("head", language=lang, tenant=its.who.tenant, at=moment(self._now_ms, language=lang))]
        lines += [say("incomplete", language=lang)] * (not whole)
        if not self.decisions:
            return [*lines, say("none" if whole else "none-else", language=lang)]
        allowed, refused = self._verdicts[Verdict.ALLOW], self._verdicts[Verdict.DENY]
        lines.append(
            say("counts", language=lang, decisions=self.decisions, allowed=allowed, refused=refused, kept=kept)
        )
        if self._contacts:
            contacts = ", ".join(f"{channel or '-'} {count}" for channel, count in sorted(self._contacts.items()))
            lines.append(say("contacts", language=lang, contacts=contacts))
            lines.append(say("of-late", language=lang, week=self._of_late[7], month=self._of_late[30]))
        else:
            lines.append(say("no-contacts", language=lang))
        lines.append(say("agents", language=lang, agents=", ".join(sorted(self._agents))))
        for key, names in (("tests", self._variations), ("holdouts", self._holdouts)):
            lines += [say(key, language=lang, **{key: ", ".join(sorted(names))})] * bool(names)
        lines.append(say("pseudonym", language=lang, ref=its.who.subject_ref))
        lines += [say("erased", language=lang, at=moment(erased_ms, language=lang))] * bool(erased_ms)
        return lines


def _entry(stored: Stored, told: Sequence[CustomerOutcome], language: str) -> persons_pb2.PersonEntry:
    record, end = stored.record, stored.conclusion
    led = record.lineage
    version = f"{record.model} {record.version}" if record.model and record.version else ""
    sentences = entry_sentences(record, end, stored.settlement, copies=stored.copies, told=told, language=language)
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
        variations=_variations(stored),
        status=end.status,
        outcomes=[persons_pb2.PersonOutcome(type=each.type, occur_time=timestamp(each.occurred_ms)) for each in told],
        copies=[copy.arm for copy in stored.copies],
        hold=f"holds/{record.hold}" if record.hold else "",
        revision=record.revision,
        sentences=sentences,
    )


def _variations(stored: Stored) -> list[str]:
    return [f"{each.experiment}={each.variation}" for each in stored.record.exposures]


def _contacted(stored: Stored) -> bool:
    """Whether it is a contact that was made, and not an answer given again."""
    made = stored.conclusion.verdict is Verdict.ALLOW and not stored.outcome.first
    back = stored.settlement is not None and stored.settlement.gave_back
    return made and not back and stored.record.operation == Operation.CONTACT
