"""Envoy's questions come over real sockets: in any pieces, only from who knows the key, and the caller may go."""

import asyncio
import contextlib
import itertools
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import cast

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.callrun import CallRun, Incoming
from gateway.core.errors import CallEnded, Reason
from gateway.envoy.engine.answering import KEPT, TO_CALLER, refused, too_heavy
from gateway.envoy.engine.asking import Question
from gateway.envoy.engine.checking import Answer
from gateway.envoy.engine.configuration import Places, listener
from gateway.envoy.engine.questions import SOCKET, answering

KEY = "k" * 64
RUN = CallRun(Incoming.of("/a.B/C", (), time_remaining=lambda: None, trace_ratio=0))


class Answering:
    """Answers each question as soon as it may, and keeps them all."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.may = asyncio.Event()
        self.may.set()
        self.came = asyncio.Event()
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unheard_runs: asyncio.Queue[CallRun] = asyncio.Queue()

    async def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        self.came.set()
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.gone.set_result(None)
            raise
        return Answer(too_heavy() * len(self.asked), RUN)

    def unheard(self, run: CallRun) -> None:
        self.unheard_runs.put_nowait(run)


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pilote-q-") as folder:
        yield Path(folder)


@contextlib.asynccontextmanager
async def asking(home: Path) -> AsyncIterator[tuple[Answering, asyncio.StreamReader, asyncio.StreamWriter]]:
    answers = Answering()
    async with answering(answers, home, key=KEY):
        reader, writer = await asyncio.open_unix_connection(home / SOCKET)
        try:
            yield answers, reader, writer
        finally:
            writer.close()


def question(body: bytes = b"", *, keys: Sequence[str] = (KEY,), more: str = "") -> bytes:
    head = f"POST /a.B/C HTTP/1.1\r\nhost: a\r\n{more}content-length: {len(body)}\r\n"
    return (head + "".join([f"x-pilote-envoy-key: {key}\r\n" for key in keys]) + "\r\n").encode() + body


async def test_a_burst_of_connections_waits_where_the_loop_has_other_things_to_do(home: Path) -> None:
    async with asking(home) as (_, reader, writer):
        with contextlib.ExitStack() as stack:
            for _ in range(400):  # nobody accepts any of them meanwhile
                each = stack.enter_context(socket.socket(socket.AF_UNIX))
                each.settimeout(0)
                each.connect(str(home / SOCKET))
            writer.write(question())
            assert (await reader.readline()).startswith(b"HTTP/1.1 ")


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=3), st.lists(st.integers(0, 700), max_size=6))
def test_questions_come_as_they_are_whatever_pieces_they_come_in(bodies: list[bytes], cuts: list[int]) -> None:
    async def ask() -> None:
        with tempfile.TemporaryDirectory(prefix="pilote-q-") as folder:
            async with asking(Path(folder)) as (answers, reader, writer):
                for number, body in enumerate(bodies, start=1):
                    whole = question(body, more="a-bin: AA==,AQ==\r\nb: 1,2\r\n")
                    places = sorted({0, len(whole), *[cut for cut in cuts if cut < len(whole)]})
                    for start, end in itertools.pairwise(places):
                        writer.write(whole[start:end])
                        await writer.drain()
                    assert await reader.readexactly(number * len(too_heavy())) == number * too_heavy()
                asked = answers.asked
                assert [(each.path, each.body) for each in asked] == [(b"/a.B/C", body) for body in bodies]
                assert all({(b"a-bin", b"AA==,AQ=="), (b"b", b"1,2")} <= set(each.headers) for each in asked)

    asyncio.run(ask())


@pytest.mark.parametrize(
    "sent",
    [
        question(keys=()),
        question(keys=("l" * 64,)),
        question(keys=(KEY, KEY)),
        b"\x16\x03\x01",
        b"GET / HTTP/9\r\n\r\n",
    ],
    ids=["no key", "another key", "two keys", "TLS", "another version"],
)
async def test_whoever_is_not_envoy_is_not_answered_and_others_are(home: Path, sent: bytes) -> None:
    async with asking(home) as (answers, reader, writer):
        other, its = await asyncio.open_unix_connection(home / SOCKET)
        its.write(sent)
        assert await other.read() == b""
        its.close()
        assert answers.asked == []
        writer.write(question())
        assert await reader.readexactly(len(too_heavy())) == too_heavy()


async def test_a_second_question_before_the_answer_ends_the_connection(home: Path) -> None:
    async with asking(home) as (answers, reader, writer):
        answers.may.clear()
        writer.write(question() + question())
        assert await reader.read() == b""
        await answers.gone
        assert len(answers.asked) <= 1


async def test_a_caller_who_goes_before_the_answer_ends_its_question(home: Path) -> None:
    async with asking(home) as (answers, _, writer):
        answers.may.clear()
        writer.write(question())
        await answers.came.wait()
        writer.close()
        await answers.gone
        assert answers.unheard_runs.empty()


async def test_an_answer_that_nobody_has_read_lets_no_call_go_on(home: Path) -> None:
    async with asking(home) as (answers, reader, writer):
        cast("asyncio.Transport", writer.transport).pause_reading()
        writer.write(question())
        await answers.came.wait()  # it is answered in the same step of the loop
        writer.transport.abort()
        assert await answers.unheard_runs.get() is RUN
        assert not await reader.read()


async def test_an_answer_that_was_read_lets_the_call_go_on_though_the_connection_ends(home: Path) -> None:
    async with asking(home) as (answers, reader, writer):
        writer.write(question())
        await reader.readexactly(len(too_heavy()))
        writer.close()
        await writer.wait_closed()
        other, its = await asyncio.open_unix_connection(home / SOCKET)
        its.write(question())  # what came before has been seen by then
        await other.readexactly(len(too_heavy()))
        assert answers.unheard_runs.empty()
        its.close()


async def test_only_this_user_comes_to_the_socket_and_the_end_ends_who_waits(home: Path) -> None:
    answers = Answering()
    answers.may.clear()
    async with answering(answers, home, key=KEY):
        assert (home / SOCKET).stat().st_mode & 0o777 == 0o600
        reader, writer = await asyncio.open_unix_connection(home / SOCKET)
        writer.write(question())
        await answers.came.wait()
    assert await reader.read() == b""
    await answers.gone
    writer.close()


@pytest.mark.parametrize("text", ["two\r\nlines", "a\nb", "a\rb"])
def test_what_would_be_read_as_another_header_is_not_said(text: str) -> None:
    run = CallRun(RUN.incoming)
    run.trailers = (("x-said", text),)
    with pytest.raises(ValueError, match="something else"):
        refused(run, CallEnded(Reason.POLICY_DENIED, "No."))


def test_envoy_takes_what_an_answer_says_and_nothing_else(tmp_path: Path) -> None:
    places = Places(tmp_path, "g", "a", "127.0.0.1:0", shown=1, key=KEY)
    manager = listener(places)["filter_chains"][0]["filters"][0]["typed_config"]
    asks = next(each for each in manager["http_filters"] if each["name"].endswith("ext_authz"))["typed_config"]
    taken = asks["http_service"]["authorization_response"]
    assert {each["exact"] for each in taken["dynamic_metadata_from_headers"]["patterns"]} == set(KEPT)
    head = refused(RUN, CallEnded(Reason.POLICY_DENIED, "No.")).decode().split("\r\n")
    names = [line.partition(":")[0] for line in head[1:-2]]
    assert head[0].split()[1] != "200"
    assert all(name.startswith(TO_CALLER) or name == "content-length" for name in names)
    assert f"grpc-status: {grpc.StatusCode.PERMISSION_DENIED.value[0]}" in head
