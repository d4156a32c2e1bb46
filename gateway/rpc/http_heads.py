"""The HTTP/1.1 of our processes: llhttp's reading, and bounds on the head of a request, which it has none of.

Without them a client could send one header for ever, or one byte of it a minute, and many of them keep all memory and
connections. What comes after the head is bounded by the applications, which know how large a body may be.

Nobody is upgraded to another protocol here, and who asks for it (Java's own client does with each request, curl with
--http2) is answered by this one. llhttp stops reading there, so that uvicorn takes the body for an empty one.
"""

import asyncio
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES: Final = 64 * 1024
"""A head that is longer and has not come whole in one piece is refused."""
HEAD_SECONDS: Final = 30.0
"""Longest time that a head takes to arrive, from the connection or from its own first byte on."""

_FRAMING: Final = (b"content-length", b"transfer-encoding")
_REFUSED: Final = "\r\n".join(
    ("HTTP/1.1 {}", "content-type: text/plain; charset=utf-8", "content-length: {}", "connection: close", "", "{}")
)


class BoundedHeads(HttpToolsProtocol):
    """One connection."""

    seconds = HEAD_SECONDS
    """For a head to arrive."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._heading = True  # what comes next belongs to a head
        self._begun = False  # and some of it has come
        self._heads = 0  # that have come whole
        self._again = False  # what the parser reads now it has read before
        self._head_bytes = 0
        self._due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; where all of this belongs to a head that still has not ended, count it."""
        heading, heads = self._heading, self._heads
        self._read(data)
        if not self._heading:
            return
        if heading and self._heads == heads:
            self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse("431 Request Header Fields Too Large", f"Send at most {MOST_HEAD_BYTES} bytes of headers.")
        elif self._due is None and self._begun:
            self._wait()

    def on_message_begin(self) -> None:
        """A head has begun."""
        if not self._again:
            self._begun = True
            super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Some of the target."""
        if not self._again:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        if not self._again:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        if self._again:
            self._again = False
            return
        self._no_longer()
        self._heading = self._begun = False
        self._head_bytes = 0
        self._heads += 1
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """What comes next is another head; after a request for another protocol it is its body."""
        if self.parser.should_upgrade():
            return
        self._heading = True
        super().on_message_complete()

    def _read(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                data = self._anew() + data[asked.args[0] :]
            except httptools.HttpParserError:
                self.send_400_response("This is no request of HTTP/1.1.")
                return
            else:
                return

    def _anew(self) -> bytes:
        """Read on by another parser; answers the head that makes it read the body of the present request."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
        self._again = True
        framing = [each for each in self.headers if each[0] in _FRAMING] or [(b"content-length", b"0")]
        return b"POST / HTTP/1.1\r\n" + b"".join(b"%s: %s\r\n" % each for each in framing) + b"\r\n"

    def _wait(self) -> None:
        self._due = self.loop.call_later(self.seconds, self._slow)

    def _no_longer(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _slow(self) -> None:
        self._due = None
        self._refuse("408 Request Timeout", f"Send the head of a request within {self.seconds:g} seconds.")

    def _refuse(self, status: str, text: str) -> None:
        """Say so where no answer is under way, which this would land in the middle of, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_REFUSED.format(status, len(text), text).encode())
        self.transport.close()
