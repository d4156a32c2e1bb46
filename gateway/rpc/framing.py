"""gRPC over HTTP/2 as its protocol has it, by hand: messages in frames, timeouts, metadata, trailers. Pure.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, and for the codes doc/statuscodes.md beside it.
"""

import base64
import binascii
import re
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from google.rpc import code_pb2

PREFIX_BYTES: Final = 5
"""Before each message: whether it is compressed, and its length in four bytes, the most significant first."""

Metadata = tuple[tuple[str, str | bytes], ...]
Headers = Iterable[tuple[bytes, bytes]]

_TYPES: Final = frozenset({b"application/grpc", b"application/grpc+proto"})
_TIMEOUT: Final = re.compile(rb"([0-9]{1,8})([HMSmun])")
_UNITS: Final = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}
_PLAIN: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
"""What a status message may hold as it is."""
_OURS: Final = (b"grpc-", b":")
_NO_METADATA: Final = frozenset({b"te", b"content-type", b"content-length", b"host", b"transfer-encoding"})


class Misframed(Exception):
    """What has come is no call that can be answered; `code` is the status to end it with, of `google.rpc.Code`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code: Final = code
        self.text: Final = text


class Frames:
    """The messages of one call, as its bytes come."""

    def __init__(self, *, max_bytes: int, encoding: bytes = b"") -> None:
        """`max_bytes` is the length of the largest message that is taken, `encoding` what `grpc-encoding` says."""
        self.max_bytes: Final = max_bytes
        self._encoding: Final = encoding
        self._left = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The messages that are whole with this piece; take all of them before the next piece.

        Raises:
            Misframed: RESOURCE_EXHAUSTED before anything of a message comes that says it is too large.
        """
        self._left += piece
        while len(self._left) >= PREFIX_BYTES:
            length = self._length()
            if len(self._left) < PREFIX_BYTES + length:
                return
            message = bytes(self._left[PREFIX_BYTES : PREFIX_BYTES + length])
            del self._left[: PREFIX_BYTES + length]
            yield message

    def end(self) -> None:
        """Nothing more comes.

        Raises:
            Misframed: INTERNAL in the middle of a message.
        """
        if self._left:
            raise Misframed(code_pb2.INTERNAL, "The call ends in the middle of a message.")

    def _length(self) -> int:
        compressed, length = self._left[0], int.from_bytes(self._left[1:PREFIX_BYTES], "big")
        if compressed:
            raise _compressed(compressed, self._encoding)
        if length > self.max_bytes:
            text = f"The message has {length} bytes; at most {self.max_bytes} are taken."
            raise Misframed(code_pb2.RESOURCE_EXHAUSTED, text)
        return length


def only_message(body: bytes, frames: Frames) -> bytes:
    """The one message of a call whose whole body has come; `frames` are those of the call.

    Raises:
        Misframed: it is none, UNIMPLEMENTED where it is not exactly one.
    """
    if len(body) >= PREFIX_BYTES and not body[0]:
        length = int.from_bytes(body[1:PREFIX_BYTES], "big")
        if length == len(body) - PREFIX_BYTES and length <= frames.max_bytes:  # as nearly all are
            return body[PREFIX_BYTES:]
    found = list(frames.feed(body))
    frames.end()
    return only_of(found)


def only_of(messages: Sequence[bytes]) -> bytes:
    """The one message of a call.

    Raises:
        Misframed: UNIMPLEMENTED where it is not exactly one.
    """
    if len(messages) != 1:
        text = f"This method takes one message; {len(messages)} have come."
        raise Misframed(code_pb2.UNIMPLEMENTED, text)
    return messages[0]


def framed(message: bytes) -> bytes:
    """A message as it is sent, not compressed."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def is_grpc(content_type: bytes) -> bool:
    """Whether a request of that type is a call in protobuf."""
    return content_type.partition(b";")[0].strip().lower() in _TYPES


def seconds_of(timeout: bytes) -> float:
    """How long a call may take, by its `grpc-timeout`.

    Raises:
        Misframed: INTERNAL, since it can be read in no way.
    """
    found = _TIMEOUT.fullmatch(timeout)
    if found is None:
        raise Misframed(code_pb2.INTERNAL, "The grpc-timeout must be up to eight digits and one of H, M, S, m, u, n.")
    return int(found[1]) * _UNITS[found[2]]


def metadata_of(headers: Headers) -> Metadata:
    """What a caller says beside its messages: keys in lower case; values of keys that end in `-bin` are bytes.

    Raises:
        Misframed: INTERNAL where such a value is not in base64.
    """
    found: list[tuple[str, str | bytes]] = []
    for name, value in headers:
        if name.startswith(_OURS) or name in _NO_METADATA:
            continue
        key = name.decode("latin-1").lower()
        if key.endswith("-bin"):
            found += [(key, unpacked(key, part)) for part in value.split(b",")]
        else:
            found.append((key, value.decode("latin-1")))
    return tuple(found)


def trailers_of(code: int, text: str = "", metadata: Metadata = ()) -> list[tuple[bytes, bytes]]:
    """How a call ends, and what is said beside that."""
    trailers = [(b"grpc-status", b"%d" % code)]
    if text:
        trailers.append((b"grpc-message", percent(text).encode()))
    for name, value in metadata:
        packed = base64.b64encode(value).rstrip(b"=") if isinstance(value, bytes) else value.encode("ascii", "replace")
        trailers.append((name.encode(), packed))
    return trailers


def percent(text: str) -> str:
    """A text as `grpc-message` has it."""
    return urllib.parse.quote(text, safe=_PLAIN)


def unpacked(key: str, text: bytes) -> bytes:
    """What a value of a key that ends in `-bin` holds, which comes with or without its padding.

    Raises:
        Misframed: INTERNAL where it is not in base64.
    """
    text = text.strip().rstrip(b"=")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Misframed(code_pb2.INTERNAL, f"{key} must be in base64.") from error


def _compressed(flag: int, encoding: bytes) -> Misframed:
    if flag == 1 and encoding not in (b"", b"identity"):
        return Misframed(code_pb2.UNIMPLEMENTED, "Nothing is decompressed here: send messages as they are.")
    return Misframed(code_pb2.INTERNAL, "A message says that it is compressed, and the call does not say how.")
