"""Where Envoy asks about calls: over HTTP/1.1 by a Unix socket, on each connection one after the other.

As gRPC on pyvoy, which all else is told and asked by, a question costs another Envoy, a switch between threads and two
messages of protobuf, and that is half of what it costs to carry one (`loadtests/RESULTS.md`).
"""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Protocol, cast

import httptools

from gateway.callrun import CallRun
from gateway.envoy.doors import KEY_HEADER
from gateway.envoy.engine.asking import Question
from gateway.envoy.engine.checking import Answer
from gateway.envoy.engine.clusters import MOST_QUESTIONS
from gateway.open_files import enough

SOCKET: Final = "questions"
"""The name of the socket, in the folder with all that Envoy reads."""
_KEY: Final = KEY_HEADER.encode()
_log: Final = logging.getLogger(__name__)


class Answers(Protocol):
    """Who answers: `gateway.envoy.engine.checking.Checking`."""

    async def answer(self, question: Question) -> Answer:
        """What becomes of the call."""

    def unheard(self, run: CallRun) -> None:
        """Envoy has not taken the answer by which it would have carried this call."""


@contextlib.asynccontextmanager
async def answering(checking: Answers, home: Path, *, key: str) -> AsyncIterator[None]:
    """Questions are answered until the block ends; those that are left then end without an answer.

    `home` is the folder with all that Envoy reads, `key` by which Envoy is known.

    Raises:
        OSError: the socket cannot be made.
    """
    enough()
    connections: set[_Connection] = set()
    loop = asyncio.get_running_loop()

    def connection() -> _Connection:
        return _Connection(checking, key.encode(), connections)

    # A Unix socket refuses at once whoever comes when so many wait, and Envoy tells the caller that nobody answers.
    server = await loop.create_unix_server(connection, home / SOCKET, backlog=MOST_QUESTIONS)
    try:
        (home / SOCKET).chmod(0o600)
        yield
    finally:
        server.close()
        for each in tuple(connections):
            each.end()
        await server.wait_closed()


class _Connection(asyncio.Protocol):
    """One of Envoy's connections. Its methods but `end` are called by the loop and by the parser."""

    def __init__(self, checking: Answers, key: bytes, connections: "set[_Connection]") -> None:
        self._checking: Final = checking
        self._key: Final = key
        self._connections: Final = connections
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._answering: asyncio.Task[None] | None = None
        self._carried: CallRun | None = None
        """The call that the latest answer lets Envoy carry."""

    def end(self) -> None:
        """Take no more questions."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._answering is not None:  # the caller has gone, or Envoy has given up
            self._answering.cancel()
        elif exc is not None and self._carried is not None:
            # Envoy closes a connection without reading what is there where the caller has gone: it forwards nothing.
            self._checking.unheard(self._carried)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            _log.warning("what has come at the socket for Envoy's questions is none: the connection is closed")
            self.end()

    def on_message_begin(self) -> None:
        self._path, self._headers, self._body = b"", [], []

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, piece: bytes) -> None:
        self._body.append(piece)

    def on_message_complete(self) -> None:
        given = [value for name, value in self._headers if name == _KEY]
        known = len(given) == 1 and hmac.compare_digest(given[0], self._key)
        if not known or self._answering is not None:  # Envoy says its key, and waits for an answer
            self.end()
            return
        self._carried = None
        question = Question(self._path, self._headers, b"".join(self._body))
        self._answering = asyncio.get_running_loop().create_task(self._answer(question))

    async def _answer(self, question: Question) -> None:
        try:
            answer = await self._checking.answer(question)
            if not self._transport.is_closing():
                self._transport.write(answer.http)
                self._carried = answer.carried
            elif answer.carried is not None:
                self._checking.unheard(answer.carried)
        except Exception:  # a mistake of ours: Envoy then says that nobody has answered
            _log.exception("a question of Envoy's was not answered")
            self.end()
        finally:
            self._answering = None
