"""Step 7: how an admitted call reaches an upstream, with what is left of the caller's deadline."""

import time

import grpc

from gateway.adapters.upstream_calls import StreamCall
from gateway.adapters.upstreams import Metadata, failed, pairs_of, passed_on, upstream_metadata
from gateway.callrun import CallRun, forwarded, learn, learns, takes_of, timeout_s
from gateway.core.revision.compiled import Revision
from gateway.upstream_kinds import UpstreamKinds


class Forwarding:
    """Every unary call passes `unary` once, every stream `stream`, after it was admitted and before it is settled."""

    def __init__(self, upstreams: UpstreamKinds) -> None:
        self._upstreams = upstreams

    def use(self, revision: Revision) -> None:
        """Connect to the upstreams of this revision."""
        self._upstreams.use(revision.upstreams.values())

    async def unary(self, run: CallRun) -> bytes:
        """The upstream's reply.

        Raises:
            UpstreamRefused: the upstream said no, in its own words.
            CallEnded: it failed; `InDoubt` where it may have acted.
        """
        assert run.upstream is not None  # noqa: S101 - an admitted call has a route
        asked = time.perf_counter()
        call = self._upstreams.unary(run.upstream, run.incoming.method)(
            forwarded(run, takes_of(run, "request")),
            timeout=timeout_s(run, run.upstream),
            metadata=outgoing(run),
        )
        try:
            response = await call
            trailers = await call.trailing_metadata()
            run.trailers = passed_on(trailers)
            if learns(run):
                learn(run, pairs_of(await call.initial_metadata(), trailers), response)
        except grpc.aio.AioRpcError as error:
            if learns(run):
                learn(run, pairs_of(error.initial_metadata(), error.trailing_metadata()), None)
            raise failed(error, harmless=run.harmless) from error
        else:
            run.messages_in = run.messages_out = 1
            return response
        finally:
            run.upstream_us = int((time.perf_counter() - asked) * 1e6)

    def stream(self, run: CallRun) -> StreamCall:
        """Begin a stream to the upstream; its messages are still to be sent."""
        assert run.upstream is not None  # noqa: S101 - an admitted call has a route
        begin = self._upstreams.stream(run.upstream, run.incoming.method)
        return begin(timeout=timeout_s(run, run.upstream), metadata=outgoing(run))


def outgoing(run: CallRun) -> Metadata:
    """The metadata of the upstream's call."""
    agent = run.agent.name if run.agent is not None else ""
    trace = run.incoming.trace
    return upstream_metadata(
        run.incoming.pairs, decision=run.id, agent=agent, traceparent=trace.traceparent, tracestate=trace.state
    )
