"""Who asks: each agent's request ids are its own, whatever another one calls its requests."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final

import grpc

AGENT: Final = "pilote-agent"
"""By this the gateway says which agent asks; what callers write there it does not pass on."""
_asker: Final[ContextVar[str]] = ContextVar("asker", default="")


class Asking(grpc.aio.ServerInterceptor):
    """Notes who asks, for the handler that serves the call, which runs in the same task."""

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Note it, and go on."""
        headers = dict(handler_call_details.invocation_metadata or ())
        _asker.set(str(headers.get(AGENT, "")))
        return await continuation(handler_call_details)


def own(request_id: str) -> str:
    """The id as it is remembered, under the name of who asks; as it is where nobody says who does."""
    asker = _asker.get()
    return f"{asker}\n{request_id}" if (asker and request_id) or "\n" in request_id else request_id


def said(own_id: str) -> str:
    """The id as its agent knows it."""
    return own_id.partition("\n")[2] if "\n" in own_id else own_id
