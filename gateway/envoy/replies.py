"""Envoy's `ext_proc`: takes out of a vendor's replies what the rules that let the request through take out of replies.

What is to be taken out was sealed into Envoy's metadata by the gateway that decided: any gateway can do it, and by that
decision. What cannot be redacted is withheld.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from gateway import refusal
from gateway.adapters.upstreams import Withheld
from gateway.envoy.access_log import FILTER
from gateway.envoy.authorization import MARK, SEAL
from gateway.envoy.doors import Doors
from gateway.envoy.fates import WITHHELD
from gateway.envoy.seals import Redacting, Seals
from gateway.messages.rest_replies import redacted
from gateway.rpc.http_status import body_of, http_of
from gateway.rpc.interceptors import end, unexpected
from pilote.envoy import core_pb2, ext_proc_mode_pb2, ext_proc_pb2, ext_proc_pb2_grpc

PROCESS: Final = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
Answer = ext_proc_pb2.ProcessingResponse
_OF_THE_BODY: Final = ("content-digest", "content-md5", "digest", "repr-digest", "etag", "accept-ranges")
"""Headers that say something of the body as the vendor has sent it."""
_OVERWRITE: Final = core_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
_EVERYTHING: Final = Redacting(paths=(), max_bytes=0, passes_others=False)
"""Of a reply of which nobody can say what must be taken out of it."""


class Replies(ext_proc_pb2_grpc.ExternalProcessorServicer):
    """Redacts the replies of requests that were let through."""

    def __init__(self, *, seals: Seals, doors: Doors) -> None:
        self._seals = seals
        self._doors = doors

    async def Process(  # noqa: N802
        self, request_iterator: AsyncIterator[ext_proc_pb2.ProcessingRequest], context: Any
    ) -> AsyncIterator[ext_proc_pb2.ProcessingResponse]:
        """Answer what Envoy asks of one reply. Ends as AGENT_UNAUTHENTICATED where it is not Envoy that asks."""
        await self._doors.look(context)
        try:
            async for answer in self._answers(request_iterator):
                yield answer
        except Exception as error:  # Envoy then answers by itself, without the reply
            await end(context, unexpected(error, PROCESS))

    async def _answers(
        self, request_iterator: AsyncIterator[ext_proc_pb2.ProcessingRequest]
    ) -> AsyncIterator[ext_proc_pb2.ProcessingResponse]:
        reply: _Reply | None = None
        async for request in request_iterator:
            match request.WhichOneof("request"):
                case "response_headers":
                    reply = _Reply(self._sealed(request), request.response_headers)
                    yield reply.begun()
                case "response_body" if reply is not None:
                    yield reply.whole(request.response_body)
                case "request_headers":
                    yield Answer(request_headers=ext_proc_pb2.HeadersResponse())
                case "request_body":
                    yield Answer(request_body=ext_proc_pb2.BodyResponse())
                case "request_trailers":
                    yield Answer(request_trailers=ext_proc_pb2.TrailersResponse())
                case "response_trailers":
                    yield Answer(response_trailers=ext_proc_pb2.TrailersResponse())
                case _:  # the body of a reply whose head we were not shown
                    yield withheld(200, language="en")

    def _sealed(self, request: ext_proc_pb2.ProcessingRequest) -> Redacting | None:
        """What is to be taken out; `None` where nothing is, or nobody has let a request through."""
        said = request.metadata_context.filter_metadata
        if FILTER not in said or SEAL not in said[FILTER].fields:
            return None
        admitted = self._seals.open(said[FILTER].fields[SEAL].string_value)
        return _EVERYTHING if admitted is None else admitted.redacting


class _Reply:
    """One reply on its way through Envoy."""

    def __init__(self, redacting: Redacting | None, head: ext_proc_pb2.HttpHeaders) -> None:
        self._ends = head.end_of_stream
        headers = {each.key.lower(): _value(each) for each in head.headers.headers}
        self._status = int(headers[":status"]) if headers.get(":status", "").isdecimal() else 200
        self._headers: Mapping[str, str] = headers
        # Where the mark comes without what was sealed, Envoy is not told to show its metadata.
        self._redacting = _EVERYTHING if redacting is None and MARK in headers else redacting

    def begun(self) -> ext_proc_pb2.ProcessingResponse:
        """What becomes of it, now that its head is there: Envoy passes it on, or waits for all of its body."""
        passed = Answer(response_headers=ext_proc_pb2.HeadersResponse())
        if MARK in self._headers:
            passed.response_headers.response.header_mutation.remove_headers.append(MARK)
        if self._redacting is None or self._ends:
            return passed
        if self._other():
            return passed if self._redacting.passes_others else self._withheld()
        length = self._headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._redacting.max_bytes:
            return self._withheld()
        # Envoy refuses another body under a length that it was told of before.
        passed.response_headers.response.header_mutation.remove_headers.append("content-length")
        passed.mode_override.response_body_mode = ext_proc_mode_pb2.ProcessingMode.BUFFERED
        passed.mode_override.response_header_mode = ext_proc_mode_pb2.ProcessingMode.SEND
        return passed

    def whole(self, body: ext_proc_pb2.HttpBody) -> ext_proc_pb2.ProcessingResponse:
        """The body without what is to be taken out."""
        answer = Answer(response_body=ext_proc_pb2.BodyResponse())
        if self._redacting is None or not body.body:
            return answer
        if len(body.body) > self._redacting.max_bytes:
            return self._withheld()
        try:
            found = redacted(body.body, self._redacting.paths)
        except ValueError:
            return self._withheld()
        answer.response_body.response.body_mutation.body = found
        answer.response_body.response.header_mutation.remove_headers.extend(_OF_THE_BODY)
        return answer

    def _other(self) -> bool:
        """Whether it is no JSON, or not as it is."""
        kind = self._headers.get("content-type", "").partition(";")[0].strip().lower()
        encoding = self._headers.get("content-encoding", "identity").strip().lower()
        json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
        return not json or encoding not in ("", "identity")

    def _withheld(self) -> ext_proc_pb2.ProcessingResponse:
        assert self._redacting is not None  # noqa: S101 - else nothing is withheld
        return withheld(self._status, language=self._redacting.language)


def withheld(status: int, *, language: str) -> ext_proc_pb2.ProcessingResponse:
    """A reply in place of one that cannot be redacted. A failure keeps its status: it says what its caller can do."""
    ended = refusal.in_language(Withheld(), language)
    failed = status >= 400
    return Answer(
        immediate_response=ext_proc_pb2.ImmediateResponse(
            status={"code": status if failed else http_of(ended)},  # type: ignore[arg-type]
            headers=ext_proc_pb2.HeaderMutation(set_headers=_set([("content-type", "application/json")])),
            body=body_of(ended).encode(),
            details=f"{WITHHELD}_{status}",
        )
    )


def _set(pairs: Iterable[tuple[str, str]]) -> list[core_pb2.HeaderValueOption]:
    return [
        core_pb2.HeaderValueOption(
            header=core_pb2.HeaderValue(key=name, raw_value=value.encode()), append_action=_OVERWRITE
        )
        for name, value in pairs
    ]


def _value(header: core_pb2.HeaderValue) -> str:
    return header.raw_value.decode(errors="replace") or header.value
