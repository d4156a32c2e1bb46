"""An admitted request on its way through Envoy: what the rules that let it through take out of requests, is out.

Until that is done, it has nowhere to go: the gateway that decided has named no upstream. So what nobody takes anything
out of reaches none, whatever goes wrong between Envoy and the gateways.
"""

from typing import Final

from gateway import refusal
from gateway.core.errors import CallEnded
from gateway.envoy.fates import REQUEST_WITHHELD
from gateway.envoy.heads import BODY_HEADERS, UPSTREAM_HEADER, headers_of, setting
from gateway.envoy.seals import Reducing
from gateway.messages.rest_redacted_requests import RequestWithheld, reduced, reduced_path
from gateway.rpc.http_status import body_of, http_of
from pilote.envoy import ext_proc_mode_pb2, ext_proc_pb2

Answer = ext_proc_pb2.ProcessingResponse
UNREADABLE: Final = Reducing(upstream="")
"""Of a request of which nobody can say what must be taken out of it."""


class Request:
    """One request."""

    def __init__(self, reducing: Reducing | None, head: ext_proc_pb2.HttpHeaders) -> None:
        """`reducing` is what was sealed; `None` where nothing is to be taken out."""
        self._reducing = reducing
        self._ends = head.end_of_stream
        headers = headers_of(head)
        self._says_length = "content-length" in headers
        self._path = headers.get(":path", "")

    def begun(self) -> ext_proc_pb2.ProcessingResponse:
        """What becomes of it, now that its head is there: Envoy sends it on, or waits for all of its body."""
        answer = Answer(request_headers=ext_proc_pb2.HeadersResponse())
        if self._reducing is None:
            return answer
        if not self._may_go_on():
            return withheld(language=self._reducing.language)
        if not self._reducing.paths:
            common = answer.request_headers.response
            common.header_mutation.set_headers.extend(setting({UPSTREAM_HEADER: self._reducing.upstream}))
            common.clear_route_cache = True
            return answer
        answer.mode_override.request_body_mode = ext_proc_mode_pb2.ProcessingMode.BUFFERED
        answer.mode_override.response_header_mode = ext_proc_mode_pb2.ProcessingMode.SKIP
        return answer

    def whole(self, body: ext_proc_pb2.HttpBody) -> ext_proc_pb2.ProcessingResponse:
        """The body without what is to be taken out, and where it may go."""
        answer = Answer(request_body=ext_proc_pb2.BodyResponse())
        if self._reducing is None:
            return answer
        try:
            found = reduced(body.body, self._reducing.paths)
        except CallEnded:
            return withheld(language=self._reducing.language)
        common = answer.request_body.response
        common.body_mutation.body = found
        # In one piece with the body: an Envoy that refuses to change the headers so keeps the request from going on.
        headers = {UPSTREAM_HEADER: self._reducing.upstream}
        if self._says_length:
            headers["content-length"] = str(len(found))
        common.header_mutation.set_headers.extend(setting(headers))
        common.header_mutation.remove_headers.extend(BODY_HEADERS)
        common.clear_route_cache = True
        return answer

    def _may_go_on(self) -> bool:
        """Whether its head is as whoever decided about it has told Envoy to change it."""
        assert self._reducing is not None  # noqa: S101 - else it is not asked
        if not self._reducing.upstream or (self._reducing.paths and self._ends):  # it had a body when it was decided
            return False
        try:
            return reduced_path(self._path, self._reducing.query) == self._path
        except CallEnded:
            return False


def withheld(*, language: str) -> ext_proc_pb2.ProcessingResponse:
    """The answer to a request out of which something cannot be taken, so that it does not go on."""
    ended = refusal.in_language(RequestWithheld(), language)
    return Answer(
        immediate_response=ext_proc_pb2.ImmediateResponse(
            status={"code": http_of(ended)},  # type: ignore[arg-type]
            headers=ext_proc_pb2.HeaderMutation(set_headers=setting({"content-type": "application/json"})),
            body=body_of(ended).encode(),
            details=REQUEST_WITHHELD,
        )
    )
