"""Clients of MCP that shake hands first take quick answers, and cancel quick calls."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import fastmcp
import httpx2
import pytest
from fastmcp.client.transports import StreamableHttpTransport
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from tests.e2e.mcp_clients import LEGACY, fronting
from tests.e2e.mcp_session import ADA, SALES, hanging
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream

Call = Callable[..., Awaitable[Any]]


def listening(seen: list[str]) -> Callable[..., httpx2.AsyncClient]:
    """Makes HTTP clients that note the kind of each answer to what they have sent."""

    async def note(answer: httpx2.Response) -> None:
        if answer.request.method == "POST" and answer.status_code == 200:
            seen.append(answer.headers["content-type"])

    def made(headers: dict[str, str] | None = None, **more: Any) -> httpx2.AsyncClient:
        http = create_mcp_http_client((headers or {}) | {"x-api-key": SALES["x-api-key"]})
        http.event_hooks["response"].append(note)
        return http

    return made


@contextlib.asynccontextmanager
async def by_mcp(url: str, seen: list[str]) -> AsyncIterator[Call]:
    async with (
        listening(seen)() as http,
        Client(streamable_http_client(url, http_client=http), mode=LEGACY) as client,
    ):
        yield client.call_tool


@contextlib.asynccontextmanager
async def by_fastmcp(url: str, seen: list[str]) -> AsyncIterator[Call]:
    transport = StreamableHttpTransport(url, httpx_client_factory=listening(seen))
    async with fastmcp.Client(transport, mode=LEGACY) as client:
        yield client.call_tool


@pytest.mark.parametrize("by", [by_mcp, by_fastmcp])
async def test_clients_take_quick_answers_and_cancel_quick_calls(
    world: World, upstream: FakeUpstream, by: Callable[..., contextlib.AbstractAsyncContextManager[Call]]
) -> None:
    seen: list[str] = []
    async with fronting(world) as port, by(f"http://127.0.0.1:{port}/mcp", seen) as call:
        await call("contacts_get", ADA)  # may come before the session is known, which it is then
        assert (await call("contacts_get", ADA)).structured_content == {}
        assert seen[-1] == "application/json"
        upstream.behave = hanging(upstream)
        made = len(upstream.asked) + 1
        calling = asyncio.ensure_future(call("contacts_get", ADA))
        await until(lambda: len(upstream.asked) == made, what="the call")
        calling.cancel()
        await until(lambda: upstream.ended == ["CancelledError"], what="its end")
        upstream.let_go.set()
        assert (await call("contacts_get", ADA)).structured_content == {}
