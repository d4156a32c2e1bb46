"""A vendor's reply on its way through Envoy: what the rules that let its request through take out of replies, is out.

What cannot be redacted is withheld.
"""

from collections.abc import Mapping
from typing import Final

from gateway import refusal
from gateway.adapters.upstreams import Withheld
from gateway.envoy.authorization import MARK
from gateway.envoy.fates import WITHHELD
from gateway.envoy.heads import BODY_HEADERS, headers_of, setting
from gateway.envoy.seals import Redacting
from gateway.messages.rest_replies import redacted
from gateway.rpc.http_status import body_of, http_of
from pilote.envoy import ext_proc_mode_pb2, ext_proc_pb2

Answer = ext_proc_pb2.ProcessingResponse
_OF_THE_REPLY: Final = (*BODY_HEADERS, "etag", "accept-ranges")
"""Headers that say something of the body as the vendor has sent it."""
EVERYTHING: Final = Redacting(paths=(), max_bytes=0, passes_others=False)
"""Of a reply of which nobody can say what must be taken out of it."""


class Reply:
    """One reply on its way through Envoy."""

    def __init__(self, redacting: Redacting | None, head: ext_proc_pb2.HttpHeaders) -> None:
        self._ends = head.end_of_stream
        headers = headers_of(head)
        self._status = int(headers[":status"]) if headers.get(":status", "").isdecimal() else 200
        self._headers: Mapping[str, str] = headers
        # Where the mark comes without what was sealed, Envoy is not told to show its metadata.
        self._redacting = EVERYTHING if redacting is None and MARK in headers else redacting

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
        answer.response_body.response.header_mutation.remove_headers.extend(_OF_THE_REPLY)
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
            headers=ext_proc_pb2.HeaderMutation(set_headers=setting({"content-type": "application/json"})),
            body=body_of(ended).encode(),
            details=f"{WITHHELD}_{status}",
        )
    )
