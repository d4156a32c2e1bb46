"""Decision workers: what decides, inside an Envoy of its own, asked over a Unix socket as another Envoy asks."""

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.adapters.workers import DECISION_WORKER
from pilote.envoy.auth_pb2_grpc import AuthorizationStub
from services.supervisor.child import Child
from services.supervisor.probes import GrpcServing
from services.supervisor.process import gone
from services.supervisor.supervise import State, Supervisor
from tests.e2e.envoy.deciding import Worker, children_of, serving, socket_folder, worker, worker_environment
from tests.e2e.envoy.front import SEND_METHOD, with_api
from tests.e2e.envoy.test_asking import AS_ENVOY, ended, request
from tests.e2e.policy import cap
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.fakes.upstream import FakeUpstream


async def test_a_worker_decides_as_a_gateway_does_and_settles_what_it_is_told(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    world = empty_world
    number = await world.publish(with_api(upstream.address, caps=[cap(1)]))
    async with worker(world, tmp_path / "worker") as running:
        assert stat.S_IMODE(running.socket.stat().st_mode) == 0o600
        await world.run_by(DECISION_WORKER, number)
        answer = await running.checking.Check(request(), metadata=AS_ENVOY, timeout=10)
        assert answer.HasField("ok_response")
        refused = await running.checking.Check(request(), metadata=AS_ENVOY, timeout=10)
        assert refused.denied_response.status.code == 429
        await running.logs.StreamAccessLogs(iter([ended(answer, 503)]), metadata=AS_ENVOY, timeout=10)
        kept = await world.settled(2)
        assert kept[0].record.method == SEND_METHOD
        assert await world.taken() == 0


@pytest.mark.one_store
async def test_whoever_has_gone_before_the_answer_takes_nothing(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    world = empty_world
    await world.publish(with_api(upstream.address, caps=[cap(1)]))
    async with worker(world, tmp_path / "worker") as running:
        await running.answers()
        await world.redis.client_pause(20_000, all=False)
        asking = running.checking.Check(request(), metadata=AS_ENVOY)
        await running.answers()  # on the same connection, so it has come by now
        asking.cancel()
        await running.answers()
        await world.redis.client_unpause()
        (kept,) = await world.settled(1)
        assert kept.settlement is not None
        assert (kept.settlement.status, kept.settlement.gave_back) == ("CANCELLED", True)
        assert await world.taken() == 0


class Load:
    """Callers that ask one question after the other, until nobody is there to answer."""

    def __init__(self, running: Worker) -> None:
        self._checking = running.checking
        self.answers: list[Any] = []
        self.failed: list[str] = []
        self.begun = asyncio.Event()

    async def ask(self) -> None:
        while not self.failed:
            try:
                answer = await self._checking.Check(request(), metadata=AS_ENVOY, timeout=20)
            except grpc.aio.AioRpcError as error:
                self.failed.append(error.details() or "")
                return
            assert answer.HasField("ok_response")
            self.answers.append(answer)
            if len(self.answers) >= 100:
                self.begun.set()


@pytest.mark.one_store
async def test_a_worker_that_is_told_to_end_under_load_answers_all_it_was_asked_and_settles_all_it_was_told(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    world = empty_world
    await world.publish(with_api(upstream.address))
    async with worker(world, tmp_path / "worker") as running:
        load = Load(running)
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(load.ask())
            await load.begun.wait()
            log = running.logs.StreamAccessLogs(metadata=AS_ENVOY)
            told = len(load.answers)
            for answer in load.answers[:told]:
                await log.write(ended(answer, 200))
            running.process.send_signal(signal.SIGTERM)
            await log  # its end is the worker's doing
            assert await running.process.wait() == 0
        assert {each for each in load.failed if not each.startswith("failed to connect")} == set()
    async with worker(world, tmp_path / "next") as other:
        rest = [ended(answer, 200) for answer in load.answers[told:]]
        await other.logs.StreamAccessLogs(iter(rest), metadata=AS_ENVOY, timeout=20)
        kept = await world.settled(len(load.answers))
        assert {each.settlement.status for each in kept if each.settlement is not None} == {"OK"}


@pytest.mark.one_store
async def test_a_worker_whose_starter_is_killed_drains_and_ends(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    await empty_world.publish(with_api(upstream.address))
    async with worker(empty_world, tmp_path / "worker") as running:
        (envoy,) = children_of(running.process.pid)
        running.process.kill()
        async with asyncio.timeout(30):
            await gone(envoy)


@pytest.mark.one_store
async def test_whatever_of_a_worker_is_killed_it_is_started_again_and_answers(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    await empty_world.publish(with_api(upstream.address))
    environment = worker_environment(empty_world, tmp_path / "worker")
    with socket_folder() as folder:
        socket = folder / "check.sock"
        command = (sys.executable, "-m", "services.cli", "decide", str(socket))
        child = Child(name="worker", command=command, ready=GrpcServing(f"unix:{socket}"), drain_seconds=10)
        supervisor = Supervisor(folder, [child], environment=environment)
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run())
            await supervisor.all_ready.wait()
            try:
                for of_its_starter in (False, True):
                    (state,) = supervisor.state().children
                    (envoy,) = children_of(state.pid)
                    os.kill(state.pid if of_its_starter else envoy, signal.SIGKILL)
                    await gone(envoy)
                    await until(lambda: supervisor.state().children[0].state is State.RESTARTING, what="a restart")
                    await serving(socket)
                    async with grpc.aio.insecure_channel(f"unix:{socket}") as channel:
                        stub: Any = AuthorizationStub(channel)
                        answer = await stub.Check(request(), metadata=AS_ENVOY, timeout=20)
                    assert answer.HasField("ok_response")
            finally:
                supervisor.stop()
