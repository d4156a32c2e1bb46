"""A sealed file: nobody reads it without a passphrase or a private key that it was sealed for, or changes it unseen.

The construction is age's (https://age-encryption.org/v1), in parts of `cryptography` that it documents for this use: a
file key of its own for each file, wrapped for every recipient, by scrypt (RFC 7914) or X25519 with HKDF-SHA256; then
chunks under ChaCha20-Poly1305 whose nonce counts them and marks the last (STREAM: Hoang, Reyhanitabar, Rogaway and
Vizár, 2015), so that none can be changed, dropped, swapped or cut off. The header is bound to the first chunk by its
digest.
"""

import hashlib
import os
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, TypeAlias

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC: Final = b"pilote.dev/backup/v1\n"
CHUNK: Final = 65_536
SCRYPT_LOG_N: Final = 17
"""128 MB and about half a second for each guess; OWASP's recommendation for scrypt (N = 2^17, r = 8, p = 1)."""
_MOST_LOG_N: Final = 20
"""A file that asks for more is refused before it takes the memory."""
_NO_NONCE: Final = bytes(12)
_LENGTH: Final = struct.Struct(">I")
_MOST_HEADER: Final = 65_536


class Wrapped(msgspec.Struct, frozen=True, omit_defaults=True):
    """The file key for one recipient."""

    kind: str
    """"scrypt" or "x25519"."""
    salt: bytes
    """Of scrypt; or the public key that was made for this file."""
    body: bytes
    log_n: int = 0


class Header(msgspec.Struct, frozen=True):
    """What comes before the chunks."""

    recipients: tuple[Wrapped, ...]


class Unopened(Exception):
    """The file cannot be opened; `why` is "no-backup", "wrong-key" or "damaged"."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


Opener: TypeAlias = str | X25519PrivateKey
"""A passphrase, or the private key of a recipient."""


class SealedWriter:
    """Seals what is written to `file`; `close` ends it, and without that nobody will open it."""

    def __init__(
        self,
        file: BinaryIO,
        *,
        passphrase: str = "",
        recipients: Sequence[X25519PublicKey] = (),
        log_n: int = SCRYPT_LOG_N,
    ) -> None:
        if not passphrase and not recipients:
            raise ValueError("nobody could open it")
        key = os.urandom(32)
        wrapped = [_for_person(key, each) for each in recipients]
        if passphrase:
            wrapped.append(_for_phrase(key, passphrase, log_n=log_n))
        header = msgspec.json.encode(Header(tuple(wrapped)))
        file.write(MAGIC + _LENGTH.pack(len(header)) + header)
        self._file = file
        self._stream = _Chunks(key, header)
        self._buffer = bytearray()

    def write(self, data: bytes) -> int:
        """Seal more."""
        self._buffer += data
        while (
            len(self._buffer) > CHUNK
        ):  # the last chunk is sealed by `close`, and is never empty but for an empty file
            self._file.write(self._stream.seal(bytes(self._buffer[:CHUNK]), last=False))
            del self._buffer[:CHUNK]
        return len(data)

    def close(self) -> None:
        """Seal what is left; does not close the file."""
        self._file.write(self._stream.seal(bytes(self._buffer), last=True))
        self._buffer.clear()


def opened(file: BinaryIO, opener: Opener) -> Iterator[bytes]:
    """What is in a sealed file, chunk after chunk; whoever needs all of it must read to the end before believing any.

    Raises:
        Unopened: it is no backup, it was sealed for others, or something in it was changed or cut off.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise Unopened("no-backup")
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    if length > _MOST_HEADER:
        raise Unopened("damaged")
    raw = _exactly(file, length)
    try:
        header = msgspec.json.decode(raw, type=Header)
    except msgspec.DecodeError as error:
        raise Unopened("damaged") from error
    stream = _Chunks(_file_key(header, opener), raw)
    ahead = file.read(CHUNK + 16)
    while True:
        body, ahead = ahead, file.read(CHUNK + 16)
        try:
            yield stream.open(body, last=not ahead)
        except InvalidTag as error:
            raise Unopened("damaged") from error
        if not ahead:
            return


class _Chunks:
    """The chunks of one file, in order."""

    def __init__(self, key: bytes, header: bytes) -> None:
        self._cipher = ChaCha20Poly1305(_derived(key, salt=hashlib.sha256(header).digest(), use=b"chunks"))
        self._number = 0

    def _nonce(self, *, last: bool) -> bytes:
        nonce = self._number.to_bytes(11) + (b"\x01" if last else b"\x00")
        self._number += 1
        return nonce

    def seal(self, clear: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(last=last), clear, None)

    def open(self, sealed: bytes, *, last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(last=last), sealed, None)


def _file_key(header: Header, opener: Opener) -> bytes:
    for each in header.recipients:
        try:
            if isinstance(opener, str) and each.kind == "scrypt" and 0 < each.log_n <= _MOST_LOG_N:
                return ChaCha20Poly1305(_from_phrase(opener, each.salt, each.log_n)).decrypt(_NO_NONCE, each.body, None)
            if not isinstance(opener, str) and each.kind == "x25519":
                shared = opener.exchange(X25519PublicKey.from_public_bytes(each.salt))
                own = opener.public_key().public_bytes_raw()
                wrapping = _derived(shared, salt=each.salt + own, use=b"x25519")
                return ChaCha20Poly1305(wrapping).decrypt(_NO_NONCE, each.body, None)
        except (InvalidTag, ValueError):  # it is somebody else's
            continue
    raise Unopened("wrong-key")


def _for_phrase(key: bytes, passphrase: str, *, log_n: int) -> Wrapped:
    salt = os.urandom(16)
    body = ChaCha20Poly1305(_from_phrase(passphrase, salt, log_n)).encrypt(_NO_NONCE, key, None)
    return Wrapped("scrypt", salt, body, log_n)


def _for_person(key: bytes, recipient: X25519PublicKey) -> Wrapped:
    ours = X25519PrivateKey.generate()
    public = ours.public_key().public_bytes_raw()
    wrapping = _derived(ours.exchange(recipient), salt=public + recipient.public_bytes_raw(), use=b"x25519")
    return Wrapped("x25519", public, ChaCha20Poly1305(wrapping).encrypt(_NO_NONCE, key, None))


def _from_phrase(passphrase: str, salt: bytes, log_n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << log_n, r=8, p=1).derive(passphrase.encode())


def _derived(secret: bytes, *, salt: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=b"pilote.dev/backup/v1/" + use).derive(secret)


def _exactly(file: BinaryIO, count: int) -> bytes:
    found = file.read(count)
    if len(found) != count:
        raise Unopened("damaged")
    return found
