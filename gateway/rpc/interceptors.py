"""What every server of ours does around its handlers: no exception leaves as anything but a status of the table."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NoReturn

import grpc

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.status import DETAILS_KEY, code_of, status_of
from gateway.watching.trace_context import TRACEPARENT, Handled, handling, parsed

_log = logging.getLogger(__name__)


async def end(context: Any, ended: CallEnded, *, trailers: tuple[tuple[str, str | bytes], ...] = ()) -> NoReturn:
    """End the call with the status of `ended`, and `trailers` beside it. Always raises grpc's abort."""
    status = status_of(ended)
    await context.abort(code_of(ended.reason), ended.message, (*trailers, (DETAILS_KEY, status.SerializeToString())))
    raise AssertionError("abort returns never")


class ErrorsToStatus(grpc.aio.ServerInterceptor):
    """Translates `CallEnded` by the table and everything else to an opaque INTERNAL, for all four call kinds.

    All four matter: a kind that is left out leaks raw exception text to its callers. What is logged meanwhile has the
    caller's trace.
    """

    async def intercept_service(
        self,
        continuation: "Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]]",
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Wrap the handler that serves the call."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        method = handler_call_details.method
        headers = dict(handler_call_details.invocation_metadata or ())
        now = handling(parsed(headers.get(TRACEPARENT)))
        codec = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(_one(handler.unary_unary, method, now), **codec)
        if handler.stream_unary:
            return grpc.stream_unary_rpc_method_handler(_one(handler.stream_unary, method, now), **codec)
        if handler.unary_stream:
            return grpc.unary_stream_rpc_method_handler(_many(handler.unary_stream, method, now), **codec)
        return grpc.stream_stream_rpc_method_handler(_many(handler.stream_stream, method, now), **codec)


def _one(serve: Any, method: str, now: Handled) -> Any:
    async def call(request: Any, context: Any) -> Any:
        try:
            return await serve(request, context)
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:
            await end(context, unexpected(error, method))
        finally:
            now.trace = None

    return call


def _many(serve: Any, method: str, now: Handled) -> Any:
    async def call(request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            answer = serve(request, context)
            if inspect.isawaitable(answer):  # it writes by itself, as that which watches health does
                await answer
                return
            async for response in answer:
                yield response
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except Exception as error:
            await end(context, unexpected(error, method))
        finally:
            now.trace = None

    return call


def unexpected(error: Exception, method: str) -> CallEnded:
    """How a call ends whose handler raised `error`: as it says, or opaquely INTERNAL with the trace in our log."""
    if isinstance(error, CallEnded):
        return error
    _log.error("a handler failed", exc_info=error, extra={"rpc.method": method})
    return CallEnded(Reason.INTERNAL, "Pilote made a mistake; it is in our log.")
