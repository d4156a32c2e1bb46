"""Plain calls in sessions are answered past the SDK, and nobody can tell but by the kind of the answer."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from tests.e2e.mcp_clients import crm
from tests.e2e.mcp_session import ADA, BY_SDK, Session, cancelled, hanging, is_quick, message, opened, unwrapped
from tests.e2e.policy import allow_all, cap, key_of, policy
from tests.e2e.test_mcp_quick import MAIL, stripped
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream, answering


async def test_answers_are_those_of_the_sdk(empty_world: World, tmp_path: Path) -> None:
    await empty_world.gateway()
    calls = [
        ("contacts_get", ADA, "en"),
        ("contacts_get", {"name": "contacts/nobody"}, "fr"),
        ("contacts_get", {"nam": "contacts/ada"}, "en"),
        ("contacts_get", {}, "fr"),
        ("contacts_list", {"page_size": 1}, "en"),
        ("messages_send", {"message": MAIL, "request_id": "r-2"}, "fr"),
        ("holds_get", {"name": "holds/none"}, "en"),
    ]
    async with crm(tmp_path) as address:
        await empty_world.publish(policy(address, rules=[allow_all()], caps=[cap(1)]))
        async with opened(empty_world) as session:
            for name in ("ada", "bo"):
                made = {"contact": {"display_name": name, "email": f"{name}@example.org"}, "contact_id": name}
                assert is_quick(await session.post(message("contacts_create", made)))
            await session.post(message("messages_send", {"message": MAIL, "request_id": "r-1"}))
            for version in HANDSHAKE_PROTOCOL_VERSIONS:
                await session.open(version)
                for tool, arguments, language in calls:
                    said = {"accept-language": language}
                    quick = await session.post(message(tool, arguments), **said)
                    slow = await session.post(message(tool, arguments), **said, **BY_SDK)
                    assert stripped(quick) == stripped(unwrapped(slow))
                    assert is_quick(quick)
                    assert slow.headers["content-type"].startswith("text/event-stream")
                    assert quick.headers["mcp-session-id"] == slow.headers["mcp-session-id"]
            for tool in ("no_such_tool", "contacts_stream", "holds_wait"):
                assert not is_quick(await session.post(message(tool, {"name": "holds/none"})))


@pytest.mark.parametrize("way", [{}, BY_SDK])
async def test_a_notification_cancels_the_call_it_names_and_no_other(
    world: World, upstream: FakeUpstream, way: dict[str, str]
) -> None:
    upstream.behave = hanging(upstream)
    named: list[tuple[int | str, int | str]] = [(8, 8), ("one", "one"), ("9", 9)]
    unfit: list[Any] = [99, None, [], {}]
    async with opened(world) as session:
        calls = [asyncio.ensure_future(session.post(message("contacts_get", ADA, each), **way)) for each, _ in named]
        other = asyncio.ensure_future(session.post(message("contacts_get", ADA, "other"), **way))
        await until(lambda: len(upstream.asked) == 4, what="all calls")
        for wrong in unfit:
            assert (await session.post(cancelled(wrong))).status_code in {202, 400}
        for call, (number, said) in zip(calls, named, strict=True):
            assert (await session.post(cancelled(said))).status_code == 202
            answer = unwrapped(await call) if way else await call
            error = {"code": -32800, "message": "Request cancelled"}
            assert answer.json() == {"jsonrpc": "2.0", "id": number, "error": error}
        await until(lambda: upstream.ended == ["CancelledError"] * 3, what="their end")
        upstream.let_go.set()
        assert (await other).status_code == 200
        assert is_quick(await session.post(message("contacts_get", ADA)))


async def test_a_mistake_is_told_as_one_without_its_words(world: World, upstream: FakeUpstream) -> None:
    upstream.behave = answering(b"\xff")
    async with opened(world) as session:
        for language, words in (("en", "in our log"), ("fr", "dans notre journal")):
            said = {"accept-language": language}
            quick = await session.post(message("contacts_get", ADA), **said)
            slow = await session.post(message("contacts_get", ADA), **said, **BY_SDK)
            assert is_quick(quick)
            assert quick.json() == unwrapped(slow).json()
            assert quick.json()["error"]["code"] == -32603
            assert words in quick.json()["error"]["message"]


async def test_a_notification_of_another_session_cancels_nothing(world: World, upstream: FakeUpstream) -> None:
    upstream.behave = hanging(upstream)
    async with opened(world) as session:
        foreign = await Session(session.http).open("2025-06-18")
        calling = asyncio.ensure_future(session.post(message("contacts_get", ADA, 8)))
        await until(lambda: len(upstream.asked) == 1, what="the call")
        assert (await foreign.post(cancelled(8))).status_code == 202
        other = {"x-api-key": key_of("globex-bot")}
        assert (await session.post(cancelled(8), **other)).status_code == 404
        upstream.let_go.set()
        assert is_quick(await calling)


async def test_an_ended_session_ends_its_calls_and_is_not_found_any_more(world: World, upstream: FakeUpstream) -> None:
    upstream.behave = hanging(upstream)
    async with opened(world) as session:
        calling = asyncio.ensure_future(session.post(message("contacts_get", ADA)))
        await until(lambda: len(upstream.asked) == 1, what="the call")
        foreign = session.headers | {"x-api-key": key_of("globex-bot")}
        assert (await session.http.delete("/mcp", headers=foreign)).status_code == 404
        assert (await session.http.delete("/mcp", headers=session.headers)).status_code == 200
        answer = await calling
        await until(lambda: upstream.ended == ["CancelledError"], what="the end of the call")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, -32603)
        for way in ({}, BY_SDK):
            gone = await session.post(message("contacts_get", ADA), **way)
            assert (gone.status_code, gone.json()["error"]["message"]) == (404, "Session not found")


async def test_a_session_stays_its_agents(world: World) -> None:
    async with opened(world) as session:
        other = {"x-api-key": key_of("globex-bot")}
        modern = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
        assert (await session.post(asked, **other, **modern)).status_code == 200  # has no sessions, so asks for none
        for version in ("2025-11-25", "2026-07-28"):
            refused = await session.post(message("contacts_get", ADA), **other, **{"mcp-protocol-version": version})
            assert refused.status_code in {400, 404}
        assert is_quick(await session.post(message("contacts_get", ADA)))
        unknown = await session.post(message("contacts_get", ADA), **{"mcp-session-id": "none"})
        assert (unknown.status_code, unknown.json()["error"]["message"]) == (404, "Session not found")


async def test_another_version_is_left_to_the_sdk_which_may_agree_on_it_anew(world: World) -> None:
    async with opened(world) as session:
        assert not is_quick(await session.post(message("contacts_get", ADA), **{"mcp-protocol-version": "2025-06-18"}))
        await session.open("2025-06-18")
        assert is_quick(await session.post(message("contacts_get", ADA)))
