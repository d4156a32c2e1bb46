"""No change without a record of it, and no record that says more than what happened."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from redis.exceptions import ConnectionError as RedisDown

from gateway.core.errors import CallEnded, Reason
from gateway.core.revision.decode import PolicyInvalid
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc, personal_pb2, views_pb2
from services.audit.sqlite.store import SqliteStore
from services.control.access.principals import Forbidden, Principal
from services.control.access.rights import Right, Rights
from services.control.changes import LARGEST_VALUE, LATER, Changes, failure_of
from services.control.undone import Undone
from services.revisions.revising import RevisionProblem
from tests.services.audit.conftest import Audit

ADA = Principal(name="ada", kind="token", rights=Rights({}), id="t0ken")
BEGUN, DONE, NOT_DONE = (
    personal_pb2.CHANGE_STAGE_BEGUN,
    personal_pb2.CHANGE_STAGE_DONE,
    personal_pb2.CHANGE_STAGE_NOT_DONE,
)


class Log:
    """An audit service, and what is in its log."""

    def __init__(self, audit: Audit, stub: Any) -> None:
        self.audit = audit
        self.stub = stub
        self.changes = Changes(stub)

    async def notes(self) -> list[personal_pb2.Note]:
        """Oldest first."""
        found = await self.audit.queries().ListNotes(personal_pb2.ListNotesRequest(page_size=100), None)
        return list(found.notes)[::-1]

    async def stages(self) -> list[tuple[int, str]]:
        return [(note.change.stage, note.change.failure) for note in await self.notes()]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    store = SqliteStore(tmp_path)
    audit = Audit(None, "", store)  # type: ignore[arg-type]  # nothing is read from streams
    async with (
        serving(
            lambda server: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server),
            listen="127.0.0.1:0",
            names=(),
            drain_seconds=0,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Log(audit, audit_service_pb2_grpc.AuditServiceStub(channel))
        await audit.store.close()


async def test_a_change_whose_end_is_known_is_noted_once_before_it_is_made(log: Log) -> None:
    async with log.changes.recording(
        ADA,
        operation="update",
        resource="stops/acme/all",
        tenant="acme",
        before=None,
        after={"by": "ada"},
        reason=" why ",
    ):
        (note,) = await log.notes()
    assert await log.notes() == [note]
    assert (note.person, note.resource, note.tenant, note.reason) == ("ada", "stops/acme/all", "acme", "why")
    said = note.change
    assert (said.known_by, said.credential, said.operation, said.stage) == ("token", "t0ken", "update", BEGUN)
    assert (said.HasField("before"), said.after.json) == (False, '{"by":"ada"}')


async def test_what_only_the_change_brings_about_is_noted_after_it(log: Log) -> None:
    async with log.changes.recording(ADA, operation="create", resource="revisions", after=LATER) as changing:
        changing.after = {"number": 12}
    first, second = await log.notes()
    assert (first.change.stage, first.change.HasField("after")) == (BEGUN, False)
    assert (second.change.stage, second.change.after.json) == (DONE, '{"number":12}')
    assert first.change.request_id == second.change.request_id == changing.request_id
    async with log.changes.recording(ADA, operation="create", resource="revisions", after=LATER):
        pass
    assert await log.stages() == [(BEGUN, ""), (DONE, "")] * 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CallEnded(Reason.CONFLICT, "secret text"), "CONFLICT"),
        (Undone(Reason.NOT_FOUND, "stop-none"), "NOT_FOUND"),
        (RevisionProblem("role-missing"), "ROLE_MISSING"),
        (Forbidden(Right.STOPS), "RIGHT_MISSING"),
        (PolicyInvalid(()), "POLICY_INVALID"),
        (msgspec.ValidationError("secret text"), "ARGUMENT_INVALID"),
        (RedisDown("secret text"), "STORE_UNAVAILABLE"),
        (TimeoutError(), "STORE_UNAVAILABLE"),
        (asyncio.CancelledError(), "CANCELLED"),
        (ValueError("secret text"), "ARGUMENT_INVALID"),
        (KeyError("secret text"), "INTERNAL"),
    ],
)
async def test_what_was_not_done_is_noted_with_its_reason_and_nothing_else(
    log: Log, error: BaseException, code: str
) -> None:
    with pytest.raises(type(error)):
        async with log.changes.recording(ADA, operation="delete", resource="views/x", before=1):
            raise error
    assert await log.stages() == [(BEGUN, ""), (NOT_DONE, code)]
    assert all(b"secret" not in note.raw for note in await log.notes())


async def test_a_refusal_of_another_service_is_noted_by_its_reason(log: Log) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async with log.changes.recording(ADA, operation="delete", resource="views/x"):
            await log.stub.DeleteView(views_pb2.DeleteViewRequest(name="views/x"))
    assert failure_of(refused.value) == "NOT_FOUND"
    assert await log.stages() == [(BEGUN, ""), (NOT_DONE, "NOT_FOUND")]


async def test_where_it_cannot_be_noted_nothing_is_done() -> None:
    done = []
    async with grpc.aio.insecure_channel("127.0.0.1:1") as nobody:
        changes = Changes(audit_service_pb2_grpc.AuditServiceStub(nobody))
        with pytest.raises(Undone) as undone:
            async with changes.recording(ADA, operation="create", resource="views/x"):
                done.append(1)
    assert (undone.value.reason, undone.value.code, done) == (Reason.STORE_UNAVAILABLE, "change-unrecorded", [])


async def test_a_change_is_not_taken_back_because_its_end_cannot_be_noted(log: Log, tmp_path: Path) -> None:
    async with log.changes.recording(ADA, operation="create", resource="views/x", after=LATER):
        await log.audit.store.close()
    log.audit.store = SqliteStore(tmp_path)
    assert await log.stages() == [(BEGUN, "")]


async def test_a_retry_of_the_same_request_is_noted_once(log: Log) -> None:
    for _ in range(2):
        async with log.changes.recording(ADA, operation="create", resource="views/x", after=1, request_id="r-1"):
            pass
    assert await log.stages() == [(BEGUN, "")]


async def test_hundred_at_once_are_all_noted(log: Log) -> None:
    async def one(number: int) -> None:
        async with log.changes.recording(ADA, operation="update", resource=f"views/v-{number}", after=LATER) as its:
            its.after = number

    await asyncio.gather(*(one(number) for number in range(100)))
    answer = await log.audit.queries().ListNotes(personal_pb2.ListNotesRequest(page_size=1000), None)
    assert sorted((note.resource, note.change.stage) for note in answer.notes) == sorted(
        (f"views/v-{number}", stage) for number in range(100) for stage in (BEGUN, DONE)
    )


async def test_whatever_people_name_and_send_has_a_place_in_the_log(log: Log) -> None:
    large = "x" * LARGEST_VALUE
    view = views_pb2.View(name="views/x", title="É")
    async with log.changes.recording(
        ADA, operation="update", resource=f"views/é {'x' * 400}", before=large, after=view, reason="x" * 2_000
    ):
        pass
    (note,) = await log.notes()
    raw = msgspec.json.encode(large)
    assert (note.resource[:16], len(note.resource)) == ("views/%C3%A9%20x", 300)
    assert (note.change.before.size, note.change.before.sha256) == (len(raw), hashlib.sha256(raw).digest())
    assert msgspec.json.decode(note.change.after.json) == {"name": "views/x", "title": "É"}
    assert len(note.reason) == 1_000
