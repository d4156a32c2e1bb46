"""Limits are global: three gateway processes on one store let through what one bucket does, and not three times that.

The bucket is GCRA with interval I (ms) between calls. Between two refusals its theoretical arrival time moves on by I
for each call that is let through, and it stands within I of the same distance from the clock at both. So of a window of
T ms that begins and ends with a refusal T/I calls get through, give or take one, what the times of calls are out of
order by, and what the bucket idled, where nobody asked for so long that it was empty, by as much as the model says.
"""

import asyncio
import contextlib
import itertools
import sys
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

import grpc
import pytest

from gateway.core.limits import Bucket
from gateway.core.simulating.kinds import Caller, Rate
from gateway.settings import inherited
from tests.e2e.policy import policy
from tests.e2e.requests import ADA, get
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, Agent, Kept, Told, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.services.ports import free

pytestmark = pytest.mark.every_store

PROCESSES: Final = 3
RATE: Final = 50
"""Calls a second that the limit allows, to all together."""
INTERVAL_MS: Final = 1000 / RATE
BURST: Final = 5
OFFERED: Final = 400
"""Calls, at twice the rate: four seconds."""
CLOSE: Final = 0.15
"""How near to half what is refused must be known to be: an offer that a busy machine has not kept to says less."""
TIMES: Final = 5
SALES: Final = credential("sales-bot")
SOON_AGAIN: Final = (("grpc.max_reconnect_backoff_ms", 100), ("grpc.min_reconnect_backoff_ms", 100))


class Window(NamedTuple):
    """What was offered from one refusal to another: the first is not part of it, the last is."""

    calls: int
    granted: int
    span_ms: float
    """Between the two, by the gateways' own clocks."""
    disorder_ms: float
    """How far a call is behind one before it, at most: each process reads its clock, then asks the store."""
    idle_ms: float
    """How long the bucket was empty."""


@contextlib.asynccontextmanager
async def three(world: World) -> AsyncIterator[list[Agent]]:
    """An agent of each of three gateways, which are processes of their own on the world's store."""
    key = world.home / "pseudonym.key"
    key.write_bytes(KEY)
    environment = {name: value for name, value in inherited().items() if not name.startswith("PILOTE_")}
    environment |= {
        "PILOTE_REDIS_URL": world.redis_url,
        "PILOTE_PSEUDONYM_KEY_FILE": str(key),
        "PILOTE_STORE_TIMEOUT_MS": "10000",
        "PILOTE_METRICS_LISTEN": "off",
    }
    async with contextlib.AsyncExitStack() as stack:
        agents = []
        for number, port in enumerate(free(PROCESSES)):
            mine = {"PILOTE_GATEWAY_LISTEN": f"127.0.0.1:{port}", "PILOTE_HOME": str(world.home / f"gateway-{number}")}
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "services.cli", "gateway"), env=environment | mine, stdout=DEVNULL
            )
            stack.push_async_callback(process.wait)
            stack.callback(process.kill)
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=SOON_AGAIN)
            agents.append(Agent(await stack.enter_async_context(channel)))

        async def serve() -> bool | None:
            """Each answers another agent, whose bucket is another."""
            ended = [
                await told(each.contacts.GetContact(get(ADA), metadata=credential("research-bot"))) for each in agents
            ]
            return all(each.code is grpc.StatusCode.OK for each in ended) or None

        await eventually(serve, what="a first answer of each process", within=60)
        yield agents


async def offered(agents: list[Agent]) -> list[Told]:
    """Calls at twice the rate, evenly, to each gateway in turn, whether or not earlier ones were answered."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    async with asyncio.TaskGroup() as group:
        calls = []
        for number in range(OFFERED):
            await asyncio.sleep(begun + number / (2 * RATE) - loop.time())
            stub = agents[number % PROCESSES].contacts
            calls.append(group.create_task(told(stub.GetContact(get(ADA), metadata=SALES))))
    return [call.result() for call in calls]


def granted_by_one_bucket(kept: list[Kept]) -> tuple[list[bool], list[float]]:
    """What a single bucket says to these calls, in the order of the store, and how long it was empty before each."""
    bucket = Bucket("all-together", "rate", "", capacity=BURST, period_ms=1000, interval_us=int(INTERVAL_MS * 1000))
    model, granted, idle_ms = Rate(), [], []
    for each in kept:
        now_ms = each.record.decided_ms
        caller = Caller(each.record.id, now_ms, now_ms, "sales-bot")
        before = model.tat
        _, wait_ms, state, _ = model.look(bucket, caller)
        model.cut(state)
        if wait_ms == 0:
            model.take(bucket, caller, state)
        granted.append(wait_ms == 0)
        idle_ms.append((state[0] - bucket.interval_us - before) / 1000 if before else 0.0)
    return granted, idle_ms


def window(kept: list[Kept], idle_ms: list[float]) -> Window:
    """The longest window that begins and ends with a refusal."""
    refused = [number for number, each in enumerate(kept) if not each.outcome.granted]
    first, last = refused[0], refused[-1]
    inside = kept[first + 1 : last + 1]
    latests = itertools.accumulate((each.record.decided_ms for each in kept), max)
    return Window(
        len(inside),
        sum(each.outcome.granted for each in inside),
        kept[last].record.decided_ms - kept[first].record.decided_ms,
        max(latest - each.record.decided_ms for latest, each in zip(latests, kept, strict=True)),
        sum(idle_ms[first + 1 : last + 1]),
    )


async def test_of_twice_the_limit_over_three_processes_half_is_refused_as_one_bucket_would(
    empty_world: World, upstream: FakeUpstream
) -> None:
    limit = {"name": "all-together", "by": ["agent"], "rate": RATE, "per": "1s", "burst": BURST}
    await empty_world.publish(policy(upstream.address, limits=[limit]))
    async with three(empty_world) as agents:
        for times in range(1, TIMES + 1):
            ended = await offered(agents)
            assert {each.reason for each in ended} == {"", "LIMIT_EXCEEDED"}
            mine = [each for each in (await empty_world.kept()).values() if each.record.agent == "sales-bot"]
            assert len(mine) == OFFERED * times
            now = mine[-OFFERED:]
            assert sum(each.outcome.granted for each in now) == Counter(each.reason for each in ended)[""]

            # Call by call what one bucket says to the same calls at the same times.
            wanted, idle_ms = granted_by_one_bucket(mine)
            assert [each.outcome.granted for each in mine] == wanted

            # Exactly the rate, give or take one call at each end.
            found = window(now, idle_ms[-OFFERED:])
            unsure_ms = 2 * INTERVAL_MS + found.disorder_ms + found.idle_ms
            assert abs(found.granted - found.span_ms / INTERVAL_MS) <= unsure_ms / INTERVAL_MS

            # Half, within that and what the offer was behind its plan.
            behind_ms = abs(found.span_ms - found.calls * INTERVAL_MS / 2)
            tolerance = (unsure_ms + behind_ms) / INTERVAL_MS / found.calls
            assert abs((found.calls - found.granted) / found.calls - 0.5) <= tolerance
            if tolerance < CLOSE:
                return
    raise AssertionError("the machine was too busy to offer twice the limit, however often it was tried")
