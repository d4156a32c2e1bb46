"""What callers notice of a swap to a revision of 10,000 rules: when it answers, and how long calls take meanwhile.

Calls are made at an even pace, whatever came of those before. The time of a swap runs from the activation to the
first answer by the new revision. The step is how much longer the slowest call of that time, and of two seconds after,
took than calls did before it; beside it stands the same for two seconds before, for the machine is shared.
"""

import asyncio
import contextlib
import copy
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc
import yaml
from redis.asyncio import Redis

from loadtests.governed import Governed
from loadtests.message import METHOD, request
from loadtests.processes import Process, pilote

RULES: Final = 10_000
PER_SECOND: Final = 100
QUIET_SECONDS: Final = 2.0
_LONGEST_SECONDS: Final = 60.0
_CHANNEL: Final = "pilote:{revisions}:announced"
_ACTIVE: Final = "pilote:{revisions}:active"
_METHODS: Final = (
    *("/pilote.crm.v1.ContactService/GetContact", "/pilote.crm.v1.ContactService/UpdateContact"),
    *("/pilote.crm.v1.DealService/GetDeal", "/pilote.crm.v1.DealService/UpdateDeal"),
    *("/pilote.crm.v1.ActivityService/CreateActivity", "/pilote.cdp.v1.ProfileService/GetProfile"),
    *("/pilote.dmp.v1.AudienceService/GetAudience", "/pilote.tracking.v1.EventService/TrackEvent"),
)


class Made(NamedTuple):
    """One call."""

    began: float
    took_ms: float
    revision: int
    """That answered; 0 for a call that failed."""


class Swap(NamedTuple):
    """What was seen of one swap."""

    seconds: float
    """From its activation to the first answer by the new revision."""
    step_ms: float
    """The slowest call during and after the swap, less the median of those before."""
    quiet_ms: float
    """The same for the time before."""
    failed: int


def measure(gateway: Governed, home: Path, *, times: int, core: int) -> tuple[Swap, ...]:
    """Swap to and fro between two revisions of 10,000 rules, none of which they share.

    Both are published before, for checking such a policy is a few seconds' work of somebody else's: what is measured is
    what the gateway does once one of them becomes the active one.
    """
    base = yaml.safe_load((home / "policy.yaml").read_text(encoding="utf-8"))
    for side in ("a", "b"):
        file = _written(home / f"swap-{side}.yaml", base, side)
        log = file.with_suffix(".log")
        with Process(pilote("apply", str(file)), core=core, log=log, environment=gateway.settings) as applied:
            applied.wait(_LONGEST_SECONDS)
    return asyncio.run(_swaps(gateway, times))


def _written(path: Path, base: dict[str, Any], side: str) -> Path:
    policy = copy.deepcopy(base)
    when = 'agent.labels["team"] == "{1}{0}" && call.request_bytes > {0}'
    policy["rules"] += [
        {"name": f"swap-{n}", "effect": "deny", "methods": [_METHODS[n % len(_METHODS)]], "when": when.format(n, side)}
        for n in range(RULES - len(policy["rules"]))
    ]
    path.write_text(yaml.safe_dump(policy), encoding="utf-8")
    return path


async def _swaps(gateway: Governed, times: int) -> tuple[Swap, ...]:
    found: tuple[Swap, ...] = ()
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{gateway.port}") as channel,
        Redis.from_url(gateway.settings["PILOTE_REDIS_URL"]) as redis,
    ):
        last = int(await redis.get(_ACTIVE) or 0)
        async with _calling(gateway, channel) as made:
            await _answered(made, last)  # it may still be on its way to it
        for round_ in range(times):
            found = (*found, await _swap(gateway, channel, redis, number=last - 1 + round_ % 2))
    return found


async def _swap(gateway: Governed, channel: grpc.aio.Channel, redis: Redis, *, number: int) -> Swap:
    async with _calling(gateway, channel) as made:
        await asyncio.sleep(QUIET_SECONDS)
        quiet = [call.took_ms for call in made]
        at = time.perf_counter()
        await redis.set(_ACTIVE, number)
        await redis.publish(_CHANNEL, str(number))
        await _answered(made, number)
        # What becomes of the replaced revision comes after the swap, and calls must not notice it either.
        await asyncio.sleep(QUIET_SECONDS)
    swapped = min(call.began + call.took_ms / 1e3 for call in made if call.revision == number)
    during = [call.took_ms for call in made if call.began + call.took_ms / 1e3 >= at]
    usual = statistics.median(quiet)
    return Swap(
        seconds=swapped - at,
        step_ms=max(during) - usual,
        quiet_ms=max(quiet) - usual,
        failed=sum(call.revision == 0 for call in made),
    )


async def _answered(made: list[Made], number: int) -> None:
    async with asyncio.timeout(_LONGEST_SECONDS):
        while not any(call.revision == number for call in made):  # noqa: ASYNC110 - what is waited for is elsewhere
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def _calling(gateway: Governed, channel: grpc.aio.Channel) -> AsyncIterator[list[Made]]:
    """Calls at an even pace while the block lasts; all that were begun have ended after it."""
    made: list[Made] = []
    over = asyncio.Event()
    task = asyncio.create_task(_calls(gateway, channel, made, over=over))
    try:
        yield made
    finally:
        over.set()
        await task


async def _calls(gateway: Governed, channel: grpc.aio.Channel, made: list[Made], *, over: asyncio.Event) -> None:
    customer = "contacts/swapped"
    gateway.know(customer)
    body, headers = request(customer), (("authorization", gateway.authorization),)
    send: Any = channel.unary_unary(METHOD)

    async def one() -> None:
        began = time.perf_counter()
        call = send(body, timeout=5, metadata=headers)
        try:
            await call
            revision = int(dict(await call.trailing_metadata() or ())["pilote-revision"])
        except (grpc.aio.AioRpcError, KeyError):
            revision = 0
        made.append(Made(began, (time.perf_counter() - began) * 1e3, revision))

    async with asyncio.TaskGroup() as calls:
        due = time.perf_counter()
        while not over.is_set():
            calls.create_task(one())
            due += 1 / PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
