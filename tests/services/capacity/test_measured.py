"""The model against a short real measurement, with gateway and store as processes of their own and four buckets a call.

The machine is another one than the model's, and shared: CPU may differ by a factor of `CPU`, bytes by `BYTES`. The
client is written in Python and does not saturate the gateway, so its calls come alone; what they take at saturation is
`make bench`'s.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from gateway.core import keys
from gateway.redis_clients import connected
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from services.capacity import constants
from services.supervisor.probes import GrpcServing
from tests import stores
from tests.e2e.holding import SALES
from tests.e2e.policy import policy
from tests.e2e.requests import send
from tests.e2e.waiting import eventually
from tests.e2e.world import World
from tests.fakes.upstream import fake_upstream
from tests.services.ports import free

CALLS: Final = 3_000
AT_ONCE: Final = 32
CPU: Final = 2.5
BYTES: Final = 1.4
BUCKETS: Final[dict[str, Any]] = {
    "limits": [
        {"name": "agent-rate", "by": ["agent"], "rate": 100_000, "per": "1s"},
        {"name": "channel-rate", "by": ["tenant", "channel"], "rate": 100_000, "per": "1s"},
    ],
    "caps": [
        {"name": "marketing", "categories": ["marketing"], "max": 1_000_000, "window": "7d"},
        {"name": "email", "channels": ["email"], "max": 1_000_000, "window": "7d"},
    ],
}


@contextlib.asynccontextmanager
async def gateway_process(redis_url: str, home: Path) -> AsyncIterator[tuple[int, str]]:
    """A gateway; its process and its address."""
    address = f"127.0.0.1:{free(1)[0]}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    environment |= {"PILOTE_HOME": str(home), "PILOTE_REDIS_URL": redis_url, "PILOTE_GATEWAY_LISTEN": address}
    environment |= {"PILOTE_METRICS_LISTEN": "off", "PILOTE_STORE_TIMEOUT_MS": "10000", "PILOTE_CALL_LOG": "none"}
    command = (sys.executable, "-m", "services.cli", "gateway")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
    try:
        await eventually(lambda: _serves(address), what="the gateway serves", within=60)
        yield process.pid, address
    finally:
        process.terminate()
        await process.wait()


async def _serves(address: str) -> bool | None:
    return await GrpcServing(address)() or None


def cpu_us(pid: int) -> float:
    """CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


async def calls(address: str, count: int, *, named: str) -> None:
    """So many messages, each to another customer."""
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(address, options=options) as channel:
        stub: Any = MessageServiceStub(channel)
        left = iter(range(count))

        async def one_after_another() -> None:
            for each in left:
                await stub.SendMessage(send(f"contacts/{named}-{each}"), metadata=SALES)

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))


@pytest.mark.integration
async def test_the_model_is_what_is_measured_within_its_tolerance(tmp_path: Path) -> None:
    store: Any = stores.store("valkey", tmp_path / "store", append_only=True)
    store.start()
    try:
        async with contextlib.AsyncExitStack() as stack:
            redis: Any = await stack.enter_async_context(await connected(store.url))
            upstream = await stack.enter_async_context(fake_upstream())
            world = World(redis, store.url, tmp_path / "world", stack, keeping=False)
            number = await world.publish(policy(upstream.address, **BUCKETS))
            pid, address = await stack.enter_async_context(gateway_process(store.url, tmp_path / "home"))
            await world.run_by("gateway", number)
            await calls(address, 500, named="warm")
            before, busy, memory = await redis.info("everything"), cpu_us(pid), await _stream_bytes(redis)
            await calls(address, CALLS, named="measured")
            after, taken = await redis.info("everything"), (cpu_us(pid) - busy) / CALLS
            grown = (await _stream_bytes(redis) - memory) / CALLS
    finally:
        store.kill()

    def per_call(*names: str) -> float:
        return float(sum(after[name] - before[name] for name in names)) / CALLS

    store_us = per_call("used_cpu_sys", "used_cpu_user") * 1e6
    wire = per_call("total_net_input_bytes", "total_net_output_bytes")
    found = {"gateway us": taken, "store us": store_us, "store bytes": wire, "stream bytes": grown}
    print(found)  # noqa: T201
    _near(taken, constants.ALONE_US.value, CPU)
    _near(store_us, constants.STORE_US.value, CPU)
    _near(wire, constants.STORE_BYTES.value, BYTES)
    _near(grown, constants.STREAM_BYTES.value, BYTES)


async def _stream_bytes(redis: Any) -> int:
    return int(await redis.memory_usage(keys.decisions(keys.cell("acme")), samples=0) or 0)


def _near(found: float, modelled: float, factor: float) -> None:
    assert modelled / factor < found < modelled * factor
