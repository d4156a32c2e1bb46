"""Long answers over MCP come in parts, calls that are kept are waited for, and who goes away ends the call."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client.client import Client

from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from tests.e2e.holding import HOLD_CONTACTS, Desk
from tests.e2e.mcp_clients import LEGACY, MODERN, client, crm, fronting, text_of
from tests.e2e.policy import allow_all, policy
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.upstream import Asked, FakeUpstream, answering

both_ways = pytest.mark.parametrize("mode", [MODERN, LEGACY])
MAIL = {"customer": "contacts/ada", "channel": "email", "category": "marketing", "subject_line": "News", "body": "Dear"}
SENT = SendMessageResponse(message=Message(name="messages/m-1", customer="contacts/ada"))
ADA = {"name": "contacts/ada"}
COUNT = 30


@contextlib.asynccontextmanager
async def filled(empty_world: World, tmp_path: Path) -> AsyncIterator[Client]:
    """A client before a CRM with thirty contacts. No fixture: one task must open and close what the SDK opens."""
    await empty_world.gateway()
    async with crm(tmp_path) as address:
        await empty_world.publish(policy(address))
        async with fronting(empty_world) as port, client(port) as agent:
            for number in range(COUNT):
                contact = {"display_name": f"Person {number}"}
                made = await agent.call_tool("contacts_create", {"contact": contact, "contact_id": f"p-{number:02}"})
                assert not made.is_error
            yield agent


async def test_a_list_is_told_page_by_page_with_the_way_to_the_next(empty_world: World, tmp_path: Path) -> None:
    async with filled(empty_world, tmp_path) as agent:
        first = await agent.call_tool("contacts_list", {})
        token = first.structured_content["next_page_token"]
        assert len(first.structured_content["contacts"]) == 25
        assert f"page_token {token}" in text_of(first)
        rest = await agent.call_tool("contacts_list", {"page_token": token})
        assert len(rest.structured_content["contacts"]) == COUNT - 25
        assert "next_page_token" not in rest.structured_content
        capped = await agent.call_tool("contacts_list", {"page_size": 100_000})
        assert not capped.is_error


async def test_a_stream_is_told_in_parts_that_together_are_the_whole(empty_world: World, tmp_path: Path) -> None:
    async with filled(empty_world, tmp_path) as agent:
        names: list[str] = []
        skip = 0
        while True:
            part = await agent.call_tool("contacts_stream", {"max_items": 7, "skip_items": skip})
            names += [each["contact"]["name"] for each in part.structured_content["items"]]
            further = part.structured_content.get("next_skip_items")
            if further is None:
                break
            assert f"skip_items {further}" in text_of(part)
            skip = further
        assert names == [f"contacts/p-{number:02}" for number in range(COUNT)]


async def test_progress_tells_how_much_has_come(empty_world: World, tmp_path: Path) -> None:
    async with filled(empty_world, tmp_path) as agent:
        told: list[tuple[float, str | None]] = []

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            told.append((progress, message))

        part = await agent.call_tool("contacts_stream", {"max_items": 5}, progress_callback=hear)
        assert len(part.structured_content["items"]) == 5
        await until(lambda: len(told) == 5, what="progress")
        assert told[-1] == (5, "5 received.")


@pytest.fixture
async def desk(world: World, upstream: FakeUpstream) -> Desk:
    """Messages need a person."""
    upstream.behave = answering(SENT.SerializeToString())
    await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS, allow_all()]))
    return Desk(world)


@both_ways
async def test_a_call_that_is_kept_names_its_hold_which_is_waited_for(
    world: World, desk: Desk, upstream: FakeUpstream, mode: str
) -> None:
    async with fronting(world) as port, client(port, mode=mode) as agent:
        held = await agent.call_tool("messages_send", {"message": MAIL, "request_id": "r-1"})
        hold = held.structured_content["error"]["hold"]
        pending = await agent.call_tool("holds_wait", {"name": hold, "timeout": "0s"})
        waiting = asyncio.ensure_future(agent.call_tool("holds_wait", {"name": hold, "timeout": "10s"}))
        assert await desk.decide(hold.removeprefix("holds/"))
        over = await waiting
        again = await agent.call_tool("holds_get", {"name": hold})
    assert held.structured_content["error"]["reason"] == "APPROVAL_REQUIRED"
    assert "holds_wait" in text_of(held)
    assert pending.structured_content["hold"]["state"] == "HOLD_STATE_PENDING"
    assert "Call holds_wait again" in text_of(pending)
    assert over.structured_content["hold"]["state"] == "HOLD_STATE_EXECUTED"
    assert over.structured_content["hold"]["response"]["message"]["name"] == "messages/m-1"
    assert again.structured_content == over.structured_content


@both_ways
@pytest.mark.parametrize("tool", ["contacts_get", "contacts_stream"])
async def test_who_stops_waiting_ends_the_call_behind_and_no_other(
    world: World, upstream: FakeUpstream, mode: str, tool: str
) -> None:
    async def never(_asked: Asked, _context: Any) -> bytes:
        await upstream.let_go.wait()
        return b""

    upstream.behave = never
    async with fronting(world) as port, client(port, mode=mode) as agent:
        await agent.list_tools()
        calls = [agent.call_tool(each, ADA if each == "contacts_get" else {}) for each in (tool, "contacts_get")]
        stopped, other = (asyncio.ensure_future(call) for call in calls)
        await until(lambda: len(upstream.asked) == 2, what="both calls")
        stopped.cancel()
        await until(lambda: len(upstream.ended) == 1, what="its end")
        upstream.let_go.set()
        assert not (await other).is_error
        assert not (await agent.call_tool("contacts_get", ADA)).is_error
    assert upstream.ended == ["CancelledError"]


async def test_many_requests_go_as_one_stream_and_each_is_answered(world: World, upstream: FakeUpstream) -> None:
    requests = [{"message": MAIL, "request_id": f"r-{number}"} for number in range(3)]
    async with fronting(world) as port, client(port) as agent:
        done = await agent.call_tool("messages_send_many", {"requests": requests})
    assert len(done.structured_content["items"]) == 3
