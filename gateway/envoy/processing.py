"""Envoy's `ext_proc`: takes out of a request, and of its reply, what the rules that let it through take out of them.

What is to be taken out was sealed into Envoy's metadata by the gateway that decided: any gateway can do it, and by that
decision.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from gateway.envoy import replies, requests
from gateway.envoy.access_log import FILTER
from gateway.envoy.authorization import SEAL
from gateway.envoy.doors import Doors, carries_grpc
from gateway.envoy.engine.redacting import Redacting
from gateway.envoy.replies import Answer, Reply
from gateway.envoy.requests import Request
from gateway.envoy.seals import Admitted, Seals
from gateway.rpc.interceptors import end, unexpected
from pilote.envoy import ext_proc_pb2, ext_proc_pb2_grpc

PROCESS: Final = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"


class Processing(ext_proc_pb2_grpc.ExternalProcessorServicer):
    """Redacts requests that were let through, and the replies to them."""

    def __init__(self, *, seals: Seals, doors: Doors, redacting: Redacting | None = None) -> None:
        """`redacting` answers about calls of agents, where this gateway has an Envoy that carries them."""
        self._redacting = redacting
        self._seals = seals
        self._doors = doors

    async def Process(  # noqa: N802
        self, request_iterator: AsyncIterator[ext_proc_pb2.ProcessingRequest], context: Any
    ) -> AsyncIterator[ext_proc_pb2.ProcessingResponse]:
        """Answer what Envoy asks of one request. Ends as AGENT_UNAUTHENTICATED where it is not Envoy that asks."""
        await self._doors.look(context)
        try:
            calls = self._redacting if carries_grpc(context) else None
            answers = self._answers(request_iterator) if calls is None else calls.answers(request_iterator)
            async for answer in answers:
                yield answer
        except Exception as error:  # Envoy then answers by itself, and passes nothing on
            await end(context, unexpected(error, PROCESS))

    async def _answers(
        self, request_iterator: AsyncIterator[ext_proc_pb2.ProcessingRequest]
    ) -> AsyncIterator[ext_proc_pb2.ProcessingResponse]:
        request: Request | None = None
        reply: Reply | None = None
        async for asked in request_iterator:
            match asked.WhichOneof("request"):
                case "request_headers":
                    request = self._request(asked)
                    yield request.begun()
                case "request_body" if request is not None:
                    yield request.whole(asked.request_body)
                case "request_body":  # of a request whose head we were not shown
                    yield requests.withheld(language="en")
                case "response_headers":
                    reply = self._reply(asked)
                    yield reply.begun()
                case "response_body" if reply is not None:
                    yield reply.whole(asked.response_body)
                case "request_trailers":
                    yield Answer(request_trailers=ext_proc_pb2.TrailersResponse())
                case "response_trailers":
                    yield Answer(response_trailers=ext_proc_pb2.TrailersResponse())
                case _:  # the body of a reply whose head we were not shown
                    yield replies.withheld(200, language="en")

    def _request(self, asked: ext_proc_pb2.ProcessingRequest) -> Request:
        sealed, admitted = self._sealed(asked)
        unreadable = requests.UNREADABLE if sealed else None
        return Request(unreadable if admitted is None else admitted.reducing, asked.request_headers)

    def _reply(self, asked: ext_proc_pb2.ProcessingRequest) -> Reply:
        sealed, admitted = self._sealed(asked)
        unreadable = replies.EVERYTHING if sealed else None
        return Reply(unreadable if admitted is None else admitted.redacting, asked.response_headers)

    def _sealed(self, asked: ext_proc_pb2.ProcessingRequest) -> tuple[bool, Admitted | None]:
        """Whether there is a seal, as there is where a request was let through; and what is in it, if it is ours."""
        said = asked.metadata_context.filter_metadata
        if FILTER not in said or SEAL not in said[FILTER].fields:
            return False, None
        return True, self._seals.open(said[FILTER].fields[SEAL].string_value)
