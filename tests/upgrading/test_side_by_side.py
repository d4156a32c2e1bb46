"""Gateways of two versions on one store, as in an upgrade without downtime: what one counts the other knows."""

import asyncio
import contextlib
import os
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Final

import grpc
import pytest

from gateway.redis_clients import Client
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from services.supervisor.probes import GrpcServing
from tests.chapters import ROOT
from tests.e2e.holding import SALES
from tests.e2e.policy import cap, policy
from tests.e2e.requests import send
from tests.e2e.waiting import eventually
from tests.e2e.world import HOLD_KEY, KEY, RECORD_KEY, REPLAY_KEY, World, told
from tests.fakes.upstream import fake_upstream
from tests.services.ports import free

EARLIER: Final = "c4d93681"
"""A commit of a thousand commits ago; this test needs the history of the repository."""


def checked_out(folder: Path) -> Path:
    """The code of then."""
    command = ("git", "archive", EARLIER, "gateway", "services", "protos", "pyproject.toml")
    archive = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def _begun(code: Path, home: Path, address: str, *, redis_url: str) -> "subprocess.Popen[bytes]":
    """Its process, with the keys of these tests."""
    home.mkdir()
    for name, key in (("holds", HOLD_KEY), ("replays", REPLAY_KEY), ("records", RECORD_KEY)):
        (home / name).write_text(f"{key.hex()}\n")
    (home / "pseudonym").write_bytes(KEY)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    environment |= {
        "PYTHONPATH": os.pathsep.join(map(str, (code, code / "protos" / "gen", code / "protos" / "kit"))),
        "PILOTE_HOME": str(home),
        "PILOTE_REDIS_URL": redis_url,
        "PILOTE_GATEWAY_LISTEN": address,
        "PILOTE_METRICS_LISTEN": "off",
        "PILOTE_STORE_TIMEOUT_MS": "10000",
        "PILOTE_PSEUDONYM_KEY_FILE": str(home / "pseudonym"),
        "PILOTE_HOLD_KEY_FILE": str(home / "holds"),
        "PILOTE_REPLAY_KEY_FILE": str(home / "replays"),
        "PILOTE_RECORD_KEY_FILE": str(home / "records"),
    }
    with (home / "log").open("wb") as log:
        command = (sys.executable, "-m", "services.cli", "gateway")
        return subprocess.Popen(command, cwd=code, env=environment, stdout=log, stderr=log)


@contextlib.asynccontextmanager
async def earlier_gateway(code: Path, redis_url: str, home: Path) -> AsyncIterator[str]:
    """Its gateway, as a process; its address."""
    process = _begun(code, home, address := f"127.0.0.1:{free(1)[0]}", redis_url=redis_url)
    try:

        async def serves() -> bool | None:
            assert process.poll() is None, (home / "log").read_text()
            return await GrpcServing(address)() or None

        await eventually(serves, what="the earlier gateway serves", within=60)
        yield address
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


@pytest.mark.integration
@pytest.mark.one_server
@pytest.mark.no_replay
async def test_a_cap_holds_over_gateways_of_two_versions(redis: Client, redis_url: str, tmp_path: Path) -> None:
    code = checked_out(tmp_path / "code")
    async with contextlib.AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(fake_upstream())
        world = World(redis, redis_url, tmp_path, stack)
        await world.gateway()
        await world.publish(policy(upstream.address, caps=[cap(4)]))
        address = await stack.enter_async_context(earlier_gateway(code, redis_url, tmp_path / "old"))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
        both = (MessageServiceStub(channel), world.agent().messages)
        ended = await asyncio.gather(*(told(both[n % 2].SendMessage(send(), metadata=SALES)) for n in range(10)))
        assert sorted(each.reason for each in ended) == [""] * 4 + ["CAP_EXCEEDED"] * 6
        assert len(await world.settled(10)) == 10  # each has written what the other reads
