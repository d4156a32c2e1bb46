"""One try to have a call answered: what the upstream gets, and what is remembered of what it says."""

from typing import Any

import grpc

from gateway.adapters.upstream_calls import UnaryCall
from gateway.adapters.upstreams import Metadata, pairs_of, passed_on, upstream_metadata
from gateway.callrun import CallRun, elapsed_us
from gateway.core.record import Attempt
from gateway.passing import learn, learns


def outgoing(run: CallRun) -> Metadata:
    """The metadata of the upstream's call."""
    agent = run.agent.name if run.agent is not None else ""
    trace = run.incoming.trace
    return upstream_metadata(
        run.incoming.pairs, decision=run.id, agent=agent, traceparent=trace.traceparent, tracestate=trace.state
    )


async def answered(run: CallRun, call: UnaryCall, response: bytes) -> None:
    """Remember what the upstream said beside its answer, and what it said of the call's cost and the version."""
    trailers = await call.trailing_metadata()
    run.trailers = passed_on(trailers)
    if learns(run):
        learn(run, pairs_of(await call.initial_metadata(), trailers), response)
    run.messages_in = run.messages_out = 1


def failed_with(run: CallRun, error: grpc.aio.AioRpcError) -> None:
    """Remember what the upstream says of its quotas where it fails."""
    if learns(run):
        learn(run, pairs_of(error.initial_metadata(), error.trailing_metadata()), None)


def attempt(run: CallRun, *, status: str, at_us: int, **more: Any) -> Attempt:
    """A try that has ended, at the arm that the call goes to now; `at_us` is when it began, since the call came in."""
    route, took_us = run.route, elapsed_us(run) - at_us
    return Attempt(
        arm=route.arm,
        upstream=route.upstream,
        version=route.version,
        status=status,
        at_us=at_us,
        took_us=took_us,
        **more,
    )
