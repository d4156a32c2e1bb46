"""The health service says that nothing can be stored, and of the process that it lives."""

import asyncio
import time

import pytest
from grpc_health.v1 import health, health_pb2

from services.audit.health import tell_health
from services.audit.progress import STALL_SECONDS, Progress
from tests.e2e.waiting import eventually


async def test_a_store_that_takes_nothing_is_told_and_that_it_takes_again(caplog: pytest.LogCaptureFixture) -> None:
    servicer, progress = health.aio.HealthServicer(), Progress()
    telling = asyncio.create_task(tell_health(servicer, progress, service="pilote.audit.v1.AuditService"))

    async def status(service: str) -> str:
        answer = await servicer.Check(health_pb2.HealthCheckRequest(service=service), None)
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    async def until(wanted: str) -> None:
        async def look() -> bool | None:
            await asyncio.sleep(0)
            return await status("pilote.audit.v1.AuditService") == wanted or None

        await eventually(look, what=wanted)

    await asyncio.sleep(0)
    await until("SERVING")
    progress.store_failing = True
    await until("NOT_SERVING")
    assert await status("") == "SERVING"
    progress.store_failing = False
    await until("SERVING")
    progress.stepping_since_s = time.monotonic() - STALL_SECONDS - 1
    await until("NOT_SERVING")
    progress.stepping_since_s = time.monotonic()
    await until("SERVING")
    telling.cancel()
    assert [each.message for each in caplog.records] == ["nothing is stored: the store neither answers nor fails"]
