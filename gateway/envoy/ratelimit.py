"""Envoy's `ratelimit`: for those who want the limits only. Each descriptor is decided about as every call is.

Served on the gateway's own port. Nobody tells how the requests end, so what they take is settled at once.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from gateway import refusal
from gateway.adapters.upstreams import Metadata
from gateway.callrun import CallRun
from gateway.core.errors import invalid
from gateway.core.ratelimit.descriptors import Descriptors
from gateway.core.record import Acted
from gateway.core.revision.compiled import Revision
from gateway.envoy.counting import asked
from gateway.envoy.doors import Doors
from gateway.envoy.room import status_of
from gateway.pipeline import Pipeline
from gateway.rpc.http_status import body_of, retry_after_s
from gateway.rpc.interceptors import end, unexpected
from gateway.trailers import own
from gateway.watching.trace_context import handling
from gateway.watching.watch import Watch
from pilote.envoy import core_pb2, ratelimit_pb2, ratelimit_pb2_grpc

SHOULD_RATE_LIMIT: Final = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
_LISTED: Final = frozenset({"ratelimit", "ratelimit-policy"})
"""Headers that say something of every descriptor."""
Code = ratelimit_pb2.RateLimitResponse


class _Refused(NamedTuple):
    """The descriptor for which a request is refused, and why."""

    run: CallRun
    error: Exception


class RateLimit(ratelimit_pb2_grpc.RateLimitServiceServicer):
    """Says whether there is room in the limits for what Envoy is about to forward."""

    def __init__(self, pipeline: Pipeline, watch: Watch, *, doors: Doors, trace_ratio: float) -> None:
        self._pipeline = pipeline
        self._watch = watch
        self._doors = doors
        self._trace_ratio = trace_ratio
        self._known: tuple[Revision | None, Descriptors] = (None, Descriptors(()))

    async def ShouldRateLimit(  # noqa: N802
        self, request: ratelimit_pb2.RateLimitRequest, context: Any
    ) -> ratelimit_pb2.RateLimitResponse:
        """Whether there is room for every descriptor. Ends as AGENT_UNAUTHENTICATED where it is not Envoy that asks.

        Whatever refuses a descriptor, a rule or a store that is down too, the answer is OVER_LIMIT: an error of this
        service would be Envoy's to judge, and it lets through by default. What descriptors before it have taken is
        given back as far as their limits give back at all.
        """
        await self._doors.look(context)
        if not request.descriptors:
            await end(context, invalid("descriptors", "There is no descriptor: let Envoy send one."))
        try:
            return await self._decided(request, pairs=context.invocation_metadata() or ())
        except Exception as error:
            await end(context, unexpected(error, SHOULD_RATE_LIMIT))

    async def _decided(
        self, request: ratelimit_pb2.RateLimitRequest, *, pairs: Metadata
    ) -> ratelimit_pb2.RateLimitResponse:
        descriptors = self._descriptors()
        runs: list[CallRun] = []
        refused: _Refused | None = None
        try:
            for place in range(len(request.descriptors)):
                run, asking = asked(request, place, descriptors, pairs=pairs, trace_ratio=self._trace_ratio)
                runs.append(run)
                now = handling(run.incoming.trace)
                try:
                    await self._pipeline.admit(run, asking)
                except Exception as error:
                    refused = _Refused(run, error)
                    break
                finally:
                    now.trace = None
        except BaseException as ended:  # Envoy has given up, or a mistake of ours: it goes by its own configuration
            self._settle(runs, Acted.NO, ended)
            raise
        if refused is None:
            self._settle(runs, Acted.YES)
        else:
            self._settle(runs, Acted.NO, refused.error)
        return _answer(request, runs, refused)

    def _descriptors(self) -> Descriptors:
        revision = self._pipeline.revision
        if revision is not self._known[0]:
            self._known = (revision, Descriptors(() if revision is None else revision.document.ratelimit))
        return self._known[1]

    def _settle(self, runs: Sequence[CallRun], acted: Acted, ended: BaseException | None = None) -> None:
        for run in runs:
            run.ended, run.acted = run.ended or ended, acted
            self._pipeline.settle(run)
            self._watch.ended(run)


def _answer(
    request: ratelimit_pb2.RateLimitRequest, runs: Sequence[CallRun], refused: _Refused | None
) -> ratelimit_pb2.RateLimitResponse:
    statuses = [status_of(run, over=refused is not None and run is refused.run) for run in runs]
    unasked = [Code.DescriptorStatus() for _ in request.descriptors[len(runs) :]]
    response = ratelimit_pb2.RateLimitResponse(
        overall_code=Code.OK if refused is None else Code.OVER_LIMIT, statuses=[*statuses, *unasked]
    )
    headers = _said(runs if refused is None else [refused.run, *runs[:-1]])
    if refused is not None:
        incoming = refused.run.incoming
        ended = refusal.in_language(unexpected(refused.error, incoming.method), incoming.language)
        response.raw_body = body_of(ended).encode()
        headers["content-type"] = "application/json"
        retry_s = retry_after_s(ended)
        if retry_s is not None:
            headers["retry-after"] = str(retry_s)
    for name, value in headers.items():
        response.response_headers_to_add.append(core_pb2.HeaderValue(key=name, value=value))
    return response


def _said(runs: Sequence[CallRun]) -> dict[str, str]:
    """The headers of all of them; what can be said once is that of the first."""
    said: dict[str, str] = {}
    for run in runs:
        for name, value in own(run):
            if isinstance(value, str):
                said[name] = f"{said[name]}, {value}" if name in said and name in _LISTED else said.get(name, value)
    return said
