"""Says by the gRPC health service whether the audit service can do what it is for."""

import asyncio
from typing import Final

from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from services.audit.progress import Progress

LOOK_SECONDS: Final = 0.2


async def tell_health(servicer: health.aio.HealthServicer, progress: Progress, *, service: str) -> None:
    """Say NOT_SERVING of `service` while its store takes nothing, until cancelled.

    The process as a whole, which has no name there, stays SERVING: to start it anew would mend nothing.
    """
    while True:
        well = HealthCheckResponse.NOT_SERVING if progress.store_failing else HealthCheckResponse.SERVING
        await servicer.set(service, well)
        await asyncio.sleep(LOOK_SECONDS)
