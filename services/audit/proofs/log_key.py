"""The key that the log is signed with: a file for nobody else to read, made at the first start."""

import hashlib
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway import secret_files
from gateway.signing import pem, private_key
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
        key = private_key(path)
    except FileNotFoundError:
        secret_files.make(path, pem(Ed25519PrivateKey.generate()))
        key = private_key(path)
    name = hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16]
    return Signer(origin or f"pilote.dev/{'audit' if kind == LOG else 'witness'}/{name}", key, kind=kind)
