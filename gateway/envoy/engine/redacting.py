"""The messages of a call that Envoy carries, without what the rules take out of them: what `ext_proc` asks for.

They are redacted by what was decided of the call, which is still under way here, as the gateway itself redacts.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Final

from gateway import refusal
from gateway.adapters.upstreams import Metadata, Withheld, passed_on
from gateway.callrun import CallRun
from gateway.core.record import Acted
from gateway.envoy.access_log import FILTER
from gateway.envoy.engine.carried import Carried
from gateway.envoy.engine.filters import CALL, FATE_HEADER
from gateway.passing import forwarded, redacted_reply, takes_of
from gateway.rpc.framing import Frames, Misframed, framed, metadata_of, only_message, only_of, trailers_of
from gateway.rpc.status import DETAILS_KEY, code_of, status_of
from gateway.trailers import own
from pilote.envoy import core_pb2, ext_proc_pb2

PIECE_BYTES: Final = 256 * 1024
"""Longest piece of a reply that Envoy is sent at a time."""
_APPEND: Final = core_pb2.HeaderValueOption.APPEND_IF_EXISTS_OR_ADD
Answer = ext_proc_pb2.ProcessingResponse
Asked = ext_proc_pb2.ProcessingRequest


class Redacting:
    """Answers what Envoy asks of one call after the other."""

    def __init__(self, carried: Carried, *, key: str) -> None:
        """`key`: by which an answer is known that the gateway itself has made, and redacted."""
        self._carried = carried
        self._key = key.encode()

    async def answers(self, asking: AsyncIterator[Asked]) -> AsyncIterator[Answer]:
        """What becomes of the messages of one call, until the last of them, or until the call is over.

        Envoy does not tell a worker that it asks no more.

        Raises:
            LookupError: it is none that is under way here.
        """
        run: CallRun | None = None
        reply, own, coming = _Reply(), False, aiter(asking)
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        while (asked := await _next(coming, over)) is not None:
            own = own or _value(asked.response_headers.headers, FATE_HEADER) == self._key
            if run is None and not own:
                run = self._run(asked)
                over = self._carried.over(run.id)
            if own or run is None:
                yield _as_it_is(asked)
            elif asked.HasField("request_headers"):
                yield Answer(request_headers=ext_proc_pb2.HeadersResponse())
            elif asked.HasField("request_body"):
                yield _request(run, asked.request_body.body)
                if not takes_of(run, "reply"):
                    return
            else:
                for answer in reply.answers(run, asked):
                    yield answer
            if _is_last(asked):
                return

    def _run(self, asked: Asked) -> CallRun:
        said = asked.metadata_context.filter_metadata
        run = self._carried.of(said[FILTER].fields[CALL].string_value) if FILTER in said else None
        if run is None:
            raise LookupError("Envoy asks of a call that is not under way here.")
        return run


async def _next(coming: AsyncIterator[Asked], over: asyncio.Future[None]) -> Asked | None:
    """What Envoy asks next; `None` where nothing more comes, or the call is over."""

    async def asked() -> Asked | None:
        return await anext(coming, None)

    task = asyncio.ensure_future(asked())
    try:
        await asyncio.wait((task, over), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        task.cancel()


def _is_last(asked: Asked) -> bool:
    """Whether nothing comes after that piece of a reply."""
    return (
        asked.HasField("response_trailers") or asked.response_headers.end_of_stream or asked.response_body.end_of_stream
    )


def _as_it_is(asked: Asked) -> Answer:
    """Of an answer that the gateway has made itself."""
    match asked.WhichOneof("request"):
        case "response_body":
            return _piece(asked.response_body.body, ends=asked.response_body.end_of_stream)
        case "response_trailers":
            return _TAIL
        case _:
            return _HEAD


def _request(run: CallRun, body: bytes) -> Answer:
    only_message(body, Frames(max_bytes=len(body)))  # it was decided about as one, or it is not passed on
    answer = Answer(request_body=ext_proc_pb2.BodyResponse())
    answer.request_body.response.body_mutation.body = framed(forwarded(run, takes_of(run, "request")))
    return answer


class _Reply:
    """A reply that comes piece by piece, and goes on when all of it is there."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._headers: Metadata = ()
        self._grpc = False

    def answers(self, run: CallRun, asked: Asked) -> Iterator[Answer]:
        """What Envoy is told, now that this piece has come; mostly nothing yet."""
        match asked.WhichOneof("request"):
            case "response_headers":
                head = asked.response_headers
                self._grpc = not head.end_of_stream and _value(head.headers, ":status") == b"200"
                if head.end_of_stream:  # it says how the call has ended, and has no message
                    yield _HEAD
            case "response_body":
                self._body += asked.response_body.body
                if asked.response_body.end_of_stream:  # without a status, which no caller takes for an answer
                    yield from (_HEAD, _piece(b"", ends=True))
            case "response_trailers":
                yield from self._whole(run, asked.response_trailers.trailers)
            case _:
                raise LookupError("Envoy asks of something that it was not to show.")

    def _whole(self, run: CallRun, trailers: core_pb2.HeaderMap) -> Iterator[Answer]:
        answered = self._grpc and _value(trailers, "grpc-status") == b"0"
        try:
            body = _redacted(run, bytes(self._body)) if answered else b""  # what goes before a refusal nobody reads
        except Withheld as ended:
            run.ended, run.acted = ended, Acted.YES
            pairs = metadata_of([(each.key.encode(), each.raw_value) for each in trailers.headers])
            run.trailers = passed_on(pairs)
            yield _withheld(run, ended)
            return
        yield _HEAD
        for start in range(0, len(body), PIECE_BYTES):
            yield _piece(body[start : start + PIECE_BYTES])
        yield _TAIL


_HEAD: Final = Answer(response_headers=ext_proc_pb2.HeadersResponse())
_TAIL: Final = Answer(response_trailers=ext_proc_pb2.TrailersResponse())


def _piece(body: bytes, *, ends: bool = False) -> Answer:
    answer = Answer(response_body=ext_proc_pb2.BodyResponse())
    sent = answer.response_body.response.body_mutation.streamed_response
    sent.body, sent.end_of_stream = body, ends
    return answer


def _redacted(run: CallRun, body: bytes) -> bytes:
    """The one message of a reply as its caller gets it, in its frame; nothing where there is none.

    Raises:
        Withheld: nobody can say what is in it.
    """
    if not body:
        return b""
    try:
        frames = Frames(max_bytes=len(body))
        messages = list(frames.feed(body))
        frames.end()
        return framed(redacted_reply(run, only_of(messages)))
    except Misframed as error:
        raise Withheld from error


def _withheld(run: CallRun, ended: Withheld) -> Answer:
    """What the caller gets in place of the reply, as the gateway itself would say it."""
    said = refusal.in_language(ended, run.incoming.language)
    details = (DETAILS_KEY, status_of(said).SerializeToString())
    answer = Answer(immediate_response=ext_proc_pb2.ImmediateResponse())
    answer.immediate_response.status.code = 200  # gRPC's own
    pairs = trailers_of(code_of(said.reason).value[0], said.message, (details, *own(run)))
    for name, value in pairs:
        header = answer.immediate_response.headers.set_headers.add(append_action=_APPEND).header
        header.key, header.raw_value = name.decode(), value
    return answer


def _value(headers: core_pb2.HeaderMap, name: str) -> bytes:
    return next((each.raw_value for each in headers.headers if each.key == name), b"")
