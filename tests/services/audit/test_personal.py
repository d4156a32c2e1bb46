"""What records say of people is kept with its key, given with a note in the log, and gone for good once erased."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway.adapters.sealing import Sealer
from gateway.adapters.subject_keys import SubjectKeys
from gateway.core.errors import CallEnded, Reason
from gateway.core.keys import NOBODY
from gateway.core.record import Record, SealedInputs, subject_ref
from gateway.core.used import WrappedKey, key_bound_to
from pilote.audit.v1 import audit_service_pb2, explaining_pb2, personal_pb2
from pilote.decision.v1 import decision_pb2
from services.audit.entries import Admitted, Noted, Recorded, Settled, read
from services.audit.personal import SKEW_MS, AccessNote, Destroyed, ErasureNote, Person
from services.audit.personal_queries import state_of as record_state
from services.audit.sqlite.segments.hours import HOUR_MS
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore
from tests.examples import thoroughly
from tests.services.audit.conftest import KEY, NOW_MS, Audit, a_record, a_settlement, admit, append, settle
from tests.services.audit.kinds import Kind
from tests.services.audit.test_sealing import COLD_MS, KEEPING, cold, files

OLD, NEW = b"o" * 32, b"n" * 32
ADA, BOB = (subject_ref(KEY, tenant="acme", subject=name) for name in ("contacts/ada", "contacts/bob"))
SEALED, ERASED, MISSING = (
    decision_pb2.VALUES_STATE_SEALED,
    decision_pb2.VALUES_STATE_ERASED,
    decision_pb2.VALUES_STATE_KEY_MISSING,
)


def with_values(number: int, *, subject: str = ADA, keys: SubjectKeys, made_ms: int = NOW_MS) -> dict[Any, Any]:
    """Fields of the entry of a record with values."""
    record = a_record(number, subject_ref=subject)
    values, beside = keys.seal(b"clear", tenant="acme", subject_ref=subject, decision=record.id, now_ms=made_ms)
    return admit(msgspec.structs.replace(record, values=values)) | {"w": beside}


def admitted(fields: dict[Any, Any]) -> Admitted:
    """What a writer reads of them."""
    found = read(
        {key.encode(): value if isinstance(value, bytes) else value.encode() for key, value in fields.items()},
        stream=b"pilote:{acme/0}:decisions",
    )
    assert isinstance(found, Admitted)
    return found


def noted(destroyed: Destroyed) -> ErasureNote:
    who = destroyed.person
    return ErasureNote(
        at_ms=NOW_MS, tenant=who.tenant, subject_ref=who.subject_ref, person="", reason="asked", keys=0, inputs=0
    )


async def notes(store: DecisionStore, kind: str) -> list[bytes]:
    """The log's own entries of a kind."""
    places = await store.log.places(0, end=await store.log.size())
    return [place.leaf.parts[0] for place in places if place.kind == kind and place.leaf is not None]


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {file.name: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def erase(subject: str = "contacts/ada", **more: Any) -> personal_pb2.EraseSubjectRequest:
    return personal_pb2.EraseSubjectRequest(subject=subject, reason="the customer asked", **more)


def ask(number: int = 0, **more: Any) -> personal_pb2.ReadValuesRequest:
    wanted = {"name": f"decisions/{a_record(number).id}", "person": "ada", "reason": "complaint 17"} | more
    return personal_pb2.ReadValuesRequest(**wanted)


async def state_of(audit: Audit, number: int = 0) -> int:
    request = audit_service_pb2.GetDecisionRequest(name=f"decisions/{a_record(number).id}")
    return (await audit.queries().GetDecision(request, None)).decision.values_state


async def sentences(audit: Audit, number: int, language: str) -> str:
    request = explaining_pb2.ExplainDecisionRequest(name=f"decisions/{a_record(number).id}", language_code=language)
    return " ".join((await audit.queries().ExplainDecision(request, None)).sentences)


async def test_values_are_given_with_the_key_that_opens_them_and_the_log_says_to_whom_and_why(audit: Audit) -> None:
    keys = SubjectKeys(Sealer((OLD,)))
    await append(audit.redis, with_values(0, keys=keys), settle(a_settlement(0)), admit(a_record(1)))
    await audit.catch_up()
    assert [await state_of(audit, number) for number in (0, 1)] == [SEALED, 0]
    answer = await audit.queries().ReadValues(ask(), None)
    key = WrappedKey(answer.key.id, answer.key.subject_ref, answer.key.make_time.ToMilliseconds(), answer.key.wrapped)
    assert (answer.state, answer.tenant, key.subject_ref) == (SEALED, "acme", ADA)
    assert len(Sealer((OLD,)).open(key.wrapped, bound_to=key_bound_to("acme", key))) == 32
    (note,) = [msgspec.json.decode(raw, type=AccessNote) for raw in await notes(audit.store, "access")]
    assert note == AccessNote(
        at_ms=NOW_MS, decision=a_record(0).id, tenant="acme", person="ada", reason="complaint 17", given=True
    )
    nothing = await audit.queries().ReadValues(ask(1), None)
    assert (nothing.state, nothing.sealed, nothing.HasField("key")) == (0, b"", False)
    assert len(await notes(audit.store, "access")) == 2


async def test_keys_are_given_by_the_thousand_but_those_of_whoever_was_erased(audit: Audit) -> None:
    keys = SubjectKeys(Sealer((OLD,)))
    fields = [with_values(number, subject=who, keys=keys) for number, who in enumerate((ADA, BOB))]
    await append(audit.redis, *fields)
    await audit.catch_up()
    ada, bob = (admitted(each).key for each in fields)
    assert ada is not None and bob is not None  # noqa: PT018
    ids = [ada.id, bob.id, "0" * 16]

    async def given(tenant: str) -> set[str]:
        answer = await audit.queries().ReadKeys(personal_pb2.ReadKeysRequest(tenant=tenant, ids=ids), None)
        return {each.id for each in answer.keys}

    assert (await given("acme"), await given("other")) == ({ada.id, bob.id}, set())
    answer = await audit.queries().ReadKeys(personal_pb2.ReadKeysRequest(tenant="acme", ids=[ada.id]), None)
    assert (answer.keys[0].wrapped, answer.keys[0].make_time.ToMilliseconds()) == (ada.wrapped, ada.made_ms)
    await audit.queries().EraseSubject(erase(), None)
    assert await given("acme") == {bob.id}
    with pytest.raises(CallEnded) as ended:
        await audit.queries().ReadKeys(personal_pb2.ReadKeysRequest(tenant="acme", ids=["0" * 16] * 1_001), None)
    assert ended.value.reason is Reason.ARGUMENT_INVALID


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person", ""),
        ("person", "Ada L"),
        ("reason", ""),
        ("reason", " "),
        ("reason", "x" * 501),
        ("name", "decisions/1"),
    ],
)
async def test_who_does_not_say_who_and_why_is_given_nothing(audit: Audit, field: str, value: str) -> None:
    await append(audit.redis, with_values(0, keys=SubjectKeys(Sealer((OLD,)))))
    await audit.catch_up()
    with pytest.raises(CallEnded) as ended:
        await audit.queries().ReadValues(ask(0, **{field: value}), None)
    assert ended.value.reason is Reason.ARGUMENT_INVALID
    assert await notes(audit.store, "access") == []


async def test_an_erased_customer_is_gone_from_the_files_and_everybody_else_is_there(
    audit: Audit, stores: Kind
) -> None:
    keys = SubjectKeys(Sealer((OLD,)))
    ada = [with_values(number, keys=keys, made_ms=NOW_MS - 3_600_000 * number) for number in range(50)]
    bob = [with_values(number, subject=BOB, keys=keys) for number in range(50, 60)]
    nobody = with_values(60, subject="", keys=keys)
    await append(audit.redis, *ada, *bob, nobody)
    await audit.catch_up()
    before = await audit.store.count()
    wrapped = {msgspec.json.decode(each["w"], type=WrappedKey).wrapped for each in ada}
    assert len(wrapped) == 50

    answer = await audit.queries().EraseSubject(erase(tenant="acme", person="dpo"), None)
    (erasure,) = answer.erasures
    assert (erasure.tenant, erasure.subject_ref, erasure.keys, answer.files_cleared) == ("acme", ADA, 50, True)
    files = contents(stores.files())
    assert any(b"sales-bot" in data for data in files.values())
    assert [name for name, data in files.items() if any(each in data for each in wrapped)] == []
    assert [await state_of(audit, number) for number in (0, 49, 50, 60)] == [ERASED, ERASED, SEALED, SEALED]
    assert await audit.store.count() == before
    assert (await audit.queries().ReadValues(ask(50), None)).HasField("key")
    gone = await audit.queries().ReadValues(ask(0), None)
    assert (gone.state, gone.sealed, gone.HasField("key")) == (ERASED, b"", False)
    assert "was erased with the customer on" in await sentences(audit, 0, "en")
    assert "a été effacé avec le client le" in await sentences(audit, 0, "fr")
    (note,) = [msgspec.json.decode(raw, type=ErasureNote) for raw in await notes(audit.store, "erasure")]
    assert (note.subject_ref, note.person, note.reason, note.keys) == (ADA, "dpo", "the customer asked", 50)


async def test_without_a_tenant_a_customer_of_every_tenant_is_erased(audit: Audit) -> None:
    await append(audit.redis, admit(a_record(0)))
    await append(audit.redis, admit(a_record(1, tenant="globex")), tenant="globex")
    await append(audit.redis, admit(a_record(2, tenant=NOBODY)), tenant=NOBODY)
    await audit.catch_up()
    answer = await audit.queries().EraseSubject(erase(), None)
    assert sorted(each.tenant for each in answer.erasures) == ["acme", "globex"]


@pytest.mark.parametrize(
    "request_", [personal_pb2.EraseSubjectRequest(subject="a"), erase(""), erase("x" * 257), erase(person="A B")]
)
async def test_an_erasure_that_does_not_say_whom_and_why_erases_nobody(
    audit: Audit, request_: personal_pb2.EraseSubjectRequest
) -> None:
    with pytest.raises(CallEnded) as ended:
        await audit.queries().EraseSubject(request_, None)
    assert ended.value.reason is Reason.ARGUMENT_INVALID
    assert await notes(audit.store, "erasure") == []


async def test_what_calls_were_decided_by_goes_too_and_does_not_come_back(audit: Audit, stores: Kind) -> None:
    store = audit.store

    def inputs(number: int, subject: str, *, at_ms: int = NOW_MS) -> Recorded:
        said = SealedInputs(a_record(number).id, at_ms, NOW_MS + 10_000_000, subject)
        return Recorded(said, "acme", b"sealed")

    old = Recorded(SealedInputs(a_record(2).id, NOW_MS, NOW_MS + 10_000_000), "acme", b"sealed")
    records = [admitted(admit(a_record(number, subject_ref=ADA))) for number in (0, 1, 2)]
    await store.write([*records, inputs(0, ADA), old, inputs(3, BOB)])
    answer = await audit.queries().EraseSubject(erase(tenant="acme"), None)
    assert answer.erasures[0].inputs == 2
    await store.write([inputs(1, ADA), inputs(4, BOB), inputs(5, ADA, at_ms=NOW_MS + SKEW_MS + 1)])
    assert stores.inputs() == {a_record(number).id for number in (3, 4, 5)}


@thoroughly(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entries=st.lists(
        st.tuples(st.sampled_from([ADA, BOB, ""]), st.integers(NOW_MS - 200_000, NOW_MS + 200_000)), max_size=12
    ),
    erased_at=st.integers(0, 12),
    redelivered=st.booleans(),
)
async def test_no_key_made_before_an_erasure_is_kept_whenever_it_comes_and_every_other_one_is(
    entries: list[tuple[str, int]], erased_at: int, *, redelivered: bool, stores: Kind
) -> None:
    store = stores.new()
    try:
        told = []
        for number, (subject, made_ms) in enumerate(entries):
            if number == erased_at:
                await store.personal.erase([Person("acme", ADA)], now_ms=NOW_MS, note=noted)
            keys = SubjectKeys(Sealer((OLD,)))
            told.append(admitted(with_values(number, subject=subject, keys=keys, made_ms=made_ms)))
            await store.write([told[-1]])
        if erased_at >= len(entries):
            await store.personal.erase([Person("acme", ADA)], now_ms=NOW_MS, note=noted)
        if redelivered:
            await store.write(told)
        for number, (entry, (subject, made_ms)) in enumerate(zip(told, entries, strict=True)):
            assert entry.key is not None
            kept = await store.personal.key("acme", entry.key.id)
            early = number < erased_at and not redelivered
            gone = subject == ADA and (made_ms <= NOW_MS + SKEW_MS or early)
            assert (kept is None) == gone
    finally:
        await store.close()


@pytest.mark.parametrize(
    "beside",
    [
        b"",
        b"{}",
        b"not json",
        b'{"id":"0000000000000000","subject_ref":"","made_ms":1,"wrapped":"AA=="}',
        b'{"id":"%s","subject_ref":"someone else","made_ms":1,"wrapped":"AA=="}',
        b'{"id":"%s","subject_ref":"","made_ms":-1,"wrapped":"AA=="}',
        b'{"id":"%s","subject_ref":"","made_ms":1,"wrapped":"' + b"A" * 400 + b'"}',
    ],
)
async def test_a_record_with_a_key_that_is_none_goes_to_quarantine(audit: Audit, beside: bytes) -> None:
    fields = with_values(0, keys=SubjectKeys(Sealer((OLD,))))
    key = msgspec.json.decode(fields["r"], type=Record).values
    assert key is not None
    await append(audit.redis, fields | {"w": beside.replace(b"%s", key.key.encode())}, admit(a_record(1)))
    writer = await audit.catch_up()
    assert (writer.taken, writer.quarantined) == (1, 1)


async def test_a_key_without_values_is_none(audit: Audit) -> None:
    fields = with_values(0, keys=SubjectKeys(Sealer((OLD,))))
    await append(audit.redis, admit(a_record(1)) | {"w": fields["w"]})
    writer = await audit.catch_up()
    assert (writer.taken, writer.quarantined) == (0, 1)


async def test_a_record_whose_key_never_came_says_that_it_is_missing(audit: Audit) -> None:
    fields = with_values(0, keys=SubjectKeys(Sealer((OLD,))))
    del fields["w"]
    await append(audit.redis, fields)
    await audit.catch_up()
    assert await state_of(audit) == MISSING
    assert "its key is not kept" in await sentences(audit, 0, "en")


async def test_all_keys_are_wrapped_anew_and_then_the_old_master_key_opens_none(store: DecisionStore) -> None:
    keys = SubjectKeys(Sealer((OLD,)))
    await store.write([admitted(with_values(n, subject=os.urandom(16).hex(), keys=keys)) for n in range(1_500)])
    both, new = Sealer((NEW, OLD)), Sealer((NEW,))

    def again(tenant: str, key: WrappedKey) -> bytes:
        bound = key_bound_to(tenant, key)
        return both.seal(both.open(key.wrapped, bound_to=bound), bound_to=bound)

    assert await store.personal.rewrap(again) == 1_500
    opened = 0

    def look(tenant: str, key: WrappedKey) -> bytes:
        nonlocal opened
        opened += len(new.open(key.wrapped, bound_to=key_bound_to(tenant, key))) == 32
        return key.wrapped

    assert await store.personal.rewrap(look) == opened == 1_500


async def test_gateways_are_told_once_of_each_erasure(store: DecisionStore) -> None:
    ada, bob = Person("acme", ADA), Person("acme", BOB)
    await store.personal.erase([ada], now_ms=NOW_MS, note=noted)
    await store.personal.erase([bob], now_ms=NOW_MS + 1, note=noted)
    assert await store.personal.untold() == (ada, bob)
    await store.personal.told([ada])
    assert await store.personal.untold() == (bob,)
    await store.personal.erase([ada], now_ms=NOW_MS + 2, note=noted)
    assert await store.personal.untold() == (bob, ada)


async def test_a_later_erasure_moves_the_time_and_an_earlier_one_does_not(store: DecisionStore) -> None:
    ada = Person("acme", ADA)
    for at_ms, wanted in ((NOW_MS, NOW_MS), (NOW_MS - 5, NOW_MS), (NOW_MS + 5, NOW_MS + 5)):
        await store.personal.erase([ada], now_ms=at_ms, note=noted)
        assert await store.personal.erased_ms(ada) == wanted


async def test_a_key_goes_with_the_last_record_that_it_opens(store: DecisionStore) -> None:
    keys = SubjectKeys(Sealer((OLD,)))
    day_ms = 86_400_000

    def entry(number: int, keep_days: int, subject: str) -> Admitted:
        fields = with_values(number, subject=subject, keys=keys)
        record = msgspec.structs.replace(msgspec.json.decode(fields["r"], type=Record), keep_days=keep_days)
        return admitted(admit(record) | {"w": fields["w"]})

    entries = [entry(0, 10, ADA), entry(1, 30, ADA), entry(2, 0, BOB)]
    await store.write(entries)
    assert entries[0].key is not None
    assert entries[2].key is not None

    async def left(days: int) -> list[bool]:
        await store.expire_inputs(now_ms=NOW_MS + days * day_ms)
        ids = [entries[0].key.id, entries[2].key.id]  # type: ignore[union-attr]
        return [await store.personal.key("acme", each) is not None for each in ids]

    assert await left(30) == [True, True]
    assert await left(32) == [False, True]
    assert await left(183) == [False, True]
    assert await left(185) == [False, False]


async def test_notes_are_listed_newest_first_page_by_page_whatever_kind_they_are_of(audit: Audit) -> None:
    await append(audit.redis, with_values(0, keys=SubjectKeys(Sealer((OLD,)))))
    await audit.catch_up()
    for reason in ("one", "two", "three"):
        await audit.queries().ReadValues(ask(reason=reason), None)
    await audit.queries().EraseSubject(erase(tenant="acme", person="dpo"), None)
    await audit.store.write([Noted("later-kind", b"[]"), Noted("other-kind", b'{"at_ms":5,"more":[1]}')])
    request = personal_pb2.ListNotesRequest(page_size=2)
    found: list[personal_pb2.Note] = []
    while True:
        page = await audit.queries().ListNotes(request, None)
        found += page.notes
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    said = [(each.kind, each.person, each.reason) for each in found]
    assert said == [
        ("other-kind", "", ""),
        ("later-kind", "", ""),
        ("erasure", "dpo", "the customer asked"),
        *(("access", "ada", reason) for reason in ("three", "two", "one")),
    ]
    assert found[2].subject_ref == ADA
    assert found[3].decision == f"decisions/{a_record(0).id}"
    assert [each.leaf_index for each in found] == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("asked", [{"page_size": -1}, {"page_size": 1001}, {"page_token": "!"}, {"page_token": "eA"}])
async def test_notes_that_are_asked_for_wrongly_are_not_listed(audit: Audit, asked: dict[str, Any]) -> None:
    with pytest.raises(CallEnded) as ended:
        await audit.queries().ListNotes(personal_pb2.ListNotesRequest(**asked), None)
    assert ended.value.reason is Reason.ARGUMENT_INVALID


async def test_a_customer_is_erased_from_hours_that_are_parquet_files_by_now(tmp_path: Path) -> None:
    store, keys = SqliteStore(tmp_path, keeping=KEEPING), SubjectKeys(Sealer((OLD,)))
    try:
        entries = [admitted(with_values(n, subject=subject, keys=keys)) for n, subject in enumerate((ADA, BOB))]
        said = SealedInputs(a_record(0).id, NOW_MS, NOW_MS + 100 * HOUR_MS)  # as an earlier version wrote it
        ends = [Settled(a_settlement(n), msgspec.json.encode(a_settlement(n))) for n in (0, 1)]
        await store.write([*entries, *ends, Recorded(said, "acme", b"sealed")])
        await cold(store)
        assert [name for name in files(tmp_path) if name.endswith(".sqlite")] == []
        (destroyed,) = await store.personal.erase([Person("acme", ADA)], now_ms=COLD_MS, note=noted)
        assert (destroyed.keys, destroyed.inputs) == (1, 1)
        assert await store.personal.clear_files()
        wrapped = [entry.key.wrapped for entry in entries if entry.key is not None]
        found = contents(tmp_path)
        assert [any(each in data for data in found.values()) for each in wrapped] == [False, True]
        for entry, subject in zip(entries, (ADA, BOB), strict=True):
            stored = await store.get(entry.id, now_ms=COLD_MS)
            assert stored is not None
            assert stored.record == entry.record
            state, erased_ms = await record_state(store, stored.record)
            assert (state, erased_ms) == ((ERASED, COLD_MS) if subject == ADA else (SEALED, 0))
    finally:
        await store.close()


async def test_how_many_inputs_are_kept_about_a_customer_is_told_with_until_when(audit: Audit) -> None:
    for number, subject, days in ((0, ADA, 1), (1, ADA, 3), (2, BOB, 9)):
        said = SealedInputs(a_record(number).id, NOW_MS, NOW_MS + days * 86_400_000, subject)
        await append(audit.redis, {"k": "inputs", "r": msgspec.json.encode(said), "i": b"sealed"})
    await audit.catch_up()
    who = Person("acme", ADA)
    assert await audit.store.inputs_kept(who, now_ms=NOW_MS) == (2, NOW_MS + 3 * 86_400_000)
    assert await audit.store.inputs_kept(who, now_ms=NOW_MS + 86_400_000) == (1, NOW_MS + 3 * 86_400_000)
    assert await audit.store.inputs_kept(Person("globex", ADA), now_ms=NOW_MS) == (0, 0)
