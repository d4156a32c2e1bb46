"""What a backup says of itself: what is in it, of which versions, and the digest of each part."""

from collections.abc import Mapping
from typing import Final

import msgspec

FORMAT: Final = 1
"""Of the archive: which parts there are and how they are written."""
NAME: Final = "manifest.json"
STREAMS: Final = "store/streams.bin"
REST: Final = "store/rest.bin"
HOME: Final = "home/"
KEYS: Final = "keys/"


class Part(msgspec.Struct, frozen=True):
    """One file in the archive."""

    sha256: str
    size: int
    """Bytes."""


class Database(msgspec.Struct, frozen=True):
    """A database of PostgreSQL that a backup refers to: it is dumped by its own means."""

    log_size: int
    """Entries of the log that it had at least."""
    data_version: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The archive's last file."""

    format: int
    pilote: str
    """Version that made it."""
    begun_ms: int
    """What happened later may be in it or not; what happened before is. So this is the point that a restore goes back
    to, in milliseconds since the epoch."""
    ended_ms: int
    versions: Mapping[str, int]
    """Versions of the data, by kind: see `services.data_versions`."""
    parts: Mapping[str, Part]
    store_keys: int
    revision: int
    """The active one."""
    database: Database | None = None


class Unfit(Exception):
    """The backup must not be restored by this version, or here; `what` is the key of a text."""

    def __init__(self, what: str, **values: object) -> None:
        super().__init__(what)
        self.what = what
        self.values = values


def fit(manifest: Manifest, known: Mapping[str, int]) -> None:
    """See that this version can read what is in it.

    Raises:
        Unfit: it is of a newer format, or something in it is of a newer version, or of a kind that is not known.
    """
    if manifest.format > FORMAT:
        raise Unfit("backup-newer", version=manifest.pilote)
    newer = [kind for kind, version in manifest.versions.items() if version > known.get(kind, 0)]
    if newer:
        raise Unfit("backup-data-newer", version=manifest.pilote, kinds=", ".join(sorted(newer)))
