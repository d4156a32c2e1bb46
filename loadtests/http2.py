"""As much of HTTP/2 (RFC 9113) as a client needs that makes unary calls of gRPC and counts what comes back."""

import socket
from collections import deque
from collections.abc import Iterator
from typing import Final

_DATA, _HEADERS, _RST, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_WIDE: Final = 2**31 - 1
_WINDOW_AT_FIRST: Final = 65_535
_RENEWED: Final = 2**24
"""Bytes after which the server is told that it may send more."""


def block(path: str, port: int, credential: tuple[str, str]) -> bytes:
    """The header block of a call (RFC 7541), every field in full: nothing of it depends on what was sent before."""
    fields = (
        *((b":authority", f"127.0.0.1:{port}".encode()), (b"content-type", b"application/grpc"), (b"te", b"trailers")),
        (credential[0].encode(), credential[1].encode()),
    )
    # POST and http by their places in the static table; then a field that is not to be remembered, its name by place 4.
    head = b"\x83\x86\x04" + _text(path.encode())
    return head + b"".join([b"\x00" + _text(name) + _text(value) for name, value in fields])


def _text(text: bytes) -> bytes:
    """A string as it is, with its length before it as an integer of a prefix of seven bits."""
    length = len(text)
    if length < 127:
        return bytes([length]) + text
    length -= 127
    coded = bytearray([127])
    while length >= 128:
        coded.append(length % 128 + 128)
        length //= 128
    coded.append(length)
    return bytes(coded) + text


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


class Connection:
    """One connection, which many calls run on at a time."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket: Final = connected
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # No table of headers that the server could refer to, and room for every answer.
        settings = _setting(1, 0) + _setting(4, _WIDE)
        wider = _frame(_WINDOW, 0, 0, (_WIDE - _WINDOW_AT_FIRST).to_bytes(4))
        self._outbox = [_PREFACE, _frame(_SETTINGS, 0, 0, settings), wider]
        self._held_back: deque[bytes] = deque()
        """Frames of messages that the server has no room for yet."""
        self._room = _WINDOW_AT_FIRST
        self._stream = -1
        self._answers: dict[int, int] = {}
        """Of each stream that runs: bytes of its answer so far."""
        self._inbox = b""
        self._taken = 0

    def call(self, head: bytes, message: bytes) -> None:
        """Begin a call. It is sent by the next `flush`, or when the server has room for its message."""
        self._stream += 2
        self._answers[self._stream] = 0
        self._outbox.append(_frame(_HEADERS, _END_HEADERS, self._stream, head))
        self._held_back.append(_frame(_DATA, _END_STREAM, self._stream, message))

    def flush(self) -> None:
        """Send what is due."""
        while self._held_back and len(self._held_back[0]) - 9 <= self._room:
            frame = self._held_back.popleft()
            self._room -= len(frame) - 9
            self._outbox.append(frame)
        if self._outbox:
            self.socket.sendall(b"".join(self._outbox))
            self._outbox.clear()

    def received(self) -> Iterator[int]:
        """Read what has come: of each call that has ended, the bytes of its message; 0 of one without any.

        Raises:
            ConnectionError: the server has closed the connection.
        """
        came = self.socket.recv(262_144)
        if not came:
            raise ConnectionError("the server has closed the connection")
        self._inbox += came
        at, inbox = 0, self._inbox
        while len(inbox) - at >= 9:
            length = int.from_bytes(inbox[at : at + 3])
            if len(inbox) - at < 9 + length:
                break
            kind, flags = inbox[at + 3], inbox[at + 4]
            stream = int.from_bytes(inbox[at + 5 : at + 9])
            yield from self._frame(kind, flags, stream, payload=inbox[at + 9 : at + 9 + length])
            at += 9 + length
        self._inbox = inbox[at:]

    def _frame(self, kind: int, flags: int, stream: int, *, payload: bytes) -> Iterator[int]:
        if kind == _DATA:
            self._took(stream, payload)
        elif kind == _RST and self._answers.pop(stream, None) is not None:
            yield 0
        elif kind == _GOAWAY:
            raise ConnectionError("the server takes no more calls on this connection")
        elif kind == _WINDOW and stream == 0:
            self._room += int.from_bytes(payload)
        elif kind in (_SETTINGS, _PING) and not flags & _ACK:
            self._outbox.append(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM and stream in self._answers:
            yield self._answers.pop(stream)

    def _took(self, stream: int, payload: bytes) -> None:
        if stream in self._answers:
            self._answers[stream] += len(payload)
        self._taken += len(payload)
        if self._taken > _RENEWED:
            self._outbox.append(_frame(_WINDOW, 0, 0, self._taken.to_bytes(4)))
            self._taken = 0


def _setting(name: int, value: int) -> bytes:
    return name.to_bytes(2) + value.to_bytes(4)
