"""Every process that `pilote up` starts is asked to end and started again, one after the other, under load.

Callers use the client kit, with its own policy of retries and more tries than by default (see `TRIES`): while the one
store of one machine is away, no gateway can let a contact through.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import grpc
import pytest

from gateway.core import keys
from gateway.redis_clients import connected
from services import redis_server
from services.supervisor.home import ChildState, State, running
from tests.e2e.faults.load import UPSTREAM_S, Load, by_kit
from tests.e2e.faults.reconciling import Account, now_s, reconciled
from tests.e2e.faults.site import MOST, Site
from tests.e2e.policy import cap, policy
from tests.e2e.processes import Process, environment
from tests.e2e.waiting import eventually
from tests.e2e.world import Auditor, World
from tests.fakes.link import link_to
from tests.services.ports import free
from tests.stores import RedisProcess

Show = Callable[[Account], None]
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]
TRIES: Final = 60
READY_S: Final = 300
LISTENS: Final = (
    *("GATEWAY", "AUDIT", "CONTROL", "AGENTS", "INTAKE", "INTAKE_GRPC", "CRM", "ROLLOUTS", "WEBHOOKS", "INSIGHTS"),
    *("MODELS", ""),  # the second model takes the next port
)


async def _children(home: Path, *, but: frozenset[int] = frozenset()) -> tuple[ChildState, ...]:
    """All processes, once each is ready, and none of them is one of `but`."""

    async def look() -> tuple[ChildState, ...] | None:
        state = running(home)
        if state is None or not all(each.state is State.READY and each.pid not in but for each in state.children):
            return None
        return state.children

    return await eventually(look, what="all processes ready", within=READY_S)


@contextlib.asynccontextmanager
async def _everything(engine: str) -> AsyncIterator[tuple[Site, Auditor]]:
    """All that `pilote up` starts, before a CRM that writes down what it really does."""
    home = Path(tempfile.mkdtemp(prefix="pilote-"))
    *ports, crm_port = free(len(LISTENS) + 1)
    listens = {f"PILOTE_{name}_LISTEN": f"127.0.0.1:{port}" for name, port in zip(LISTENS, ports, strict=True) if name}
    variables = environment(PILOTE_HOME=str(home), PILOTE_METRICS_LISTEN="off", **listens)
    everything = Process(
        "services.cli", "up", "--workers", "2", "--engine", engine, environment=variables, log=home / "up.log"
    )
    crm = Process("tests.fakes.upstream_process", str(crm_port), str(home / "received"))
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        for process in (crm, everything):
            process.start()
        stack.callback(crm.kill)
        stack.push_async_callback(asyncio.to_thread, everything.stop)
        await _children(home)
        url = redis_server.url_of(home / "redis")
        redis = await connected(url)
        stack.push_async_callback(redis.aclose)
        world = World(redis, url, home, stack, killed=True)
        link = await stack.enter_async_context(link_to(crm_port))
        await redis.sadd(keys.STREAMS, keys.decisions(keys.cell("acme")))  # so that nobody trims it from the start
        upstream = {"name": "crm", "address": link.address, "timeout": f"{round(UPSTREAM_S * 1000)}ms"}
        await world.publish(policy("", caps=[cap(MOST)], upstreams=[upstream]))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(listens["PILOTE_AUDIT_LISTEN"]))
        call = await stack.enter_async_context(by_kit(listens["PILOTE_GATEWAY_LISTEN"], tries=TRIES, within_s=120))
        store = RedisProcess(home / "redis")
        made = Site(
            *(world, store, [everything], [ports[0]], crm, link, None, home / "received"),
            *(Load(call, per_second=8), [home], [variables], stack),
        )
        await made.serving()
        await world.keep_records()
        yield made, Auditor(channel)


@pytest.mark.one_store
@pytest.mark.parametrize("engine", ["in-process", "envoy"])
async def test_every_process_is_restarted_in_turn_without_a_failed_call(show: Show, engine: str) -> None:
    away: list[tuple[str, float]] = []
    async with _everything(engine) as (its, auditor):
        async with its.load.running():
            await its.load.more(16)
            for child in await _children(its.world.home):
                began = time.monotonic()
                os.kill(child.pid, signal.SIGTERM)
                await _children(its.world.home, but=frozenset({child.pid}))
                away.append((child.name, time.monotonic() - began))
                await its.load.more(8)
            lifted = now_s()
            await its.load.until_well()
        account = await reconciled(its, lifted_s=lifted, auditor=auditor)
    show(account)
    sys.stdout.write("  away: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in away) + "\n")
    assert {name for name, _ in away} >= {"redis", "gateway-1", "gateway-2", "audit", "control", "agents", "crm"}
    assert set(account.answers) <= {"OK", "CAP_EXCEEDED"}
    assert account.doubtful == 0
