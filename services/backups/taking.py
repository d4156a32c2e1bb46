"""Takes a backup of an installation while it runs.

The order makes it safe. First what waits on gateways' disks, then the streams of decisions, then the database: what
moves on from one to the next meanwhile is in the backup twice, and stored once. Everything else comes last, so caps are
at least as full as the records say: a customer who was contacted often enough before the backup began is so after a
restore, too.
"""

import asyncio
import hashlib
import importlib.metadata
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

import msgspec

from gateway.adapters.revisions import RevisionStore
from gateway.redis_clients import Client
from services.backups import home_files, store_keys
from services.backups.manifest import FORMAT, HOME, KEYS, NAME, REST, STREAMS, Database, Manifest, Part
from services.backups.sealed_files import SealedWriter

_BLOCK: Final = 1 << 20


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be backed up."""

    home: Path
    key_files: Mapping[str, Path]
    """Files of secrets outside the home, by their setting."""
    versions: Mapping[str, int]
    """Of the data, by kind."""
    database: Database | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    manifest: Manifest
    size: int
    """Bytes of the sealed file."""


async def take(
    redis: Client, wanted: Wanted, file: Path, *, seal: Callable[[BinaryIO], SealedWriter], clock_ms: Callable[[], int]
) -> Taken:
    """Take one into `file`, which must not exist; it is there whole, or not at all.

    Raises:
        RedisError: the store does not answer.
        sqlite3.Error: a database is damaged, or stays locked.
        OSError: a file cannot be read or written.
    """
    begun_ms = clock_ms()
    wanted.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=wanted.home) as name:
        staged = Path(name)
        (staged / "store").mkdir()
        await asyncio.to_thread(home_files.copy_spool, wanted.home, staged / HOME)
        names = await store_keys.names(redis)
        count = await _write(redis, [each for each in names if store_keys.is_stream(each)], staged / STREAMS)
        await asyncio.to_thread(home_files.copy_rest, wanted.home, staged / HOME)
        await asyncio.to_thread(_copy_keys, wanted.key_files, staged / KEYS)
        names = await store_keys.names(redis)
        count += await _write(redis, [each for each in names if not store_keys.is_stream(each)], staged / REST)
        active = await RevisionStore(redis).active()

        def manifest(parts: Mapping[str, Part]) -> Manifest:
            return Manifest(
                format=FORMAT,
                pilote=importlib.metadata.version("pilote"),
                begun_ms=begun_ms,
                ended_ms=clock_ms(),
                versions=wanted.versions,
                parts=parts,
                store_keys=count,
                revision=active,
                database=wanted.database,
            )

        said = await asyncio.to_thread(_archive, staged, file, seal=seal, manifest=manifest)
    return Taken(manifest=said, size=await asyncio.to_thread(lambda: file.stat().st_size))


async def _write(redis: Client, keys: Sequence[bytes], to: Path) -> int:
    count = 0
    with to.open("wb") as file:
        async for each in store_keys.kept(redis, keys):
            store_keys.write(file, each)
            count += 1
    return count


def _copy_keys(files: Mapping[str, Path], to: Path) -> None:
    for setting, file in files.items():
        to.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(file, to / setting)


def _archive(
    staged: Path,
    file: Path,
    *,
    seal: Callable[[BinaryIO], SealedWriter],
    manifest: Callable[[Mapping[str, Part]], Manifest],
) -> Manifest:
    """Seal all that is staged, and last of all what it is."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as written:
            sealed = seal(written)
            with tarfile.open(fileobj=cast("IO[bytes]", sealed), mode="w|", bufsize=_BLOCK) as archive:
                parts = {}
                for path in sorted(each for each in staged.rglob("*") if each.is_file()):
                    inside = path.relative_to(staged).as_posix()
                    parts[inside] = part_of(path)
                    archive.add(path, arcname=inside, filter=_plain)
                said = manifest(parts)
                (staged / NAME).write_bytes(msgspec.json.encode(said))
                archive.add(staged / NAME, arcname=NAME, filter=_plain)
            sealed.close()
            written.flush()
            os.fsync(written.fileno())
        os.link(draft, file)  # unlike a rename it replaces nothing
    finally:
        draft.unlink(missing_ok=True)
    return said


def part_of(path: Path) -> Part:
    """The digest and the size of a file."""
    with path.open("rb") as file:
        return Part(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _plain(entry: tarfile.TarInfo) -> Any:
    """An entry that names nobody of this machine."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry
