"""Answers what is asked about people: the values of records, sealed, and that somebody be erased."""

import re
from collections.abc import Sequence
from typing import Final

from gateway.core.errors import invalid
from gateway.core.policy.vocabulary import NAME
from gateway.core.record import Record, subject_ref
from gateway.core.texts import LANGUAGES, day, fill
from gateway.core.used import WrappedKey
from gateway.rpc.times import timestamp
from pilote.audit.v1 import personal_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.personal import SKEW_MS, AccessNote, Destroyed, ErasureNote, Person
from services.audit.store import DecisionStore
from services.audit.tenancy import Permitted

LONGEST_REASON: Final = 500
MOST_KEYS: Final = 1_000
_PERSON: Final = re.compile(NAME)
_SEALED: Final = decision_pb2.VALUES_STATE_SEALED
_TEXTS: Final = {
    decision_pb2.VALUES_STATE_SEALED: (
        "What it was decided by is recorded, sealed.",
        "Ce sur quoi la décision s’appuyait est enregistré, scellé.",
    ),
    decision_pb2.VALUES_STATE_ERASED: (
        "What it was decided by was erased with the customer on {day}.",
        "Ce sur quoi la décision s’appuyait a été effacé avec le client le {day}.",
    ),
    decision_pb2.VALUES_STATE_KEY_MISSING: (
        "What it was decided by can no longer be read: its key is not kept.",
        "Ce sur quoi la décision s’appuyait n’est plus lisible : sa clé n’est pas conservée.",
    ),
}


async def state_of(store: DecisionStore, record: Record) -> tuple["decision_pb2.ValuesState.ValueType", int]:
    """What is kept of a record's values, and when its customer was erased since; 0 for never."""
    erased_ms = await _erased_ms(store, record)
    if record.values is None:
        return decision_pb2.VALUES_STATE_UNSPECIFIED, erased_ms
    if await store.personal.key(record.tenant, record.values.key) is not None:
        return _SEALED, erased_ms
    return decision_pb2.VALUES_STATE_ERASED if erased_ms else decision_pb2.VALUES_STATE_KEY_MISSING, erased_ms


def explain_values(state: "decision_pb2.ValuesState.ValueType", *, erased_ms: int, language: str) -> tuple[str, ...]:
    """What to say of the values, as a sentence for people; nothing where none are recorded."""
    text = _TEXTS.get(state)
    if text is None:
        return ()
    return (fill(text[LANGUAGES.index(language)], {"day": day(erased_ms, language=language)}),)


async def read_values(
    store: DecisionStore, record: Record, request: personal_pb2.ReadValuesRequest, *, now_ms: int
) -> personal_pb2.ReadValuesResponse:
    """The sealed values of a record with their key, once it is in the log who asked for them.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    person, reason = named(request.person, required=True), reason_of(request.reason)
    values, key = record.values, None
    if values is not None:
        key = await store.personal.key(record.tenant, values.key)
    state, erased_ms = await state_of(store, record) if key is None else (_SEALED, 0)
    note = AccessNote(
        at_ms=now_ms, decision=record.id, tenant=record.tenant, person=person, reason=reason, given=key is not None
    )
    await store.write([note.entry])
    return personal_pb2.ReadValuesResponse(
        state=state,
        tenant=record.tenant,
        sealed=values.sealed if values is not None and key is not None else b"",
        key=None if key is None else _wrapped(key),
        erase_time=timestamp(erased_ms) if erased_ms else None,
    )


async def read_keys(
    store: DecisionStore, request: personal_pb2.ReadKeysRequest, *, permitted: Permitted
) -> personal_pb2.ReadKeysResponse:
    """Keys of a tenant, for a process that sums up what records say. Without the master key they open nothing.

    Raises:
        CallEnded: POLICY_DENIED, or ARGUMENT_INVALID for too many at once.
    """
    permitted.whole()
    if len(request.ids) > MOST_KEYS:
        raise invalid("ids", f"ids must be at most {MOST_KEYS}: ask for the rest in a further call.")
    found = await store.personal.keys(request.tenant, tuple(request.ids))
    if not request.packed:
        return personal_pb2.ReadKeysResponse(keys=map(_wrapped, found))
    packed = personal_pb2.WrappedKeys(
        ids=[key.id for key in found],
        subject_refs=[key.subject_ref for key in found],
        make_times_ms=[key.made_ms for key in found],
        wrapped=[key.wrapped for key in found],
    )
    return personal_pb2.ReadKeysResponse(packed=packed)


async def erase_subject(
    store: DecisionStore,
    request: personal_pb2.EraseSubjectRequest,
    *,
    tenants: Sequence[str],
    pseudonym_key: bytes,
    now_ms: int,
) -> personal_pb2.EraseSubjectResponse:
    """Erase a customer of these tenants.

    Raises:
        CallEnded: ARGUMENT_INVALID, naming the field.
    """
    if not request.subject or len(request.subject) > 256:
        raise invalid("subject", "subject is required: the resource name of the customer, such as contacts/cnt_000001.")
    asked_by, reason = named(request.person, required=False), reason_of(request.reason)
    people = [Person(tenant, subject_ref(pseudonym_key, tenant=tenant, subject=request.subject)) for tenant in tenants]

    def note(destroyed: Destroyed) -> ErasureNote:
        return ErasureNote(
            at_ms=now_ms,
            tenant=destroyed.person.tenant,
            subject_ref=destroyed.person.subject_ref,
            person=asked_by,
            reason=reason,
            keys=destroyed.keys,
            inputs=destroyed.inputs,
        )

    destroyed = await store.personal.erase(people, now_ms=now_ms, note=note)
    return personal_pb2.EraseSubjectResponse(
        erasures=[
            personal_pb2.Erasure(
                tenant=each.person.tenant,
                subject_ref=each.person.subject_ref,
                erase_time=timestamp(now_ms),
                keys=each.keys,
                inputs=each.inputs,
            )
            for each in destroyed
        ],
        files_cleared=await store.personal.clear_files(),
    )


async def _erased_ms(store: DecisionStore, record: Record) -> int:
    if not record.subject_ref:
        return 0
    erased_ms = await store.personal.erased_ms(Person(record.tenant, record.subject_ref))
    return erased_ms if record.received_ms <= erased_ms + SKEW_MS else 0


def _wrapped(key: WrappedKey) -> personal_pb2.WrappedKey:
    return personal_pb2.WrappedKey(
        id=key.id, subject_ref=key.subject_ref, make_time=timestamp(key.made_ms), wrapped=key.wrapped
    )


def named(person: str, *, required: bool) -> str:
    """Who asks. Raises `CallEnded`, ARGUMENT_INVALID, where it is no such name."""
    if (person or required) and not _PERSON.match(person):
        raise invalid("person", "person must be who asks, by the name that the policy gives them.")
    return person


def reason_of(text: str) -> str:
    """Why somebody asks. Raises `CallEnded`, ARGUMENT_INVALID, where nothing is said, or too much."""
    reason = text.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise invalid("reason", f"reason is required: say why, in at most {LONGEST_REASON} characters.")
    return reason
