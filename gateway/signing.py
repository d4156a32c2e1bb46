"""Ed25519: the keys that people sign policies with. The private one never leaves the file that they chose."""

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

PREFIX: Final = "ed25519:"
"""Begins a public key as text, so that nobody takes another kind of number for one."""


class Signer:
    """A person's private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @property
    def public_key(self) -> str:
        """The public key, as a policy names it."""
        return PREFIX + self._key.public_key().public_bytes_raw().hex()

    def sign(self, message: bytes) -> str:
        """The signature in hexadecimal digits."""
        return self._key.sign(message).hex()


def verify(public_key: str, signature: str, message: bytes) -> bool:
    """Whether the signature is right; anything that is no key or no signature is wrong."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key.removeprefix(PREFIX)))
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def new_signer(path: Path) -> Signer:
    """Make a key and write it to a file that did not exist, as PEM (PKCS 8), for nobody else to read.

    Raises:
        FileExistsError: there is such a file.
        OSError: it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem(key))
    return Signer(key)


def signer(path: Path) -> Signer:
    """The key in a file.

    Raises:
        ValueError: it is no Ed25519 key without a password, or others than its owner may read it.
        OSError: it cannot be read.
    """
    return Signer(private_key(path, hint="; pilote people new makes one"))


def private_key(path: Path, *, hint: str = "") -> Ed25519PrivateKey:
    """The private key in a file; `hint` ends what is said of a file that holds none. Raises like `signer`."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ValueError(f"{path}: others may read this key; take it from them: chmod 600 {path}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("another kind of key")
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(f"{path} is no Ed25519 key in PEM without a password{hint}.") from error
    return key


def pem(key: Ed25519PrivateKey) -> bytes:
    """A private key as it is kept: PKCS 8, without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
