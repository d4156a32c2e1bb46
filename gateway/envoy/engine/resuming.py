"""Goes on with calls that Envoy has tried once, in vain: as the gateway does that makes every try itself.

Envoy sends them here by its own retry, over a socket that only it can reach, and passes on whatever they come to.
"""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import grpc

from gateway.callrun import CallRun
from gateway.core.record import Acted
from gateway.envoy.engine.carried import Carried
from gateway.envoy.engine.filters import FATE_HEADER
from gateway.envoy.engine.trying import AGAIN_SOCKET, DECISION_HEADER
from gateway.pipeline import Pipeline
from gateway.telling import answered
from gateway.upstream.making import Tried
from gateway.watching.trace_context import handling
from gateway.watching.watch import Watch

_LATE: Final = "Nobody knows here how this call has failed."


class Resuming(grpc.GenericRpcHandler):
    """Answers in place of the upstream."""

    def __init__(self, pipeline: Pipeline, watch: Watch, *, carried: Carried, key: str) -> None:
        """`key`: by which Envoy knows that an answer is from here, and leaves it as it is."""
        self._pipeline = pipeline
        self._watch = watch
        self._carried = carried
        self._key = key
        self._under_way = 0
        watch.observe_calls(lambda: self._under_way)

    def service(self, _details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """The same for every method."""
        return grpc.unary_unary_rpc_method_handler(self._serve)

    async def _serve(self, _request: bytes, context: Any) -> bytes:
        decisions = [value for name, value in context.invocation_metadata() if name == DECISION_HEADER]
        found = await self._carried.resumed(decisions[0]) if len(decisions) == 1 else None
        if found is None:  # it is settled as in doubt
            await context.abort(grpc.StatusCode.INTERNAL, _LATE)
            raise AssertionError("abort returns never")
        run, tried = found
        now = handling(run.incoming.trace)
        self._under_way += 1
        try:
            return await answered(context, run, self._resumed(run, tried, context))
        finally:
            self._under_way -= 1
            self._watch.ended(run)
            now.trace = None

    async def _resumed(self, run: CallRun, tried: Tried, context: Any) -> bytes:
        await self._begin(run, context)
        return await self._pipeline.call(run, run.request, tried=tried)

    async def _begin(self, run: CallRun, context: Any) -> None:
        """From now on Envoy waits as long as the call may take, and no longer only as long as a try."""
        try:
            await context.send_initial_metadata(((FATE_HEADER, self._key),))
        except BaseException as gone:  # its caller
            run.ended, run.acted = gone, Acted.MAYBE
            self._pipeline.settle(run)
            raise


@contextlib.asynccontextmanager
async def resuming(handler: Resuming, home: Path, *, max_message_bytes: int) -> AsyncIterator[None]:
    """Calls go on here until the block ends. `home` is the folder with all that Envoy reads."""
    options = (("grpc.max_receive_message_length", max_message_bytes), ("grpc.max_send_message_length", -1))
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"unix:{home / AGAIN_SOCKET}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)
