"""Says by the gRPC health service whether the audit service can do what it is for."""

import asyncio
import logging
import time
from typing import Final

from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse

from services.audit.progress import STALL_SECONDS, Progress

LOOK_SECONDS: Final = 0.2

_log = logging.getLogger(__name__)


async def tell_health(servicer: health.aio.HealthServicer, progress: Progress, *, service: str) -> None:
    """Say NOT_SERVING of `service` while its store takes nothing, until cancelled.

    The process as a whole, which has no name there, stays SERVING: to start it anew would mend nothing.
    """
    complained = False
    while True:
        stalled = progress.stalled(time.monotonic())
        if stalled and not complained:
            _log.warning("nothing is stored: the store neither answers nor fails", extra={"seconds": STALL_SECONDS})
        complained = stalled
        ill = progress.store_failing or stalled
        await servicer.set(service, HealthCheckResponse.NOT_SERVING if ill else HealthCheckResponse.SERVING)
        await asyncio.sleep(LOOK_SECONDS)
