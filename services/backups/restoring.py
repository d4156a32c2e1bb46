"""Brings an installation back from a backup, where nothing is: reads all of it first, and believes none earlier."""

import asyncio
import os
import shutil
import tarfile
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final, cast

import msgspec
from redis.exceptions import ResponseError

from gateway.redis_clients import Client
from services.backups import store_keys
from services.backups.manifest import FORMAT, HOME, KEYS, NAME, REST, STREAMS, Manifest, Unfit, fit
from services.backups.sealed_files import Opener, Unopened, opened
from services.backups.taking import part_of

_MAY_BE_THERE: Final = ("lost+found",)


def unpack(file: Path, to: Path, *, opener: Opener, known: Mapping[str, int]) -> Manifest:
    """Open a backup into the folder `to`, which is made; what is in it is as it was taken, or there is no folder.

    Raises:
        Unopened: it is no backup, or sealed for others, or damaged.
        Unfit: this version must not restore it.
        OSError: it cannot be read, or there is no room.
    """
    to.mkdir(mode=0o700)
    try:
        with file.open("rb") as sealed:
            source = _Reader(opened(sealed, opener))
            try:
                with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r|") as archive:
                    archive.extractall(to, filter="data")
            except tarfile.TarError as error:
                raise Unopened("damaged") from error
            source.drain()
        return _checked(to, known)
    except BaseException:
        shutil.rmtree(to, ignore_errors=True)
        raise


def check_home(home: Path) -> None:
    """See that nothing would be overwritten.

    Raises:
        Unfit: something is there.
    """
    if home.exists() and any(each.name not in _MAY_BE_THERE for each in home.iterdir()):
        raise Unfit("restore-not-empty", home=home)


def check_keys(staged: Path, files: Mapping[str, Path]) -> None:
    """See that files of secrets outside the home would not be overwritten by others.

    Raises:
        Unfit: another key is there.
    """
    for each in _keys_in(staged):
        file = files.get(each.name)
        if file is not None and file.exists() and file.read_bytes() != each.read_bytes():
            raise Unfit("restore-other-key", setting=each.name, file=file)


async def fill_store(redis: Client, staged: Path, *, progress: Callable[[int], None] = lambda _: None) -> int:
    """Put the keys of a backup into an empty store; how many.

    Raises:
        Unfit: it is not empty, or does not understand how the other server wrote them.
        RedisError: it does not answer.
    """
    if not await store_keys.is_empty(redis):
        raise Unfit("restore-store-not-empty")
    count = 0
    for name in (STREAMS, REST):
        with (staged / name).open("rb") as file:
            try:
                count += await store_keys.put_back(redis, store_keys.read(file), progress=progress)
            except ResponseError as error:
                raise Unfit("restore-store-refuses") from error
    return count


def fill_home(staged: Path, home: Path, *, key_files: Mapping[str, Path]) -> None:
    """Move the files of a backup into their places, and secrets to where settings name them."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    for each in _keys_in(staged):
        to = key_files.get(each.name) or home / "secrets" / each.name
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not to.exists():
            shutil.copyfile(each, to)
            to.chmod(0o600)
    inside = [path for path in (staged / HOME).rglob("*") if path.is_file()]
    for each in inside:  # one by one: some folders are there already
        to = home / each.relative_to(staged / HOME)
        to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.move(each, to)
    for folder in (path for path in home.rglob("*") if path.is_dir()):
        folder.chmod(0o700)
    descriptor = os.open(home, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def restore(
    file: Path,
    *,
    home: Path,
    opener: Opener,
    known: Mapping[str, int],
    key_files: Mapping[str, Path],
    fill: Callable[[Path], Awaitable[int]],
) -> Manifest:
    """Bring an installation back; `fill` fills its store from a staged folder, whoever starts that.

    Raises:
        Unopened, Unfit, RedisError, OSError: see the functions above; the home is as empty as it was, then.
    """
    check_home(home)
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{home.name}-restore-", dir=home.parent) as name:
        staged = Path(name) / "backup"
        manifest = await asyncio.to_thread(unpack, file, staged, opener=opener, known=known)
        check_keys(staged, key_files)
        await fill(staged)
        await asyncio.to_thread(fill_home, staged, home, key_files=key_files)
    return manifest


def _checked(staged: Path, known: Mapping[str, int]) -> Manifest:
    try:
        raw = (staged / NAME).read_bytes()
        told = msgspec.json.decode(raw)
        if isinstance(told, dict) and isinstance(told.get("format"), int) and told["format"] > FORMAT:
            raise Unfit("backup-newer", version=str(told.get("pilote", "?")))
        manifest = msgspec.convert(told, Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise Unopened("damaged") from error
    fit(manifest, known)
    (staged / NAME).unlink()
    there = {path.relative_to(staged).as_posix() for path in staged.rglob("*") if path.is_file()}
    if there != manifest.parts.keys() or any(part_of(staged / name) != part for name, part in manifest.parts.items()):
        raise Unopened("damaged")
    return manifest


def _keys_in(staged: Path) -> list[Path]:
    return sorted((staged / KEYS).iterdir()) if (staged / KEYS).is_dir() else []


class _Reader:
    """Chunks as a file that is read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()

    def read(self, size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        while len(self._buffer) < size and (more := next(self._chunks, None)) is not None:
            self._buffer += more
        found = bytes(self._buffer[:size])
        del self._buffer[:size]
        return found

    def drain(self) -> None:
        """Read to the end, which proves that nothing was cut off."""
        for _ in self._chunks:
            pass
