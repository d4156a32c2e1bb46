"""Signed notes, checkpoints and cosignatures as C2SP writes them. Pure.

A note is a text, an empty line, and a line for each signature: `— name base64(key id, signature)`. A checkpoint is a
note whose text says the log’s origin, its size and its root. See signed-note, tlog-checkpoint and tlog-cosignature.
"""

import base64
import binascii
import hashlib
import re
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.proof.merkle import HASH_BYTES

LOG: Final = 0x01
"""Ed25519 over the text, as a log signs."""
WITNESS: Final = 0x04
"""Ed25519 over the text and a time, as a witness signs: cosignature/v1."""
LARGEST_NOTE: Final = 1 << 20
"""Longest note that is read, in bytes."""
MOST_SIGNATURES: Final = 100
_ID_BYTES: Final = 4
_TIME_BYTES: Final = 8
_NAME: Final = re.compile(r"[^\s+]{1,200}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


class Malformed(ValueError):
    """It is no note, no checkpoint or no key; says why."""


class Key(msgspec.Struct, frozen=True):
    """A public key and whom it belongs to, as a verifier key says it: `name+key id+base64`."""

    name: str
    public: bytes
    kind: int = LOG

    @property
    def id(self) -> bytes:
        """What signatures name it by, together with its name."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes((self.kind,)) + self.public).digest()[:_ID_BYTES]

    @property
    def text(self) -> str:
        """The verifier key."""
        return f"{self.name}+{self.id.hex()}+{_base64(bytes((self.kind,)) + self.public)}"


class Signature(msgspec.Struct, frozen=True):
    """One signature of a note, by whomever."""

    name: str
    key: bytes
    """The key's id."""
    value: bytes

    @property
    def line(self) -> str:
        """Its line in the note."""
        return f"\u2014 {self.name} {_base64(self.key + self.value)}\n"


class Note(msgspec.Struct, frozen=True):
    """A text with its signatures, none of which is verified by being here."""

    text: str
    """Ends with a newline."""
    signatures: tuple[Signature, ...]

    @property
    def whole(self) -> str:
        """The note as a file has it."""
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}"


class Checkpoint(msgspec.Struct, frozen=True):
    """What a log says of itself."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text of its note."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


class Signer:
    """A private key and whom it belongs to."""

    def __init__(self, name: str, key: Ed25519PrivateKey, *, kind: int = LOG) -> None:
        self.key = read_key_parts(name, key.public_key().public_bytes_raw(), kind=kind)
        self._private = key

    def note(self, text: str) -> Note:
        """A text, signed as a log signs."""
        return Note(text, (Signature(self.key.name, self.key.id, self._private.sign(text.encode())),))

    def cosign(self, note: Note, *, at_s: int) -> Note:
        """A checkpoint's note with our cosignature; `at_s` is seconds since the epoch."""
        value = at_s.to_bytes(_TIME_BYTES) + self._private.sign(_cosigned(note.text, at_s))
        return with_signatures(note, (Signature(self.key.name, self.key.id, value),))


def with_signatures(note: Note, more: tuple[Signature, ...]) -> Note:
    """A note with these signatures too, in place of older ones by the same keys."""
    keys = {(each.name, each.key) for each in more}
    return Note(note.text, (*(each for each in note.signatures if (each.name, each.key) not in keys), *more))


def read_key(text: str) -> Key:
    """The public key that a verifier key says.

    Raises:
        Malformed: it is none.
    """
    name, _, rest = text.strip().partition("+")
    number, _, encoded = rest.partition("+")
    data = _decoded(encoded)
    if data is None or len(data) != 1 + HASH_BYTES or data[0] not in {LOG, WITNESS}:
        raise Malformed("It is no verifier key of Ed25519: name+key id+base64, on one line.")
    key = read_key_parts(name, data[1:], kind=data[0])
    if key.id.hex() != number:
        raise Malformed("The key does not belong to its name: it was changed.")
    return key


def read_key_parts(name: str, public: bytes, *, kind: int) -> Key:
    """A key of these parts.

    Raises:
        Malformed: nobody may be called so.
    """
    if not _NAME.fullmatch(name):
        raise Malformed("A key's name has 1 to 200 characters, and neither spaces nor +.")
    return Key(name, public, kind)


def read_note(whole: str) -> Note:
    """The note of these characters.

    Raises:
        Malformed: they are none.
    """
    if len(whole) > LARGEST_NOTE or _CONTROL.search(whole) or not whole.endswith("\n"):
        raise Malformed("It is too long, ends in the middle of a line, or holds control characters.")
    text, parted, rest = whole.rpartition("\n\n")
    lines = rest.split("\n")[:-1]
    if not parted or not lines or len(lines) > MOST_SIGNATURES:
        raise Malformed("It has no signatures, or too many.")
    return Note(f"{text}\n", tuple(_signature(line) for line in lines))


def read_checkpoint(text: str) -> Checkpoint:
    """What the text of a note says of a log.

    Raises:
        Malformed: it is no checkpoint.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise Malformed("A checkpoint has three lines: origin, size and root.")
    root = _decoded(lines[2])
    if not _SIZE.fullmatch(lines[1]) or root is None or len(root) != HASH_BYTES:
        raise Malformed("A checkpoint's size is a number, and its root 32 bytes in base64.")
    return Checkpoint(lines[0], int(lines[1]), root)


def signed_by(note: Note, key: Key) -> bool:
    """Whether this key has signed the note, and every signature in its name is right."""
    found = [each for each in note.signatures if (each.name, each.key) == (key.name, key.id)]
    return bool(found) and all(_right(note.text, each, key) for each in found)


def cosigned_at(note: Note, key: Key) -> int | None:
    """When a witness of this key has last signed, in seconds since the epoch; `None` where it has not."""
    if key.kind != WITNESS or not signed_by(note, key):
        return None
    times = [each.value[:_TIME_BYTES] for each in note.signatures if (each.name, each.key) == (key.name, key.id)]
    return max(int.from_bytes(time) for time in times)


def _right(text: str, signature: Signature, key: Key) -> bool:
    value, message = signature.value, text.encode()
    if key.kind == WITNESS:
        if len(value) < _TIME_BYTES or value[0] >= 0x80:
            return False
        message = _cosigned(text, int.from_bytes(value[:_TIME_BYTES]))
        value = value[_TIME_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(value, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _cosigned(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def _signature(line: str) -> Signature:
    parts = line.split(" ")
    value = _decoded(parts[2]) if len(parts) == 3 and parts[0] == "\u2014" else None
    if value is None or len(value) <= _ID_BYTES or not _NAME.fullmatch(parts[1]):
        raise Malformed("A line that should be a signature is none.")
    return Signature(parts[1], value[:_ID_BYTES], value[_ID_BYTES:])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes | None:
    """What is encoded; `None` unless it is written in the one way that the encoder writes it."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _base64(data) == text else None
