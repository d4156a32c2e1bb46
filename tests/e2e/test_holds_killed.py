"""A gateway that dies while it makes a held call: the call is made at most once, and the hold tells what is known."""

import asyncio
import contextlib
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.connection import parse_url

from gateway.settings import inherited
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from tests.e2e.holding import HOLD_CONTACTS, HOUR_MS, Desk, state_of
from tests.e2e.policy import policy
from tests.e2e.world import HOLD_KEY, KEY, World
from tests.fakes.store_wire import StoreWire, store_wire
from tests.fakes.upstream import FakeUpstream, answering

SENT = SendMessageResponse(message=Message(name="messages/m-1")).SerializeToString()


@contextlib.asynccontextmanager
async def victim(
    world: World, hold_back: re.Pattern[bytes] | None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, StoreWire]]:
    """A gateway in a process of its own, whose command to the store that matches `hold_back` never arrives."""
    home = world.home / "victim"
    home.mkdir()
    (home / "pseudonym.key").write_bytes(KEY)
    (home / "holds.key").write_text(HOLD_KEY.hex())
    socket = home / "store.sock"
    settings = {
        "PILOTE_HOME": str(home),
        "PILOTE_REDIS_URL": f"unix://{socket}",
        "PILOTE_GATEWAY_LISTEN": "127.0.0.1:0",
        "PILOTE_PSEUDONYM_KEY_FILE": str(home / "pseudonym.key"),
        "PILOTE_HOLD_KEY_FILE": str(home / "holds.key"),
        "PILOTE_STORE_TIMEOUT_MS": "10000",
    }
    environment = {name: value for name, value in inherited().items() if not name.startswith("PILOTE_")}
    target = parse_url(world.redis_url)["path"]  # type: ignore[no-untyped-call]
    async with store_wire(target, socket, hold_back=hold_back) as wire:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", "gateway"), env=environment | settings, stdout=subprocess.DEVNULL
        )
        try:
            yield process, wire
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@pytest.mark.one_server  # whoever dies does so on the way to it
@pytest.mark.parametrize(
    ("dies_before", "wanted"),
    [
        pytest.param(rb"FCALL\r\n\$\d+\r\n\w+_admit", "EXECUTED", id="after it has claimed the hold"),
        pytest.param(rb"\r\nEXECUTING\r\n", "EXECUTED", id="after it has taken the buckets"),
        pytest.param(None, "IN_DOUBT", id="while the upstream has the call"),
        pytest.param(rb"FCALL\r\n\$\d+\r\n\w+_settle", "IN_DOUBT", id="after the upstream has answered"),
        pytest.param(rb"\r\nEXECUTED\r\n", "EXECUTED", id="after it has settled"),
    ],
)
async def test_the_call_is_made_once_and_the_hold_tells_the_truth(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path, dies_before: bytes | None, wanted: str
) -> None:
    world = empty_world
    world.killed = True
    async with world.started():
        await world.publish(policy(upstream.address, rules=[HOLD_CONTACTS]))
        desk = Desk(world)
        hold_id = await desk.held()
    upstream.behave = answering(SENT) if dies_before else upstream.hang
    async with victim(world, re.compile(dies_before) if dies_before else None) as (process, wire):
        assert await desk.decide(hold_id)
        await asyncio.wait_for(wire.held.wait() if dies_before else upstream.arrived.wait(), 30)
        process.kill()
        await process.wait()
    left = await desk.read(hold_id)
    begun = wanted == "IN_DOUBT" or dies_before == rb"\r\nEXECUTED\r\n"
    assert (left.state, left.claim != "", left.attempt) == ("EXECUTING" if begun else "APPROVED", True, 1)
    assert len(upstream.asked) == int(begun)

    upstream.let_go.set()
    upstream.behave = answering(SENT)
    world.gateways.clear()
    await world.gateway()
    await world.wait_for(1)
    world.ahead_ms = HOUR_MS  # whatever the dead one had claimed has run out by now
    hold = (await Desk(world).wait(hold_id)).hold
    assert state_of(hold) == wanted
    assert hold.response == (SENT if wanted == "EXECUTED" else b"")
    assert len(upstream.asked) == 1
