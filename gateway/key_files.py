"""The keys that a gateway works with, from the files that its settings name; those in its home are made."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gateway import secret_files
from gateway.adapters.sealing import sealing_keys
from gateway.settings import Settings


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """All keys of one process. Of keys that seal the first one does; the others only open."""

    pseudonym: bytes
    """What subjects' pseudonyms are made with."""
    hold: Sequence[bytes]
    """Those of kept calls."""
    replay: Sequence[bytes] = ()
    """Those of what calls were decided by; without any that is not kept, whatever a policy says."""
    record: Sequence[bytes] = ()
    """The master keys of what records say of customers; without any they do not say it."""


def keys_of(settings: Settings) -> Keys:
    """The keys of a process with these settings.

    Raises:
        ValueError: a file holds none, or one that cannot be used.
        OSError: a file cannot be read, or made.
    """
    return Keys(
        pseudonym=pseudonym_key_of(settings),
        hold=hold_keys_of(settings),
        replay=replay_keys_of(settings),
        record=record_keys_of(settings),
    )


def pseudonym_key_of(settings: Settings) -> bytes:
    """What subjects' pseudonyms are made with. Raises like `keys_of`, as the next ones do."""
    return pseudonym_key(settings.pseudonym_key_file or settings.home / "secrets" / "pseudonym.key")


def hold_keys_of(settings: Settings) -> tuple[bytes, ...]:
    """What kept calls are sealed with."""
    return sealing_keys(settings.hold_key_file or settings.home / "secrets" / "holds.key")


def replay_keys_of(settings: Settings) -> tuple[bytes, ...]:
    """What the inputs of calls are sealed with."""
    return sealing_keys(settings.replay_key_file or settings.home / "secrets" / "replays.key")


def record_keys_of(settings: Settings) -> tuple[bytes, ...]:
    """The master keys of what records say of customers."""
    return sealing_keys(settings.record_key_file or settings.home / "secrets" / "records.key")


def pseudonym_key(path: Path) -> bytes:
    """The key that subjects' pseudonyms are made with, from a file; made where the file does not exist yet.

    Raises:
        ValueError: the file holds less than 32 bytes.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        secret_files.make(path, os.urandom(32))
        key = path.read_bytes()
    if len(key) < 32:
        raise ValueError(f"{path} holds {len(key)} bytes; a pseudonym key needs 32 or more.")
    return key
