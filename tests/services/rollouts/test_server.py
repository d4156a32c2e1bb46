"""The process that looks at rollouts again and again, and what it exports."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator

import pytest

from gateway.instance import instance
from gateway.watching.meters import Meters, otlp
from services.rollouts import server
from services.rollouts.looking import Standing
from services.rollouts.metrics import RolloutMetrics
from tests.e2e.waiting import eventually, until
from tests.fakes.collector import collecting
from tests.services.rollouts.conftest import HOUR_MS, Stage, up
from tests.stores import Store


@contextlib.asynccontextmanager
async def looking(redis_url: str, audit: str) -> AsyncIterator[None]:
    """The process's loop until the block ends."""
    task = asyncio.create_task(server.look_always(redis_url, audit, poll_seconds=0.02))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_it_moves_rollouts_by_itself(stage: Stage, redis_url: str) -> None:
    stage.now_ms = time.time_ns() // 1_000_000 - 2 * HOUR_MS
    await stage.publish(up())
    await stage.do("start")
    stage.now_ms += 2 * HOUR_MS
    await stage.people(600_000)

    async def moved() -> bool | None:
        return (await stage.rollout()).step == 1 or None

    async with looking(redis_url, f"127.0.0.1:{stage.sums.port}"):
        await eventually(moved, what="the next step")


async def test_a_store_that_is_away_is_said_once_and_waited_for(
    own_redis: Store, caplog: pytest.LogCaptureFixture
) -> None:
    def said(text: str) -> int:
        return sum(text in each.message for each in caplog.records)

    with caplog.at_level(logging.INFO, logger="services.rollouts.server"):
        async with looking(own_redis.url, "127.0.0.1:1"):
            own_redis.kill()
            await until(lambda: said("cannot be read") == 1, what="a warning")
            own_redis.start()
            await until(lambda: said("can be read again") == 1, what="the end of it")
    assert said("cannot be read") == 1


async def test_share_and_state_are_exported_as_metrics(stage: Stage) -> None:
    await stage.publish(up())
    await stage.do("start")
    rollout = await stage.rollout()
    async with collecting() as collector:
        meters = Meters(instance("rollouts"), exporter=otlp(collector.endpoint))
        metrics = RolloutMetrics(meters)
        metrics.tell((Standing(rollout=rollout, problem="silent"),))
        await asyncio.to_thread(meters.close)
        found = {each: collector.metrics.gauges(f"pilote.rollout.{each}") for each in ("share", "unmeasured", "state")}
    named = {"pilote.rollout": "up", "pilote.route": "crm"}
    assert found["share"] == [(named, 0.01)]
    assert found["unmeasured"] == [(named, 1)]
    assert [labels["pilote.rollout.state"] for labels, value in found["state"] if value] == ["running"]
