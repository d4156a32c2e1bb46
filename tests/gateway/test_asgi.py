"""gRPC over ASGI: every call ends with the status that it has coming, whatever comes and whoever goes."""

import asyncio
import urllib.parse
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import code_pb2

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.asgi import GrpcOverAsgi, Method
from gateway.rpc.framing import Frames, framed
from gateway.rpc.interceptors import end
from gateway.rpc.status import DETAILS_KEY

MOST = 1_000


class Called:
    """One call of the app, as an ASGI server makes it: what it says, and what it is told."""

    def __init__(self, *pieces: bytes, more: bool = False, **headers: str) -> None:
        self._pieces, self._more = list(pieces), more
        sent = {"content-type": "application/grpc"} | {name.replace("_", "-"): value for name, value in headers.items()}
        self.headers = [(name.encode(), value.encode()) for name, value in sent.items()]
        self.told: list[dict[str, Any]] = []
        self.gone = False
        self.taken, self.leaves = asyncio.Event(), asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if not self._pieces:
            self.taken.set()
            await self.leaves.wait()
            return {"type": "http.disconnect"}
        piece = self._pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": self._more or bool(self._pieces)}

    async def send(self, event: Any) -> None:
        if self.gone:
            raise OSError
        self.told.append(event)

    async def through(self, app: GrpcOverAsgi, path: str = "/t/One", *, verb: str = "POST") -> "Called":
        scope = {"type": "http", "method": verb, "path": path, "headers": self.headers}
        await app(scope, self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(dict(self.told[-1]["headers"])[b"grpc-status"])

    @property
    def text(self) -> str:
        return urllib.parse.unquote(dict(self.told[-1]["headers"]).get(b"grpc-message", b"").decode())

    @property
    def messages(self) -> list[str]:
        frames = Frames(max_bytes=MOST)
        body = b"".join(event.get("body", b"") for event in self.told if event["type"] == "http.response.body")
        return [StringValue.FromString(each).value for each in frames.feed(body)]


class Servicer:
    """Four ways to answer."""

    def __init__(self) -> None:
        self.cancelled: list[bool] = []
        self.begun = asyncio.Event()

    async def one(self, request: Any, context: Any) -> Any:
        context.add_done_callback(lambda over: self.cancelled.append(over.cancelled()))
        match request.value:
            case "refuse":
                await end(context, CallEnded(Reason.POLICY_DENIED, "Non : c’est défendu, à 100 %."))
            case "fail":
                raise OSError("a secret of ours")
            case "hang":
                self.begun.set()
                await asyncio.Event().wait()
        return StringValue(value=f"{request.value} {dict(context.invocation_metadata()).get('x-a', '')}".strip())

    async def count(self, requests: AsyncIterator[Any], _: Any) -> Any:
        self.begun.set()
        return StringValue(value=",".join([each.value async for each in requests]))

    async def each(self, requests: AsyncIterator[Any], _: Any) -> Any:
        async for request in requests:
            yield StringValue(value=request.value.upper())


@pytest.fixture
def servicer() -> Servicer:
    return Servicer()


@pytest.fixture
def app(servicer: Servicer) -> GrpcOverAsgi:
    methods = {
        "/t/One": Method(servicer.one, StringValue),
        "/t/Count": Method(servicer.count, StringValue, streams_in=True),
        "/t/Each": Method(servicer.each, StringValue, streams_in=True, streams_out=True),
    }
    return GrpcOverAsgi(methods, max_message_bytes=MOST)


def said(*texts: str) -> Sequence[bytes]:
    return [framed(StringValue(value=text).SerializeToString()) for text in texts]


async def test_a_call_is_answered_by_its_message_and_good_trailers(app: GrpcOverAsgi, servicer: Servicer) -> None:
    (body,) = said("hello")
    for pieces in ((body,), (body[:3], body[3:]), (body, b"")):
        called = await Called(*pieces, x_a="there").through(app)
        assert (called.messages, called.status) == (["hello there"], code_pb2.OK)
        assert [event["type"].rpartition(".")[2] for event in called.told] == ["start", "body", "trailers"]
    assert servicer.cancelled == [False, False, False]
    assert app.in_flight == 0


async def test_streams_of_requests_are_answered_once_or_each(app: GrpcOverAsgi) -> None:
    counted = await Called(*said("a", "b"), b"").through(app, "/t/Count")
    assert (counted.messages, counted.status) == (["a,b"], code_pb2.OK)
    each = await Called(*said("a", "b"), b"").through(app, "/t/Each")
    assert (each.messages, each.status) == (["A", "B"], code_pb2.OK)
    none = await Called(b"").through(app, "/t/Each")
    assert (none.messages, none.status) == ([], code_pb2.OK)


async def test_what_is_no_call_gets_the_status_of_that(app: GrpcOverAsgi) -> None:
    (body,) = said("hello")
    wanted = {
        "too large": (Called(b"\0" + (MOST + 1).to_bytes(4, "big")), code_pb2.RESOURCE_EXHAUSTED),
        "too large, in pieces": (Called(b"\0" + (MOST + 1).to_bytes(4, "big"), more=True), code_pb2.RESOURCE_EXHAUSTED),
        "broken off": (Called(body[:-1]), code_pb2.INTERNAL),
        "compressed": (Called(b"\1" + body[1:], grpc_encoding="gzip"), code_pb2.UNIMPLEMENTED),
        "none": (Called(b""), code_pb2.UNIMPLEMENTED),
        "two": (Called(body + body), code_pb2.UNIMPLEMENTED),
        "another message": (Called(framed(b"\xff")), code_pb2.INTERNAL),
        "no timeout": (Called(body, grpc_timeout="soon"), code_pb2.INTERNAL),
        "no metadata": (Called(body, x_bin="?"), code_pb2.INTERNAL),
    }
    assert {name: (await called.through(app)).status for name, (called, _) in wanted.items()} == {
        name: code for name, (_, code) in wanted.items()
    }
    assert (await Called(body).through(app, "/t/Other")).status == code_pb2.UNIMPLEMENTED
    broken = await Called(*said("a"), body[:4]).through(app, "/t/Count")
    assert broken.status == code_pb2.INTERNAL
    assert app.in_flight == app.streams == 0


async def test_what_is_not_grpc_gets_the_status_that_http_has_for_it(app: GrpcOverAsgi) -> None:
    (body,) = said("hello")
    for called, verb, status in (
        (Called(body, content_type="application/json"), "POST", 415),
        (Called(body, content_type="application/grpc+json"), "POST", 415),
        (Called(), "GET", 405),
    ):
        await called.through(app, verb=verb)
        assert called.told[0]["status"] == status
        assert len(called.told) == 2


async def test_refusals_come_with_their_details_and_mistakes_of_ours_say_nothing(app: GrpcOverAsgi) -> None:
    refused = await Called(*said("refuse")).through(app)
    assert (refused.status, refused.text) == (code_pb2.PERMISSION_DENIED, "Non : c’est défendu, à 100 %.")
    assert DETAILS_KEY.encode() in dict(refused.told[-1]["headers"])
    failed = await Called(*said("fail")).through(app)
    assert failed.status == code_pb2.INTERNAL
    assert "secret" not in str(failed.told)


async def test_a_call_that_takes_too_long_is_told_so(app: GrpcOverAsgi, servicer: Servicer) -> None:
    late = await Called(*said("hang"), grpc_timeout="1m").through(app)
    assert late.status == code_pb2.DEADLINE_EXCEEDED
    in_time = await Called(*said("hello"), grpc_timeout="1H").through(app)
    assert in_time.status == code_pb2.OK
    assert servicer.cancelled == [False, False]


async def test_whose_caller_has_gone_is_told_that_nobody_had_the_answer(app: GrpcOverAsgi, servicer: Servicer) -> None:
    called = Called(*said("hello"))
    called.gone = True
    await called.through(app)
    assert (called.told, servicer.cancelled) == ([], [True])
    left = Called(b"\0\0", more=True)
    left.leaves.set()
    await left.through(app)
    assert left.told == []
    assert app.in_flight == 0


async def test_streams_end_when_told_with_what_has_come(app: GrpcOverAsgi, servicer: Servicer) -> None:
    called = Called(*said("a", "b"), more=True)
    serving = asyncio.ensure_future(called.through(app, "/t/Count"))
    await servicer.begun.wait()
    assert (app.streams, app.in_flight) == (1, 1)
    await called.taken.wait()
    app.end_streams()
    await app.idle()
    await serving
    assert (called.messages, called.status) == (["a,b"], code_pb2.OK)
