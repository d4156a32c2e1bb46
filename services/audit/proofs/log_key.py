"""The key that the log is signed with: a file for nobody else to read, made at the first start."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from services.proof.notes import LOG, Signer

KEY_FILE: Final = Path("secrets", "log.key")
"""Where the key is in a home, unless the settings name another file."""


def log_signer(path: Path, *, origin: str = "", kind: int = LOG) -> Signer:
    """Who signs the log with the key in that file; a new one where there is no such file.

    Without an `origin` the log is named after its key, so that no two are called the same.

    Raises:
        ValueError: it holds no such key, others may read it, or nobody may be called so.
        OSError: it cannot be read or made.
    """
    try:
        key = _read(path)
    except FileNotFoundError:
        _make(path)
        key = _read(path)
    name = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]
    return Signer(origin or f"pilote.dev/{'audit' if kind == LOG else 'witness'}/{name}", key, kind=kind)


def _read(path: Path) -> Ed25519PrivateKey:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"{path}: others may read this key; take it from them: chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("another kind of key")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path} is no Ed25519 key in PEM without a password.") from error
    return key


def _make(path: Path) -> None:
    """Written aside and linked, so that of two processes that start at once one makes it and no one reads half."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        key = Ed25519PrivateKey.generate()
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
