"""The calls that Envoy carries right now, and how each has ended, as its access log tells.

They are kept in the process that has admitted them: it is the only one that its Envoy asks, and both end together.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration

from gateway.adapters.upstreams import TEXTS, UpstreamRefused, in_doubt
from gateway.callrun import CallRun, elapsed_us, timeout_s
from gateway.core.errors import CallEnded, Reason
from gateway.core.record import Acted
from gateway.envoy.engine.clusters import is_upstreams
from gateway.envoy.engine.tried import address_of, failure_of
from gateway.envoy.engine.trying import DECISION_HEADER
from gateway.pipeline import Pipeline
from gateway.rpc.framing import PREFIX_BYTES
from gateway.upstream.attempts import attempt
from gateway.upstream.making import Tried
from gateway.watching.watch import Watch
from pilote.envoy import access_log_data_pb2

OWN: Final = "pilote"
"""Where the script that ends calls writes into Envoy's metadata."""
ENDED: Final = "ended"
"""What it writes there: whether the upstream has acted, the status that the caller got, the upstream's own, and why."""
LATE_SECONDS: Final = 60.0
"""How long after the latest time at which a call can have ended Envoy may still tell of it."""
LOOK_SECONDS: Final = 10.0
TELL_SECONDS: Final = 2.0
"""Longest wait to be told how a try has failed."""
_ACTED: Final = {"yes": Acted.YES, "no": Acted.NO, "maybe": Acted.MAYBE}
Entry = access_log_data_pb2.HTTPAccessLogEntry


class Carried:
    """Settles every call once. `clock` is the one of `CallRun`, in seconds."""

    def __init__(self, pipeline: Pipeline, watch: Watch, *, clock: Callable[[], float] = perf_counter) -> None:
        self._pipeline = pipeline
        self._watch = watch
        self._clock = clock
        self._runs: dict[str, tuple[CallRun, float]] = {}
        """By decision, with the time from when on Envoy will not tell of it any more."""
        self._over: dict[str, asyncio.Future[None]] = {}
        """By decision, of calls whose end somebody waits for."""
        self._tries: dict[str, asyncio.Future[Entry]] = {}
        """By decision, a try that has failed, of calls that may go on here."""
        self._looked = clock()

    def __len__(self) -> int:
        return len(self._runs)

    def begin(self, run: CallRun) -> None:
        """Envoy carries this call from now on."""
        assert run.upstream is not None  # noqa: S101 - it was admitted
        now = self._clock()
        self._runs[run.id] = (run, now + timeout_s(run, run.upstream) + LATE_SECONDS)
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            self._forget(now)

    def of(self, decision: str) -> CallRun | None:
        """The call of that decision, while Envoy carries it."""
        found = self._runs.get(decision)
        return None if found is None else found[0]

    def tried(self, entry: Entry) -> None:
        """Envoy tells of a try that has failed; it tells so before it asks to go on with the call, or just after."""
        decision = entry.request.request_headers.get(DECISION_HEADER, "")
        # Of calls that go elsewhere it is the caller who says by which decision they go.
        if is_upstreams(entry.common_properties.upstream_cluster) and decision in self._runs:
            told = self._tries.setdefault(decision, asyncio.Future())
            if not told.done():
                told.set_result(entry)

    async def resumed(self, decision: str) -> tuple[CallRun, Tried] | None:
        """Go on with a call here, with how its first try has failed; `None`: nobody knows, and Envoy ends it."""
        if decision not in self._runs:
            return None
        told = self._tries.setdefault(decision, asyncio.Future())
        try:
            async with asyncio.timeout(TELL_SECONDS):
                entry = await asyncio.shield(told)
        except TimeoutError:
            return None
        run = self._pop(decision)
        if run is None or run.upstream is None:
            return None
        took_us, address = us_of(entry.common_properties.duration), address_of(entry, run.upstream)
        return run, Tried(failure_of(entry), took_us, address)

    def _pop(self, decision: str) -> CallRun | None:
        self._tries.pop(decision, None)
        found = self._runs.pop(decision, None)
        return None if found is None else found[0]

    def over(self, decision: str) -> asyncio.Future[None]:
        """Set once Envoy has told how the call of that decision has ended, wherever it has gone on."""
        return self._over.setdefault(decision, asyncio.get_running_loop().create_future())

    def _end(self, decision: str) -> CallRun | None:
        over = self._over.pop(decision, None)
        if over is not None and not over.done():
            over.set_result(None)
        return self._pop(decision)

    def unheard(self, run: CallRun) -> None:
        """Envoy was gone before it knew that it may carry the call: nothing was forwarded."""
        if self._end(run.id) is not None:
            run.ended, run.acted = asyncio.CancelledError(), Acted.NO
            self._pipeline.settle(run)
            self._watch.ended(run)

    def ended(self, decision: str, entry: Entry) -> None:
        """Settle the call as Envoy says it has ended."""
        run, common = self._end(decision), entry.common_properties
        if run is None:
            return
        total_us = max(us_of(common.duration), int((run.admitted - run.started) * 1e6))
        sent_us = us_of(common.time_to_first_upstream_tx_byte)
        run.upstream_us = max(0, us_of(common.time_to_last_upstream_rx_byte) - sent_us)
        run.over = run.started + total_us / 1e6
        status = _conclude(run, entry)
        if run.acted is Acted.YES:
            run.messages_in = run.messages_out = 1
            run.response_bytes = max(0, entry.response.response_body_bytes - PREFIX_BYTES)
        else:
            run.attempts.append(attempt(run, status=status, at_us=elapsed_us(run) - run.upstream_us))
        self._pipeline.settle(run)
        self._watch.ended(run)

    def _forget(self, now: float) -> None:
        """Settle as in doubt what Envoy has never told of: it may have gone on, or its caller may just have gone."""
        for decision in [decision for decision, (_, until) in self._runs.items() if now > until]:
            run = self._runs[decision][0]
            self._end(decision)
            run.ended, run.acted, run.over = in_doubt(), Acted.MAYBE, now
            self._pipeline.settle(run)
            self._watch.ended(run)


def _conclude(run: CallRun, entry: Entry) -> str:
    """Write into a call how it has ended; gives the status that its upstream has answered with."""
    common = entry.common_properties
    said, flags = common.metadata.filter_metadata, common.response_flags
    if run.ended is not None:  # what its caller got was told here
        return "OK"
    if flags.downstream_connection_termination or flags.downstream_remote_reset:  # whatever the script had said
        never_sent = not common.HasField("time_to_first_upstream_tx_byte")
        run.ended, run.acted = asyncio.CancelledError(), Acted.NO if never_sent else Acted.MAYBE
        return "CANCELLED"
    if OWN not in said or ENDED not in said[OWN].fields:  # it broke off before its end
        run.ended, run.acted = in_doubt(), Acted.MAYBE
        return "UNKNOWN"
    acted, status, own, reason = said[OWN].fields[ENDED].string_value.split(" ", 3)
    run.acted = _ACTED[acted]
    if reason:
        run.ended = CallEnded(Reason(reason), TEXTS[Reason(reason)])
    elif status != "OK":
        nothing = grpc.aio.Metadata()
        run.ended = UpstreamRefused(grpc.aio.AioRpcError(grpc.StatusCode[status], nothing, nothing))
    return own


def us_of(span: Duration) -> int:
    """A span of Envoy's, in microseconds."""
    return span.seconds * 1_000_000 + span.nanos // 1000
