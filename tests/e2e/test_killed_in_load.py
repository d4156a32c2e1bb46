"""Store, gateway worker and upstream killed and frozen in the middle of load: at the end every count is reconciled.

What counts is what the upstream really received, which it writes down itself. No cap is exceeded, nothing is done
twice, and there is no call without a record.
"""

import asyncio
import contextlib
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from gateway.redis_clients import connected
from pilote.crm.v1.message_service_pb2 import SendMessageRequest
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from tests.e2e.policy import Data, cap, policy
from tests.e2e.processes import Process, environment
from tests.e2e.requests import send
from tests.e2e.waiting import eventually, until
from tests.e2e.world import KEY, Kept, Told, World, credential, told
from tests.services.ports import free
from tests.stores import Store

AGENTS = ("sales-bot", "marketing-bot", "research-bot")
CUSTOMERS = 60
MOST = 3


@dataclass
class Site:
    """One store, two gateway workers, one upstream, and the load on them."""

    world: World
    store: Store
    workers: list[Process]
    upstream: Process
    received_file: Path
    ports: list[int]
    """Of the workers."""
    ended: list[Told] = field(default_factory=list)

    def received(self) -> list[tuple[str, str, str]]:
        """(decision, customer, request id) of every call that the upstream has received."""
        lines = self.received_file.read_text().splitlines() if self.received_file.exists() else []
        return [(parts[0], parts[1], parts[2]) for parts in (line.split(" ") for line in lines) if len(parts) == 4]

    async def call(self, n: int, turn: int) -> None:
        """One contact; every other carries an idempotency key, and is repeated with it until it is answered."""
        key = f"key-{n}-{turn}" if turn % 2 else ""
        request = send(f"contacts/c-{random.randrange(CUSTOMERS)}", request_id=key)  # noqa: S311
        for _ in range(3 if key else 1):
            ended = await self.attempt(request, AGENTS[n % len(AGENTS)], port=random.choice(self.ports))  # noqa: S311
            if ended is not None:
                self.ended.append(ended)
                if ended.code is not grpc.StatusCode.UNAVAILABLE:
                    return

    async def attempt(self, request: SendMessageRequest, agent: str, *, port: int) -> Told | None:
        """How one call ended; `None` where nobody listened, or the worker died."""
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            found = await told(MessageServiceStub(channel).SendMessage(request, metadata=credential(agent), timeout=3))
        return found if "pilote-decision-id" in found.trailers else None

    @contextlib.asynccontextmanager
    async def load(self) -> AsyncIterator[None]:
        """Thirty callers until the block ends."""
        stop = asyncio.Event()

        async def calling(n: int) -> None:
            for turn in itertools.count():
                if stop.is_set():
                    return
                await self.call(n, turn)

        async with asyncio.TaskGroup() as group:
            for n in range(30):
                group.create_task(calling(n))
            yield
            stop.set()

    async def more(self, count: int) -> None:
        """Wait for so many more calls that were answered in any way."""
        target = len(self.ended) + count
        await until(lambda: len(self.ended) >= target, what=f"{count} more calls")


@pytest.fixture
async def site(own_redis: Store, tmp_path: Path) -> AsyncIterator[Site]:
    *ports, upstream_port = free(3)
    received = tmp_path / "received"
    upstream = Process("tests.fakes.upstream_process", str(upstream_port), str(received))
    (tmp_path / "pseudonym.key").write_bytes(KEY)
    workers = [
        Process(
            *("services.cli", "gateway"),
            environment=environment(
                PILOTE_HOME=str(tmp_path),
                PILOTE_REDIS_URL=own_redis.url,
                PILOTE_PSEUDONYM_KEY_FILE=str(tmp_path / "pseudonym.key"),
                PILOTE_STORE_TIMEOUT_MS="200",
                PILOTE_GATEWAY_LISTEN=f"127.0.0.1:{port}",
            ),
        )
        for port in ports
    ]
    async with contextlib.AsyncExitStack() as stack:
        redis = await connected(own_redis.url)
        stack.push_async_callback(redis.aclose)
        world = World(redis, own_redis.url, tmp_path, stack, killed=True)
        await world.publish(_policy(upstream_port))
        for process in (upstream, *workers):
            process.start()
            stack.callback(process.kill)
        site = Site(world, own_redis, workers, upstream, received, ports)

        async def serves() -> bool | None:
            ended = [await site.attempt(send(f"contacts/{port}"), "sales-bot", port=port) for port in ports]
            return all(each is not None for each in ended) or None

        await eventually(serves, what="a first answer of each worker")
        yield site


def _policy(port: int) -> Data:
    limits = [{"name": "running", "by": ["agent"], "concurrent": 1000}]
    return policy(f"127.0.0.1:{port}", caps=[cap(MOST), cap(MOST, name="per-day", window="1d", by=[])], limits=limits)


async def _reconciled(site: Site) -> dict[str, Kept]:
    """All decisions, once nothing waits on disk and every call that was answered is recorded."""
    spool = site.world.home / "spool"

    async def look() -> dict[str, Kept] | None:
        if any(file.stat().st_size for file in spool.glob("*.spool")):
            return None
        kept = await site.world.kept()
        return kept if {each.decision for each in site.ended} <= kept.keys() else None

    return await eventually(look, what="a record of every call")


@pytest.mark.timeout(120)
async def test_whatever_dies_no_cap_is_exceeded_nothing_is_done_twice_and_no_call_is_without_a_record(
    site: Site,
) -> None:
    async def killed(target: Process | Store) -> None:
        target.kill()
        await site.more(50)
        await asyncio.to_thread(target.start)
        await site.more(100)

    async def frozen(target: Process | Store) -> None:
        target.freeze()
        await site.more(50)
        target.thaw()
        await site.more(100)

    async with site.load():
        await site.more(100)
        for target in (site.store, site.workers[0], site.upstream):
            await killed(target)
            await frozen(target)
    kept = await _reconciled(site)
    received = site.received()
    assert len(received) >= CUSTOMERS

    # No cap is exceeded, by what really arrived.
    assert max(Counter(customer for _, customer, _ in received).values()) <= MOST
    # Nothing was done twice.
    assert max(Counter(decision for decision, _, _ in received).values()) == 1
    assert max(Counter(key for _, _, key in received if key != "-").values()) == 1
    # No forwarded call without a record, and none of them was refused or given back.
    for decision, _, _ in received:
        assert kept[decision].outcome.granted
        assert (settlement := kept[decision].settlement) is None or not settlement.gave_back
    # What its caller was told had gone through did arrive, or is the answer of an earlier call that did.
    arrived = {decision for decision, _, _ in received}
    answered = {each.decision for each in site.ended if each.code is grpc.StatusCode.OK}
    assert {kept[decision].outcome.first or decision for decision in answered} <= arrived
    # Each slot that is taken is one admitted call that was not given back.
    standing = [
        each
        for each in kept.values()
        if each.outcome.granted and not each.outcome.first and not (each.settlement and each.settlement.gave_back)
    ]
    assert await site.world.taken() == await site.world.taken("per-day") == len(standing)
    assert {each.reason for each in site.ended} <= {
        *("", "CAP_EXCEEDED", "LIMIT_EXCEEDED", "STORE_UNAVAILABLE", "UPSTREAM_UNAVAILABLE", "UPSTREAM_IN_DOUBT"),
        *("IDEMPOTENCY_KEY_RUNNING", "DEADLINE_EXCEEDED"),
    }
