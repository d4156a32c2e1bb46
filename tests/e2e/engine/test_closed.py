"""Where nobody redacts that was to, nothing passes, and where nobody reads for a while nothing is lost.

A real Envoy with our configuration asks one who only decides.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.callrun import CallRun
from gateway.core.errors import Reason
from gateway.core.revision.compiled import Revision
from gateway.envoy.engine.answering import SAID
from gateway.envoy.engine.asking import Question
from gateway.envoy.engine.carried import ENDED, OWN
from gateway.envoy.engine.checking import Answer
from gateway.envoy.engine.clusters import cluster_name
from gateway.envoy.engine.configuration import Places
from gateway.envoy.engine.engine import Engine
from gateway.envoy.engine.filters import CALL
from gateway.envoy.engine.questions import answering as answering_questions
from gateway.envoy.engine.trying import TRIES
from gateway.envoy.heads import REDACTED_HEADER, UPSTREAM_HEADER
from pilote.envoy import access_log_data_pb2, access_log_pb2, access_log_pb2_grpc
from tests import policies
from tests.e2e.requests import get
from tests.e2e.waiting import until
from tests.e2e.world import Agent, together, told
from tests.fakes.upstream import FakeUpstream, answering

Entry = access_log_data_pb2.HTTPAccessLogEntry


class Deciding(access_log_pb2_grpc.AccessLogServiceServicer):
    """Lets every call go to one cluster, with these sides redacted, and is told how it ended."""

    def __init__(self, cluster: str, redacted: str) -> None:
        told = ((UPSTREAM_HEADER, cluster), (REDACTED_HEADER, redacted), (CALL, "1"), (SAID, "."))
        head = "".join([f"{name}: {value}\r\n" for name, value in told])
        self._answer = Answer(f"HTTP/1.1 200 OK\r\n{head}content-length: 0\r\n\r\n".encode())
        self.entries: list[Entry] = []
        self.reads = asyncio.Event()
        """Whether it reads how calls have ended."""
        self.reads.set()

    async def answer(self, _question: Question) -> Answer:
        """Yes."""
        return self._answer

    def unheard(self, _run: CallRun) -> None:
        """Nothing was taken."""

    async def StreamAccessLogs(  # noqa: N802
        self, request_iterator: AsyncIterator[access_log_pb2.StreamAccessLogsMessage], _context: Any
    ) -> access_log_pb2.StreamAccessLogsResponse:
        tries = False
        async for message in request_iterator:
            await self.reads.wait()
            tries = tries or message.identifier.log_name == TRIES
            self.entries += [] if tries else message.http_logs.log_entry
        return access_log_pb2.StreamAccessLogsResponse()


@contextlib.asynccontextmanager
async def carrying(revision: Revision, deciding: Deciding) -> AsyncIterator[Agent]:
    """An Envoy that asks whoever decides like that, and an agent before it, until the block ends."""
    server = grpc.aio.server()
    access_log_pb2_grpc.add_AccessLogServiceServicer_to_server(deciding, server)
    with tempfile.TemporaryDirectory(prefix="pilote-closed-") as folder:
        socket = str(Path(folder) / "asked")
        server.add_insecure_port(f"unix:{socket}")
        await server.start()
        places = Places(Path(folder), socket, socket, "127.0.0.1:0", shown=65_536, key="k" * 64)
        engine = Engine(places, clock=time.monotonic)
        engine.use(revision)
        async with (
            answering_questions(deciding, places.home, key=places.key),
            engine.carrying(drain_seconds=0) as port,
            grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            yield Agent(channel)
        await server.stop(0)


async def test_no_end_of_a_call_is_lost_where_nobody_reads_for_a_while(upstream: FakeUpstream) -> None:
    revision = policies.revision(upstreams=[{"name": "crm", "address": upstream.address}])
    deciding = Deciding(cluster_name(revision.upstreams["crm"]), "")
    upstream.behave = answering(b"")
    async with carrying(revision, deciding) as agent:
        deciding.reads.clear()
        for _ in range(4):
            await together(*(agent.contacts.GetContact(get(), timeout=20) for _ in range(150)))
        deciding.reads.set()
        await until(lambda: len(deciding.entries) >= 600, what="the ends of all calls")
    assert len(deciding.entries) == 600


@pytest.mark.parametrize("redacted", ["request", "reply", "request+reply"])
async def test_a_call_that_nobody_redacts_is_refused_and_goes_nowhere_or_comes_to_nobody(
    upstream: FakeUpstream, redacted: str
) -> None:
    revision = policies.revision(upstreams=[{"name": "crm", "address": upstream.address}])
    deciding = Deciding(cluster_name(revision.upstreams["crm"]), redacted)
    upstream.behave = answering(b"\x0a\x0b\x0a\x09ada@crm.x")
    async with carrying(revision, deciding) as agent:
        ended = await told(agent.contacts.GetContact(get(), timeout=20))
        await until(lambda: bool(deciding.entries), what="the end of the call")
    (entry,) = deciding.entries
    said = entry.common_properties.metadata.filter_metadata
    if "request" in redacted:
        assert (ended.code, ended.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.DRAINING.value)
        assert upstream.asked == []
        assert said[OWN].fields[ENDED].string_value.startswith("no ")  # so that what it took is given back
    else:
        assert (ended.code, ended.reason) == (grpc.StatusCode.UNKNOWN, Reason.UPSTREAM_IN_DOUBT.value)
        assert len(upstream.asked) == 1
        assert OWN not in said  # in doubt, as every call that breaks off
    assert ended.response is None
    assert not any("127.0.0.1" in str(value) for value in ended.trailers.values())
