"""Whoever changes something is in the log, with how it was and how it is: once, and found by what it says."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.errors import CallEnded, Reason
from pilote.audit.v1 import personal_pb2
from services.audit.changes import LARGEST_VALUE
from services.audit.entries import Noted
from services.audit.noting import FoundBy, found_by
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.sqlite.store import SqliteStore
from services.audit.tenancy import TENANTS
from services.proof.leaves import Leaf
from tests.services.audit.conftest import NOW_MS, SIGNER, Audit
from tests.services.audit.kinds import Kind
from tests.services.audit.test_checking import check, tampering

BEGUN, DONE, NOT_DONE = (
    personal_pb2.CHANGE_STAGE_BEGUN,
    personal_pb2.CHANGE_STAGE_DONE,
    personal_pb2.CHANGE_STAGE_NOT_DONE,
)
LIMIT = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def value(text: str) -> personal_pb2.ChangedValue:
    return personal_pb2.ChangedValue(json=text)


def change(number: int = 1, *, stage: Any = BEGUN, **more: Any) -> personal_pb2.RecordChangeRequest:
    """What somebody changes."""
    parts: dict[str, Any] = {
        name: more.pop(name) for name in ("before", "after", "failure", "known_by", "operation") if name in more
    }
    said: dict[str, Any] = {"known_by": "session", "operation": "update", **parts}
    wanted = {"resource": f"views/view-{number}", "person": "ada", "reason": "why"} | more
    return personal_pb2.RecordChangeRequest(
        change=personal_pb2.Change(request_id=f"r-{number}", stage=stage, **said), **wanted
    )


async def record(audit: Audit, request: personal_pb2.RecordChangeRequest) -> personal_pb2.Note:
    return (await audit.queries().RecordChange(request, None)).note


async def listed(audit: Audit, **asked: Any) -> list[personal_pb2.Note]:
    """All pages."""
    found: list[personal_pb2.Note] = []
    request = personal_pb2.ListNotesRequest(**asked)
    while True:
        page = await audit.queries().ListNotes(request, None)
        found += page.notes
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_a_change_is_in_the_log_with_how_it_was_and_how_it_is(audit: Audit) -> None:
    asked = change(before=value('{"title": "é"}'), after=value("[1,2]"), tenant="acme")
    note = await record(audit, asked)
    assert (note.kind, note.person, note.reason, note.tenant, note.resource) == (
        *("change", "ada", "why", "acme", "views/view-1"),
    )
    assert note.change == asked.change
    assert note.note_time.ToMilliseconds() == NOW_MS
    (place,) = await audit.store.log.places(0, end=1)
    assert place.leaf == Leaf("change", (note.raw,))
    assert msgspec.json.decode(note.raw)["before"] == {"value": {"title": "é"}}
    assert await listed(audit) == [note]


async def test_the_same_change_is_written_once_and_another_under_its_request_is_refused(audit: Audit) -> None:
    first = await record(audit, change())
    audit.now_ms += 1_000
    assert await record(audit, change()) == first
    for other in (change(person="bob"), change(after=value("1")), change(reason="")):
        with pytest.raises(CallEnded) as ended:
            await record(audit, other)
        assert ended.value.reason is Reason.IDEMPOTENCY_KEY_REUSED
    done = await record(audit, change(stage=DONE, after=value("2")))
    assert await listed(audit) == [done, first]


async def test_what_is_written_once_is_written_once_also_in_one_batch(audit: Audit) -> None:
    raw = (await record(audit, change())).raw
    other = raw.replace(b"r-1", b"r-2")
    again = other.replace(b'"why"', b'"still"')
    changed = [Noted("change", each) for each in (raw, other, again, other)]
    await audit.store.write([*changed, Noted("later", b"[]"), Noted("later", b"[]")])
    assert [note.raw for note in await listed(audit)] == [b"[]", b"[]", other, raw]


async def test_what_is_too_large_is_known_by_its_size_and_hash(audit: Audit) -> None:
    text = f'"{"x" * LARGEST_VALUE}"'
    with pytest.raises(CallEnded):
        await record(audit, change(after=value(text)))
    proved = personal_pb2.ChangedValue(size=len(text), sha256=hashlib.sha256(text.encode()).digest())
    note = await record(audit, change(after=proved))
    assert note.change.after == proved


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("person", {"person": ""}),
        ("person", {"person": "Ada L"}),
        ("resource", {"resource": ""}),
        ("resource", {"resource": "views/é"}),
        ("resource", {"resource": "views/" + "x/" * 200}),
        ("tenant", {"tenant": "Acme"}),
        ("reason", {"reason": "x" * 1_001}),
        ("change.stage", {"stage": 0}),
        ("change.stage", {"stage": 9}),
        ("change.failure", {"stage": NOT_DONE}),
        ("change.failure", {"stage": NOT_DONE, "failure": "it broke"}),
        ("change.failure", {"failure": "CONFLICT"}),
        ("change.operation", {"operation": ""}),
        ("change.known_by", {"known_by": "a guess"}),
        ("change.before", {"before": personal_pb2.ChangedValue()}),
        ("change.before", {"before": value("{")}),
        ("change.after", {"after": value("[" * 20_000)}),
        ("change.after", {"after": value("NaN")}),
        ("change.after", {"after": personal_pb2.ChangedValue(size=5, sha256=b"short")}),
        ("change.after", {"after": personal_pb2.ChangedValue(json="1", size=5)}),
    ],
)
async def test_who_says_a_change_wrongly_is_told_the_field_and_nothing_is_written(
    audit: Audit, field: str, asked: dict[str, Any]
) -> None:
    with pytest.raises(CallEnded) as ended:
        await record(audit, change(**asked))
    assert (ended.value.reason, ended.value.metadata["field"]) == (Reason.ARGUMENT_INVALID, field)
    assert await audit.store.log.size() == 0


async def test_notes_are_found_by_what_they_say(audit: Audit) -> None:
    for number in range(6):
        audit.now_ms = NOW_MS + number
        tenant = ("", "acme", "beta")[number % 3]
        await record(audit, change(number, person=("ada", "bob")[number % 2], tenant=tenant))
    await audit.store.write([Noted("later-kind", b'{"at_ms":5,"person":"ada"}')])

    async def found(**asked: Any) -> list[int]:
        return [note.leaf_index for note in await listed(audit, page_size=1, **asked)]

    at = [Timestamp() for _ in range(6)]
    for number, each in enumerate(at):
        each.FromMilliseconds(NOW_MS + number)
    assert await found() == [6, 5, 4, 3, 2, 1, 0]
    assert await found(kind="change", person="ada") == [4, 2, 0]
    assert await found(kind="erasure") == []
    assert await found(resource="views/view-3") == [3]
    assert await found(resource="views/") == [5, 4, 3, 2, 1, 0]
    assert await found(resource="views/view-9") == []
    assert await found(tenants=["acme"]) == [4, 1]
    assert await found(tenants=["acme", "beta"], person="bob") == [5, 1]
    assert await found(start_time=at[2], end_time=at[4]) == [3, 2]
    assert await found(end_time=at[1]) == [6, 0]


@pytest.mark.parametrize(
    ("field", "asked"),
    [
        ("resource", {"resource": "é"}),
        ("tenants", {"tenants": [""]}),
        ("tenants", {"tenants": ["a"] * 1_001}),
        ("person", {"person": "a" * 129}),
        ("kind", {"kind": "a" * 129}),
        ("end_time", {"end_time": Timestamp()}),
        ("end_time", {"start_time": Timestamp(seconds=5), "end_time": Timestamp(seconds=5)}),
    ],
)
async def test_notes_that_are_looked_for_wrongly_are_not_listed(
    audit: Audit, field: str, asked: dict[str, Any]
) -> None:
    with pytest.raises(CallEnded) as ended:
        await listed(audit, **asked)
    assert ended.value.metadata["field"] == field


async def test_a_page_of_long_notes_has_fewer_of_them_and_none_is_lost(audit: Audit) -> None:
    long = value(f'"{"x" * (LARGEST_VALUE - 2)}"')
    for number in range(40):
        await record(audit, change(number, before=long, after=long))
    page = await audit.queries().ListNotes(personal_pb2.ListNotesRequest(page_size=1_000), None)
    assert 10 < len(page.notes) < 20
    assert page.ByteSize() < 4 << 20
    assert [note.leaf_index for note in await listed(audit, page_size=1_000)] == list(range(39, -1, -1))


@LIMIT
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["x/1", "x/12", "y/1"])), max_size=12), st.data())
async def test_every_page_size_lists_the_same_notes(
    stores: Kind, wanted: list[tuple[str, str]], data: st.DataObject
) -> None:
    store = stores.new()
    try:
        texts = [
            msgspec.json.encode({"at_ms": number, "person": person, "resource": resource, "request_id": f"{number}"})
            for number, (person, resource) in enumerate(wanted)
        ]
        await store.write([Noted("change", text) for text in texts])
        audit = Audit(None, "", store)  # type: ignore[arg-type]  # nothing is read from streams
        size = data.draw(st.integers(1, 13))
        asked = {"person": data.draw(st.sampled_from(["", "a"])), "resource": data.draw(st.sampled_from(["", "x/1"]))}
        found = [note.leaf_index for note in await listed(audit, page_size=size, **asked)]
    finally:
        await store.close()
    matching = [
        number
        for number, (person, resource) in enumerate(wanted)
        if asked["person"] in ("", person) and resource.startswith(asked["resource"])
    ]
    assert found == matching[::-1]


@given(
    st.text(max_size=20),
    st.binary(max_size=200) | st.dictionaries(st.text(), st.text() | st.integers()).map(msgspec.json.encode),
)
def test_whatever_an_entry_says_it_is_found_by_something_that_every_store_keeps(kind: str, raw: bytes) -> None:
    by = found_by(kind, raw)
    assert isinstance(by, FoundBy)
    assert all("\0" not in each and len(each) <= 400 for each in by.row if isinstance(each, str))


TAMPERED = {
    "what was changed": (
        "UPDATE noted SET raw = CAST(replace(raw, 'ada', 'bob') AS BLOB)",
        {"store-entry", "store-note"},
    ),
    "who is looked for": ("UPDATE noted SET person = 'bob'", {"store-note"}),
    "what is looked for": ("UPDATE noted SET resource = ''", {"store-note"}),
    "when": ("UPDATE noted SET at_ms = at_ms + 1", {"store-note"}),
    "all of it, away": ("DELETE FROM noted", {"store-entry"}),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_a_change_that_was_tampered_with_is_found(tmp_path: Path, what: str) -> None:
    store = SqliteStore(tmp_path)
    audit = Audit(None, "", store)  # type: ignore[arg-type]  # nothing is read from streams
    await record(audit, change(before=value("1"), after=value("2")))
    await Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS).now()
    await store.close()
    assert (await check(tmp_path))[0] == set()
    text, wanted = TAMPERED[what]
    tampering(tmp_path, text)
    wrong, _ = await check(tmp_path)
    assert wrong == wanted


async def test_who_may_look_in_some_tenants_sees_no_other_s_notes(audit: Audit) -> None:
    class Context:
        def __init__(self, tenants: str) -> None:
            self._tenants = tenants

        def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
            return ((TENANTS, self._tenants),)

    for number, tenant in enumerate(("", "acme", "beta")):
        await record(audit, change(number, tenant=tenant))

    async def seen(may: str, *asked: str) -> list[str]:
        request = personal_pb2.ListNotesRequest(tenants=asked)
        return [note.tenant for note in (await audit.queries().ListNotes(request, Context(may))).notes]

    assert await seen("acme,beta") == ["beta", "acme"]
    assert await seen("acme") == ["acme"]
    assert await seen("acme,beta", "beta") == ["beta"]
    for may, asked in (("acme", "beta"), ("", "acme")):
        with pytest.raises(CallEnded) as ended:
            await seen(may, asked)
        assert ended.value.reason is Reason.POLICY_DENIED
    with pytest.raises(CallEnded):
        await seen("")
