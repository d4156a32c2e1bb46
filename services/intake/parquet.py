"""Members from Parquet files: kept on disk until all of it is here, then read by a process of its own."""

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from services.intake.events import Problem
from services.intake.members import MembersWrong
from services.intake.parquet_rows import NO_COLUMNS

PARQUET: Final = "application/vnd.apache.parquet"
MOST_BYTES: Final = 512 * 1024 * 1024
SILENCE_SECONDS: Final = 50.0
"""After so long without a row the reader is ended: before the synchronisation's lease is over."""
_AT_ONCE: Final = 256 * 1024


class ParquetWrong(MembersWrong):
    """The file cannot be used."""

    def __init__(self, code: str) -> None:
        super().__init__(Problem(code))


@contextlib.asynccontextmanager
async def kept(parts: AsyncIterator[bytes]) -> AsyncIterator[Path]:
    """A body as a file, until the block ends.

    Raises:
        ParquetWrong: it has more than `MOST_BYTES`.
        OSError: it cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="pilote-audience-") as folder:
        path, size = Path(folder) / "members.parquet", 0
        with await asyncio.to_thread(path.open, "wb") as file:
            async for part in parts:
                size += len(part)
                if size > MOST_BYTES:
                    raise ParquetWrong("parquet-large")
                await asyncio.to_thread(file.write, part)
        yield path


@contextlib.asynccontextmanager
async def lines_of(path: Path) -> AsyncIterator[AsyncIterator[bytes]]:
    """The members that a file names, as JSON Lines, one for each row; the reader ends with the block.

    What is given raises `ParquetWrong` where it is no Parquet file, lacks a column, or cannot be read within bounds;
    rows may have come before.
    """
    command = (sys.executable, "-m", "services.intake.parquet_rows", str(path))
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield _read(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _read(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    while part := await _some(process.stdout):
        yield part
    if code := await process.wait():
        raise ParquetWrong("parquet-columns" if code == NO_COLUMNS else "parquet")


async def _some(stdout: asyncio.StreamReader | None) -> bytes:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return await stdout.read(_AT_ONCE) if stdout is not None else b""
    except TimeoutError as error:
        raise ParquetWrong("parquet") from error
