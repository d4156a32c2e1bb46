"""A decision worker beside a gateway whose Envoy carries calls: it decides about them, and ends with the gateway."""

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from gateway import secret_files
from gateway.ending import ended
from gateway.envoy.engine.configuration import Places
from gateway.rpc.probing import wellness
from gateway.server import Deciding
from gateway.settings import Settings
from services.deciding.worker import drain, loadable, started
from services.supervisor.probes import GrpcServing

_log: Final = logging.getLogger(__name__)
START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.05
KEY_FILE: Final = "envoy.keys"
"""In the folder of what Envoy reads, by which the worker knows the folder too."""


def beside(settings: Settings, *, environment: Mapping[str, str]) -> Deciding | None:
    """What runs a worker with the settings of a gateway; `None` where this Python cannot be loaded into an Envoy.

    `environment` is what it inherits.
    """
    if not loadable():
        _log.warning("this Python has no libpython that Envoy can load: the gateway itself decides, which costs more")
        return None

    @contextlib.asynccontextmanager
    async def deciding(places: Places) -> AsyncIterator[None]:
        key_file = places.home / KEY_FILE
        secret_files.make(key_file, f"{places.key}\n".encode())
        ours = {"PILOTE_ENGINE": "envoy", "PILOTE_ENVOY_KEY_FILE": str(key_file)}
        others = {name: value for name, value in environment.items() if not name.startswith("PILOTE_ENVOY_")}
        socket = Path(places.asked)
        process = await started(socket, environment={**others, **ours})
        try:
            await _serving(process, socket)
            over = asyncio.create_task(_over(process))
            try:
                with wellness().well_while(GrpcServing(f"unix:{socket}")):
                    yield
            finally:
                await ended(over)
        finally:
            await drain(process, socket, within_s=settings.drain_seconds)

    return deciding


async def _serving(process: Process, socket: Path) -> None:
    serving = GrpcServing(f"unix:{socket}")
    until = asyncio.get_running_loop().time() + START_SECONDS
    while not await serving():
        if process.returncode is not None or asyncio.get_running_loop().time() > until:
            raise OSError("The decision worker does not start; its log says why.")
        await asyncio.sleep(_LOOK_SECONDS)


async def _over(process: Process) -> None:
    """Nobody decides any more: the gateway ends, and both are started anew."""
    code = await process.wait()
    _log.critical("the decision worker has ended by itself: this gateway ends with it", extra={"code": code})
    os.kill(os.getpid(), signal.SIGTERM)
