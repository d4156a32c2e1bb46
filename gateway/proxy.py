"""The in-process engine: generic handlers on raw bytes, for all four call kinds.

The agent keeps its stub and changes the address; messages are never decoded and encoded again on their way through.
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import grpc

from gateway.adapters.upstreams import Metadata
from gateway.callrun import CallRun, Incoming
from gateway.pipeline import Pipeline
from gateway.streams import NeverCame, StreamRun
from gateway.telling import answered, tell
from gateway.trailers import own
from gateway.watching.trace_context import handling
from gateway.watching.watch import Watch

OWN_SERVICES: Final = ("/grpc.health.", "/grpc.reflection.", "/pilote.decision.")
"""Served by the gateway itself; everything else is an agent's call."""


class Proxy(grpc.GenericRpcHandler):
    """Hands every call to the pipeline and its answer to the caller."""

    def __init__(self, pipeline: Pipeline, watch: Watch, *, trace_ratio: float, also_own: tuple[str, ...] = ()) -> None:
        """`also_own`: beginnings of further methods that the gateway serves itself."""
        self._own = OWN_SERVICES + also_own
        self._pipeline = pipeline
        self._watch = watch
        self._trace_ratio = trace_ratio
        self._handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {}
        self._without_message: set[asyncio.Task[Any]] = set()
        self.in_flight = 0
        """Calls that have begun and not ended; a stream is one."""
        watch.observe_calls(lambda: self.in_flight)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method. One that nobody described is refused by the pipeline, as any kind of call."""
        method = handler_call_details.method
        if method.startswith(self._own):
            return None
        revision = self._pipeline.revision
        policy = revision.methods.get(method) if revision is not None else None
        if policy is None:
            return grpc.stream_stream_rpc_method_handler(self._streaming(method))
        handler = self._handlers.get(method)
        if handler is None:
            streaming = policy.contract.client_streaming or policy.contract.server_streaming
            handler = (
                grpc.stream_stream_rpc_method_handler(self._streaming(method))
                if streaming
                else grpc.unary_unary_rpc_method_handler(self._unary(method))
            )
            self._handlers[method] = handler
        if handler.unary_unary:
            self._await_message(handler_call_details)
        return handler

    def _await_message(self, details: grpc.HandlerCallDetails) -> None:
        """Leave a record of a unary call whose message never comes, because it was cancelled or is too large.

        grpc then ends the call by itself and never runs the handler; but it asks for the handler in the task that the
        call lives in, and that task ends with it.
        """
        task = asyncio.current_task()
        if task is not None:
            self._without_message.add(task)
            task.add_done_callback(functools.partial(self._message_never_came, details))

    def _message_came(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._without_message.discard(task)

    def _message_never_came(self, details: grpc.HandlerCallDetails, task: asyncio.Task[Any]) -> None:
        if task not in self._without_message:
            return
        self._without_message.discard(task)
        pairs = tuple(details.invocation_metadata or ())
        run = self._run(details.method, pairs, time_remaining=lambda: None)
        self._pipeline.never_came(run, NeverCame())
        self._watch.ended(run)

    def forget_kinds(self) -> None:
        """Look the methods' kinds up anew: another revision may describe them differently."""
        self._handlers.clear()

    def _unary(self, method: str) -> Callable[[bytes, Any], Any]:
        async def serve(request: bytes, context: Any) -> bytes:
            self._message_came()
            run = self._begin(method, context)
            now = handling(run.incoming.trace)
            self.in_flight += 1
            try:
                return await answered(context, run, self._pipeline.call(run, request))
            finally:
                self.in_flight -= 1
                self._watch.ended(run)
                now.trace = None

        return serve

    def _streaming(self, method: str) -> Callable[[AsyncIterator[bytes], Any], Any]:
        async def serve(requests: AsyncIterator[bytes], context: Any) -> None:
            run = self._begin(method, context)
            now = handling(run.incoming.trace)
            stream = StreamRun(self._pipeline, run, over=context.done)
            self.in_flight += 1
            try:
                async with contextlib.aclosing(stream.responses(requests)) as responses:
                    async for response in responses:
                        await context.write(response)
            except asyncio.CancelledError:
                raise
            except grpc.aio.InternalError as error:  # grpc has ended the call by itself, and the caller has been told
                raise asyncio.CancelledError from error
            except Exception as error:
                await tell(context, run, error)
            else:
                context.set_trailing_metadata(own(run))
            finally:
                self.in_flight -= 1
                self._watch.ended(run)
                for message in stream.decided:
                    self._watch.counted(message)
                now.trace = None

        return serve

    def _begin(self, method: str, context: Any) -> CallRun:
        return self._run(method, tuple(context.invocation_metadata()), time_remaining=context.time_remaining)

    def _run(self, method: str, pairs: Metadata, *, time_remaining: Callable[[], float | None]) -> CallRun:
        return CallRun(Incoming.of(method, pairs, time_remaining=time_remaining, trace_ratio=self._trace_ratio))
