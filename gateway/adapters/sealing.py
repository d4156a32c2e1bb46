"""What is kept of calls, sealed: nobody reads it without the key, and nobody changes it or puts it elsewhere unseen."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway import secret_files

MARK: Final = b"\x00\x01"
"""Begins everything sealed: the zero is what no protobuf message begins with, then comes the version of the format."""
_ID_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
SEAL_BYTES: Final = len(MARK) + _ID_BYTES + _NONCE_BYTES + 16
"""By how much something sealed is longer; the last part proves that it was not changed."""


class Damaged(Exception):
    """It was changed, cut, or belongs somewhere else."""


class KeyMissing(Exception):
    """It was sealed with a key that this process does not have."""


class Sealer:
    """Seals with the first key (AES-256-GCM), opens with any. A new first key is how keys are rotated."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        ids = [hashlib.sha256(key).digest()[:_ID_BYTES] for key in keys]
        self._ciphers = {name: AESGCM(key) for name, key in zip(ids, keys, strict=True)}
        self._first = ids[0]

    def seal(self, clear: bytes, *, bound_to: bytes) -> bytes:
        """`clear`, sealed; it opens only where the same `bound_to` is given."""
        nonce = os.urandom(_NONCE_BYTES)
        return MARK + self._first + nonce + self._ciphers[self._first].encrypt(nonce, clear, bound_to)

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key that seals now."""
        return sealed.startswith(MARK + self._first)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes:
        """What was sealed.

        Raises:
            Damaged: it is not what was sealed for `bound_to`.
            KeyMissing: another key is needed.
        """
        start = len(MARK) + _ID_BYTES
        if not sealed.startswith(MARK) or len(sealed) < start + _NONCE_BYTES:
            raise Damaged
        cipher = self._ciphers.get(sealed[len(MARK) : start])
        if cipher is None:
            raise KeyMissing
        nonce, rest = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, rest, bound_to)
        except InvalidTag as error:
            raise Damaged from error


def sealing_keys(path: Path) -> tuple[bytes, ...]:
    """The keys in a file, one of 64 hexadecimal digits a line; made with one where the file does not exist yet.

    Raises:
        ValueError: a line is no key, or there is none.
    """
    try:
        lines = path.read_text(encoding="ascii").split()
    except FileNotFoundError:
        secret_files.make(path, f"{os.urandom(_KEY_BYTES).hex()}\n".encode())
        lines = path.read_text(encoding="ascii").split()
    except UnicodeDecodeError:
        lines = [""]
    try:
        keys = tuple(bytes.fromhex(line) for line in lines)
    except ValueError:
        keys = ()
    if not keys or any(len(key) != _KEY_BYTES for key in keys):
        raise ValueError(f"{path} must hold one key or more, each 64 hexadecimal digits on a line of its own.")
    return keys
