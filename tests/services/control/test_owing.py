"""What the log could not take down it gets later: in order, each note once, whoever brings it and wherever they end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from gateway.redis_clients import Client
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc, personal_pb2
from services.audit.sqlite.store import SqliteStore
from services.control.access.principals import Principal
from services.control.access.rights import Rights
from services.control.changes import LATER, Changes
from services.control.owing import OWED, Owing
from services.control.undone import Undone
from tests.services.audit.conftest import NOW_MS, Audit

ADA = Principal(name="ada", kind="token", rights=Rights({}), id="t0ken")
HAPPENED_MS = NOW_MS - 60_000
BEGUN = personal_pb2.CHANGE_STAGE_BEGUN
LIMIT = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


class Ending:
    """The log, for a control plane that ends at some of its notes: before they are written, or right after."""

    def __init__(self, stub: Any, *ends: str) -> None:
        """`ends` of the next notes: "before", "after", or "" for none."""
        self._stub = stub
        self._ends = list(ends)

    async def RecordChange(self, note: Any, **more: Any) -> Any:  # noqa: N802 # as gRPC names it
        end = self._ends.pop(0) if self._ends else ""
        if end == "before":
            raise asyncio.CancelledError
        written = await self._stub.RecordChange(note, **more)
        if end == "after":
            raise asyncio.CancelledError
        return written


class Desk:
    """A log and a store."""

    def __init__(self, audit: Audit, stub: Any, redis: Client) -> None:
        self.audit = audit
        self.stub = stub
        self.redis = redis

    def owing(self, stub: Any = None) -> Owing:
        return Owing(self.redis, stub or self.stub, clock_ms=lambda: HAPPENED_MS)

    def changes(self, stub: Any = None) -> Changes:
        return Changes(stub or self.stub, owing=self.owing(stub))

    async def notes(self) -> list[personal_pb2.Note]:
        """Oldest first."""
        found: list[personal_pb2.Note] = []
        request = personal_pb2.ListNotesRequest(page_size=1000)
        while True:
            page = await self.audit.queries().ListNotes(request, None)
            found += page.notes
            request.page_token = page.next_page_token
            if not request.page_token:
                return found[::-1]

    async def resources(self) -> list[str]:
        return [note.resource for note in await self.notes()]


def note(number: int) -> personal_pb2.RecordChangeRequest:
    change = personal_pb2.Change(request_id=f"r-{number}", known_by="token", operation="create", stage=BEGUN)
    return personal_pb2.RecordChangeRequest(change=change, resource=f"stops/acme/{number}", person="ada", reason="why")


@pytest.fixture
async def desk(tmp_path: Path, redis: Client) -> AsyncIterator[Desk]:
    audit = Audit(None, "", SqliteStore(tmp_path))  # type: ignore[arg-type]  # nothing is read from streams
    async with (
        serving(
            lambda server: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server),
            listen="127.0.0.1:0",
            names=(),
            drain_seconds=0,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Desk(audit, audit_service_pb2_grpc.AuditServiceStub(channel), redis)
        await audit.store.close()


@pytest.fixture
async def nobody() -> AsyncIterator[Any]:
    """An audit service that does not answer."""
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        yield audit_service_pb2_grpc.AuditServiceStub(channel)


async def test_what_only_takes_power_away_is_done_without_the_log_which_then_gets_both_its_notes(
    desk: Desk, nobody: Any
) -> None:
    recording = desk.changes(nobody).recording(
        ADA, operation="disable", resource="accounts/bob", after=LATER, reason="has left", takes_away=True
    )
    async with recording as changing:
        assert changing.owed
        changing.after = {"state": "disabled"}
    standing = await desk.owing().standing()
    assert (standing.notes, standing.since_ms, standing.refused) == (2, HAPPENED_MS, 0)
    assert await desk.notes() == []
    assert await desk.owing().pay() == 2
    begun, done = await desk.notes()
    assert (begun.person, begun.resource, begun.reason) == ("ada", "accounts/bob", "has left")
    assert (done.change.stage, done.change.after.json) == (personal_pb2.CHANGE_STAGE_DONE, '{"state":"disabled"}')
    for each in (begun, done):
        assert each.change.happen_time.ToMilliseconds() == HAPPENED_MS
        assert each.note_time.ToMilliseconds() == NOW_MS
    assert (await desk.owing().standing()).notes == 0


async def test_what_was_not_done_is_owed_as_such(desk: Desk, nobody: Any) -> None:
    with pytest.raises(ValueError, match="no"):
        async with desk.changes(nobody).recording(ADA, operation="create", resource="stops/a/all", takes_away=True):
            raise ValueError("no")
    await desk.owing().pay()
    assert [(each.change.stage, each.change.failure) for each in await desk.notes()] == [
        (BEGUN, ""),
        (personal_pb2.CHANGE_STAGE_NOT_DONE, "ARGUMENT_INVALID"),
    ]


async def test_what_gives_power_is_refused_without_the_log(desk: Desk, nobody: Any) -> None:
    with pytest.raises(Undone):
        async with desk.changes(nobody).recording(ADA, operation="delete", resource="stops/acme/all"):
            raise AssertionError
    assert (await desk.owing().standing()).notes == 0


async def test_where_the_store_does_not_answer_either_nothing_is_done(nobody: Any) -> None:
    async with Redis(host="127.0.0.1", port=1) as redis:
        changes = Changes(nobody, owing=Owing(redis, nobody, clock_ms=lambda: HAPPENED_MS))
        with pytest.raises(Undone, match="store-down"):
            async with changes.recording(ADA, operation="create", resource="stops/acme/all", takes_away=True):
                raise AssertionError


async def test_what_is_owed_comes_before_what_is_changed_after_it(desk: Desk, nobody: Any) -> None:
    async with desk.changes(nobody).recording(ADA, operation="create", resource="stops/acme/all", takes_away=True):
        pass
    async with desk.changes().recording(ADA, operation="delete", resource="stops/acme/all"):
        pass
    assert [each.change.operation for each in await desk.notes()] == ["create", "delete"]


async def test_the_end_of_a_change_that_the_log_did_not_hear_is_owed_to_it(desk: Desk) -> None:
    class Falling:
        """The log, which falls silent after the first note."""

        def __init__(self, stub: Any) -> None:
            self._stubs = [stub]

        async def RecordChange(self, note: Any, **more: Any) -> Any:  # noqa: N802 # as gRPC names it
            stub = self._stubs.pop() if self._stubs else None
            if stub is not None:
                return await stub.RecordChange(note, **more)
            async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
                return await audit_service_pb2_grpc.AuditServiceStub(channel).RecordChange(note, **more)

    async with desk.changes(Falling(desk.stub)).recording(
        ADA, operation="update", resource="views/x", after=LATER
    ) as its:
        its.after = 1
    assert len(await desk.notes()) == 1
    await desk.owing().pay()
    assert [each.change.stage for each in await desk.notes()] == [BEGUN, personal_pb2.CHANGE_STAGE_DONE]


async def test_a_note_that_was_written_when_it_was_first_tried_is_not_written_again_with_its_time(desk: Desk) -> None:
    await desk.stub.RecordChange(note(1))
    await desk.owing().add(note(1))
    assert await desk.owing().pay() == 1
    (only,) = await desk.notes()
    assert not only.change.HasField("happen_time")
    assert (await desk.owing().standing()).refused == 0


async def test_four_control_planes_that_pay_at_once_leave_each_note_once_and_in_order(desk: Desk) -> None:
    for number in range(50):
        await desk.owing().add(note(number))
    await asyncio.gather(*(desk.owing().pay() for _ in range(4)))
    assert await desk.resources() == [f"stops/acme/{number}" for number in range(50)]
    assert (await desk.owing().standing()).notes == 0


async def test_a_note_that_the_log_will_never_take_keeps_no_other_from_it(desk: Desk) -> None:
    wrong = note(1)
    wrong.resource = "not a resource"
    await desk.owing().add(wrong)
    await desk.owing().add(note(2))
    await asyncio.gather(*(desk.owing().pay() for _ in range(3)))
    assert await desk.resources() == ["stops/acme/2"]
    standing = await desk.owing().standing()
    assert (standing.notes, standing.since_ms, standing.refused) == (0, 0, 1)


async def test_while_the_log_does_not_answer_everything_stays_owed(desk: Desk, nobody: Any) -> None:
    await desk.owing().add(note(1))
    with pytest.raises(grpc.aio.AioRpcError):
        await desk.owing(nobody).pay()
    assert (await desk.owing().standing()).notes == 1


@LIMIT
@given(
    st.lists(
        st.one_of(
            st.integers(1, 5),  # so many notes come to be owed
            st.lists(st.sampled_from(["before", "after", ""]), max_size=6),  # a control plane pays, and ends there
        ),
        max_size=12,
    )
)
async def test_wherever_control_planes_end_each_note_is_there_once_and_in_order(
    desk: Desk, steps: list[int | list[str]]
) -> None:
    await desk.redis.delete(OWED)
    before, count = len(await desk.notes()), 0
    first = before * 1_000
    for step in steps:
        if isinstance(step, int):
            for _ in range(step):
                await desk.owing().add(note(first + count))
                count += 1
        else:
            # Two at once, of which one may end.
            await asyncio.gather(
                desk.owing(Ending(desk.stub, *step)).pay(),
                desk.owing(Ending(desk.stub, "", *step)).pay(),
                return_exceptions=True,
            )
    await desk.owing().pay()
    assert (await desk.resources())[before:] == [f"stops/acme/{first + number}" for number in range(count)]
