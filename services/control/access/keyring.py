"""Managed keys: the Ed25519 key that an account signs revisions with, which the server alone can never use.

The private half is sealed (AES-256-GCM) under a key that Argon2id makes of its owner's password, and lies in the store.
Retyping the password opens it for five minutes, sealed under the session's cookie, which the server does not keep; an
API token that may sign has a copy sealed under the token's own secret. Only those who log in by OIDC and have no
password have it sealed by the server's key: there the provider's fresh word is what opens it.
"""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.signing import Signer
from services.control.access.accounts import SealedKey
from services.control.access.passwords import KEY_BYTES, SALT_BYTES, Passwords

_NONCE_BYTES: Final = 12
_FOR: Final = b"pilote.dev/managed-key/v1 "


class WrongSecret(Exception):
    """The key does not open with this."""


class Key:
    """A private key, opened. It lives as long as a request."""

    def __init__(self, private: bytes) -> None:
        self._private = private

    @classmethod
    def new(cls) -> "Key":
        """A key that there was not before."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def signer(self) -> Signer:
        """What signs with it."""
        return Signer(Ed25519PrivateKey.from_private_bytes(self._private))

    @property
    def public_key(self) -> str:
        """The public half, as a policy names it."""
        return self.signer.public_key

    async def under_password(self, account: str, password: str, passwords: Passwords) -> SealedKey:
        """Sealed so that only the password of `account` opens it.

        Raises:
            Busy: too many passwords are being checked.
        """
        salt, costs = os.urandom(SALT_BYTES), passwords.costs
        secret = await passwords.key(password, salt, costs=costs)
        return SealedKey(by="password", salt=salt, costs=costs, sealed=_seal(secret, self._private, bound_to=account))

    def under_server(self, account: str, sealer: Sealer) -> SealedKey:
        """Sealed by the server's own key."""
        return SealedKey(by="server", sealed=sealer.seal(self._private, bound_to=_bound(account)))

    def under_secret(self, account: str, secret: str) -> bytes:
        """Sealed under a cookie or token, 256 random bits that the server does not keep."""
        return _seal(_stretched(secret), self._private, bound_to=account)


async def opened(account: str, key: SealedKey, password: str, *, passwords: Passwords) -> Key:
    """The key that a password opens.

    Raises:
        WrongSecret: this is not the password, or no password opens it.
        Busy: too many passwords are being checked.
    """
    if key.costs is None:
        raise WrongSecret
    secret = await passwords.key(password, key.salt, costs=key.costs)
    return Key(_open(secret, key.sealed, bound_to=account))


def opened_by_server(account: str, key: SealedKey, *, sealer: Sealer) -> Key:
    """The key that the server opens.

    Raises:
        WrongSecret: the server cannot.
    """
    if key.by != "server":
        raise WrongSecret
    try:
        return Key(sealer.open(key.sealed, bound_to=_bound(account)))
    except (Damaged, KeyMissing) as error:
        raise WrongSecret from error


def opened_by_secret(account: str, sealed: bytes, secret: str) -> Key:
    """The key that a cookie or token opens.

    Raises:
        WrongSecret: it does not.
    """
    return Key(_open(_stretched(secret), sealed, bound_to=account))


def _stretched(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=_FOR).derive(secret.encode())


def _seal(secret: bytes, private: bytes, *, bound_to: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(secret).encrypt(nonce, private, _bound(bound_to))


def _open(secret: bytes, sealed: bytes, *, bound_to: str) -> bytes:
    try:
        return AESGCM(secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(bound_to))
    except (InvalidTag, ValueError) as error:
        raise WrongSecret from error


def _bound(account: str) -> bytes:
    return _FOR + account.encode()
