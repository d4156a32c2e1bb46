"""A client of HTTP/2 that keeps to no rules: frames made by hand, on a socket of its own."""

import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, Self

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
MAX_CONCURRENT_STREAMS: Final = 3
EMPTY_MESSAGE: Final = bytes(5)


class Frame(NamedTuple):
    """One frame as it came."""

    kind: int
    flags: int
    stream: int
    payload: bytes


def frame(kind: int, *, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """One frame."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def head(method: str, *more: tuple[str, str]) -> bytes:
    """The headers of a call of gRPC, each written out."""
    fixed = ((":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "gateway"))
    pairs = (*fixed, ("content-type", "application/grpc"), ("te", "trailers"), *more)
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in pairs)


def _text(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) < 127:
        return bytes((len(encoded),)) + encoded
    rest, parts = len(encoded) - 127, bytearray((127,))
    while rest >= 128:
        parts.append(rest % 128 + 128)
        rest //= 128
    return bytes((*parts, rest)) + encoded


class Attacker:
    """One connection; streams have odd numbers from 1 up."""

    def __init__(self, port: int, *, greets: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._rest = b""
        self._next = 1
        if greets:
            # All that comes may come: a window that is full would be the attacker's own end.
            self.send(PREFACE + frame(SETTINGS) + frame(WINDOW_UPDATE, payload=struct.pack(">I", 1 << 30)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, sent: bytes) -> bool:
        """Whether the other side still took it."""
        try:
            self.socket.sendall(sent)
        except OSError:
            return False
        return True

    def stream(self) -> int:
        """The number of the next stream."""
        number, self._next = self._next, self._next + 2
        return number

    def call(self, headers: bytes, *, message: bytes = EMPTY_MESSAGE) -> bytes:
        """The frames of one whole unary call."""
        number = self.stream()
        begun = frame(HEADERS, flags=END_HEADERS, stream=number, payload=headers)
        return begun + frame(DATA, flags=END_STREAM, stream=number, payload=message)

    def frames(self) -> Iterator[Frame]:
        """What comes, until the other side closes the connection; settings and pings are acknowledged."""
        while True:
            while len(self._rest) >= 9 and len(self._rest) >= 9 + int.from_bytes(self._rest[:3], "big"):
                size = 9 + int.from_bytes(self._rest[:3], "big")
                piece, self._rest = self._rest[:size], self._rest[size:]
                found = Frame(piece[3], piece[4], int.from_bytes(piece[5:9], "big") & 0x7FFFFFFF, piece[9:])
                if found.kind in (SETTINGS, PING) and not found.flags & ACK:
                    self.send(frame(found.kind, flags=ACK, payload=found.payload if found.kind == PING else b""))
                yield found
            try:
                came = self.socket.recv(65_536)
            except OSError:
                return
            if not came:
                return
            self._rest += came

    def settings(self) -> dict[int, int]:
        """What the server allows, from its first frame."""
        first = next(frame for frame in self.frames() if frame.kind == SETTINGS and not frame.flags & ACK)
        pairs = struct.iter_unpack(">HI", first.payload)
        return dict(pairs)
