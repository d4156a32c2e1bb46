"""A decision worker as the Envoy engine starts it, and its clients: everything is real."""

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from gateway.settings import inherited
from pilote.envoy.access_log_pb2_grpc import AccessLogServiceStub
from pilote.envoy.auth_pb2_grpc import AuthorizationStub
from services.supervisor.probes import GrpcServing
from tests.e2e.envoy.front import envoy_key_file
from tests.e2e.waiting import eventually
from tests.e2e.world import HOLD_KEY, KEY, RECORD_KEY, REPLAY_KEY, World


@dataclass(slots=True)
class Worker:
    """One that runs."""

    socket: Path
    process: asyncio.subprocess.Process
    channel: grpc.aio.Channel

    @property
    def checking(self) -> Any:
        """The stub that Envoy asks by."""
        return AuthorizationStub(self.channel)

    async def answers(self) -> None:
        """Wait for its next answer on the connection; all that was sent before has come then."""
        health: Any = HealthStub(self.channel)
        answer = await health.Check(HealthCheckRequest(), timeout=20)
        assert answer.status == HealthCheckResponse.SERVING

    @property
    def logs(self) -> Any:
        """The stub that Envoy tells by."""
        return AccessLogServiceStub(self.channel)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started; of a worker that is its Envoy."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in found.read_text(encoding="ascii").split()]


def worker_environment(world: World, home: Path, **settings: str) -> dict[str, str]:
    """That of a worker on the world's store, with the world's keys."""
    home.mkdir(exist_ok=True)
    (home / "pseudonym.key").write_bytes(KEY)
    for name, key in (("holds", HOLD_KEY), ("replays", REPLAY_KEY), ("records", RECORD_KEY)):
        (home / f"{name}.key").write_text(key.hex(), encoding="ascii")
    ours = {
        "PILOTE_HOME": str(home),
        "PILOTE_REDIS_URL": world.redis_url,
        "PILOTE_PSEUDONYM_KEY_FILE": str(home / "pseudonym.key"),
        "PILOTE_HOLD_KEY_FILE": str(home / "holds.key"),
        "PILOTE_REPLAY_KEY_FILE": str(home / "replays.key"),
        "PILOTE_RECORD_KEY_FILE": str(home / "records.key"),
        "PILOTE_ENVOY_KEY_FILE": str(envoy_key_file(home)),
        "PILOTE_STORE_TIMEOUT_MS": "10000",
        "PILOTE_METRICS_LISTEN": "off",
    }
    others = {name: value for name, value in inherited().items() if not name.startswith("PILOTE_")}
    return others | ours | settings


@contextlib.contextmanager
def socket_folder() -> Any:
    """A folder whose path leaves room for that of a socket."""
    folder = Path(tempfile.mkdtemp(prefix="pilote-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def worker(world: World, home: Path, **settings: str) -> AsyncIterator[Worker]:
    """A worker until the block ends; then it is killed where it has not ended by itself."""
    with socket_folder() as folder, (home.with_suffix(".log")).open("wb") as log:
        socket = folder / "check.sock"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", "decide", str(socket)),
            env=worker_environment(world, home, **settings),
            stdout=log,
            stderr=log,
        )
        try:
            await serving(socket)
            async with grpc.aio.insecure_channel(
                f"unix:{socket}", options=(("grpc.use_local_subchannel_pool", 1),)
            ) as channel:
                yield Worker(socket, process, channel)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def serving(socket: Path) -> None:
    """Wait until it answers there."""
    ready = GrpcServing(f"unix:{socket}")

    async def look() -> bool | None:
        return await ready() or None

    await eventually(look, what="a decision worker", within=60)
