"""A port of its own tells probes whether a process is well, without TLS, and nothing else."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.certificates import Certificates, present
from gateway.rpc.http_serving import http_serving
from gateway.rpc.probing import READINESS, answering_probes, wellness
from gateway.rpc.serving import serving, until_told_to_stop
from services.supervisor.probes import GrpcServing
from tests.fakes.certificates import Authority

HERE = "127.0.0.1:0"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with answering_probes(HERE) as port:
        yield port


async def told(port: int) -> tuple[bool, bool]:
    """Whether the process is well, and whether it is ready."""
    address = f"127.0.0.1:{port}"
    return await GrpcServing(address)(), await GrpcServing(address, service=READINESS)()


async def test_a_process_is_well_from_when_all_answers_to_its_end_and_ready_until_it_is_told_to_stop() -> None:
    async with answering_probes(HERE) as port, until_told_to_stop() as stop:
        assert await told(port) == (False, False)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.sleep(0)
        assert await told(port) == (True, True)
        os.kill(os.getpid(), signal.SIGTERM)
        await waiting
        assert await told(port) == (True, False)


async def test_a_process_whose_server_ends_is_sent_nothing_more() -> None:
    for end in (
        serving(lambda _: None, listen=HERE, names=(), drain_seconds=0),
        http_serving(None, listen=HERE, drain_seconds=0),
    ):
        async with answering_probes(HERE) as port:
            async with end:
                wellness().started()
                assert await told(port) == (True, True)
            assert await told(port) == (True, False)


async def test_what_it_stands_on_counts_for_as_long_as_it_stands_on_it() -> None:
    async with answering_probes(HERE) as port:
        own = wellness()
        own.started()
        answer = asyncio.Event()

        async def check() -> bool:
            return answer.is_set()

        async def fails() -> bool:
            raise OSError

        with own.well_while(check):
            assert await told(port) == (False, False)
            answer.set()
            assert await told(port) == (True, True)
            answer.clear()
        with own.ready_while(check):
            assert await told(port) == (True, False)
        with own.well_while(fails):
            assert await told(port) == (False, False)
        assert await told(port) == (True, True)


async def test_what_does_not_answer_in_time_counts_as_ill() -> None:
    async with answering_probes(HERE, check_seconds=0.01) as port:
        own = wellness()
        own.started()

        async def silent() -> bool:
            return await asyncio.Event().wait()

        with own.well_while(silent):
            assert await told(port) == (False, False)


async def test_a_process_that_has_a_certificate_is_asked_without_one_here_and_nowhere_else(tmp_path: Path) -> None:
    present(Certificates(Authority().folder(tmp_path, host="127.0.0.1")))
    try:
        async with (
            answering_probes(HERE) as port,
            serving(lambda _: None, listen=HERE, names=(), drain_seconds=0) as other,
        ):
            present(None)  # who asks has none
            wellness().started()
            assert await told(port) == (True, True)
            assert await told(other) == (False, False)
    finally:
        present(None)


async def test_nothing_else_is_answered(port: int) -> None:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await stub.Check(health_pb2.HealthCheckRequest(service="pilote.audit.v1.AuditService"))
        assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
        asking: Any = channel.unary_unary
        for method in ("/grpc.health.v1.Health/Watch", "/pilote.audit.v1.AuditService/ListDecisions"):
            with pytest.raises(grpc.aio.AioRpcError) as other:
                await asking(method)(b"")
            assert other.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.aio.AioRpcError) as large:
            await asking("/grpc.health.v1.Health/Check")(bytes(2_000))
        assert large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_no_address_is_no_port_and_a_taken_one_is_said(port: int) -> None:
    async with answering_probes("") as nowhere:
        assert nowhere == 0
        wellness().started()
        assert await wellness().well()
    with pytest.raises(OSError, match="for probes"):
        async with answering_probes(f"127.0.0.1:{port}"):
            pass


async def test_many_who_connect_and_say_nothing_keep_no_probe_away(port: int) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(32)]
    assert await told(port) == (False, False)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
    for _, writer in silent:
        writer.close()
