"""What Envoy is told of an agent's call: to carry it, to hand it to the gateway, or what its caller is told instead.

By HTTP: whatever is not 200 goes to the caller. What Envoy has to keep of a call comes as headers too, and is put into
its metadata under their names. Pure.
"""

import base64
from collections.abc import Sequence
from typing import Final

import grpc

from gateway import refusal
from gateway.adapters.lines import longest_s
from gateway.adapters.upstreams import upstream_metadata
from gateway.callrun import CallRun, forward_rule_of, timeout_s
from gateway.core.errors import CallEnded
from gateway.core.policy.upstreams import Upstream
from gateway.core.revision.redacting import SIDES
from gateway.envoy.engine.carrying import goes_on
from gateway.envoy.engine.clusters import GATEWAY, cluster_name
from gateway.envoy.engine.filters import CALL
from gateway.envoy.engine.trying import AGAIN, again_name
from gateway.envoy.heads import REDACTED_HEADER, UPSTREAM_HEADER
from gateway.passing import takes_of
from gateway.rpc.framing import percent
from gateway.rpc.headers import CREDENTIALS
from gateway.rpc.status import DETAILS_KEY, code_of, status_of
from gateway.trailers import own
from gateway.upstream.making import again, try_s

TIMEOUT_HEADER: Final = "x-envoy-upstream-rq-timeout-ms"
TRY_HEADER: Final = "x-envoy-upstream-rq-per-try-timeout-ms"
MARGIN_MS: Final = 5_000
"""How much longer Envoy waits than whoever goes on with a call, who is to end it."""
SAID: Final = "pilote-said"
"""Header with the trailers that the caller gets beside those of the upstream: names and values, a tab after each."""
HARMLESS: Final = "pilote-harmless"
FRENCH: Final = "pilote-french"
TO_UPSTREAM: Final = (
    *("pilote-decision-id", "pilote-agent", "traceparent", "tracestate", "grpc-timeout", "grpc-accept-encoding"),
    *(UPSTREAM_HEADER, REDACTED_HEADER, AGAIN, TRY_HEADER, TIMEOUT_HEADER),
)
"""Headers of an answer that are set in the request, in place of what its caller says."""
KEPT: Final = (CALL, SAID, AGAIN, HARMLESS, FRENCH)
"""Those that Envoy keeps."""
TO_CALLER: Final = ("grpc-", "pilote-", "ratelimit")
"""How those begin that a caller gets who is refused."""
_REMOVED: Final = "x-envoy-auth-headers-to-remove"
_CARRIED: Final = "200 OK"
_REFUSED: Final = "403 Forbidden"
Pairs = Sequence[tuple[str, str]]


def handed_over() -> bytes:
    """The gateway itself sees to the call."""
    return _HANDED_OVER


def cluster_of(run: CallRun) -> str:
    """Where Envoy sends a call."""
    assert run.upstream is not None  # noqa: S101 - it has a route
    return _cluster(run.upstream, on=goes_on(run))


def _cluster(upstream: Upstream, *, on: bool) -> str:
    name = cluster_name(upstream)
    return again_name(name) if on else name


def carry(run: CallRun) -> bytes:
    """Envoy carries the call to its upstream."""
    assert run.upstream is not None  # noqa: S101 - it was admitted
    trace, pairs = run.incoming.trace, run.incoming.pairs
    agent = run.agent.name if run.agent is not None else ""
    kept = upstream_metadata((), decision=run.id, agent=agent, traceparent=trace.traceparent, tracestate=trace.state)
    longest_ms, rule, on = max(1, int(timeout_s(run, run.upstream) * 1000)), forward_rule_of(run), goes_on(run)
    told = [(name, value) for name, value in kept if isinstance(value, str)]
    told += [
        (UPSTREAM_HEADER, _cluster(run.upstream, on=on)),
        ("grpc-timeout", f"{longest_ms}m" if longest_ms < 10**8 else f"{longest_ms // 1000}S"),
    ]
    if rule is not None and on:  # whoever goes on with the call ends it in time
        given_s = try_s(rule, min(longest_ms / 1000, longest_s(run.upstream)), again=again(run))
        given_ms = max(1, int(given_s * 1000))
        told += [(AGAIN, "1"), (TRY_HEADER, str(given_ms)), (TIMEOUT_HEADER, str(longest_ms + MARGIN_MS))]
    else:
        told.append((TIMEOUT_HEADER, str(longest_ms)))
    redacted = "+".join([side for side in SIDES if takes_of(run, side)])
    if redacted:  # and then neither side is compressed, nor says how long its body was
        told += [(REDACTED_HEADER, redacted), ("grpc-accept-encoding", "identity")]
    overwritten = {name for name, _ in told}
    removed = {name for name, _ in pairs if _ends_here(name)} - overwritten
    removed |= {"content-length"} if redacted else set()
    if removed:
        told.append((_REMOVED, ",".join(sorted(removed))))
    # A value of a header does not end in a blank, so something stands behind the last tab.
    said = "".join([f"{name}\t{value}\t" for name, value in own(run) if isinstance(value, str)]) + "."
    told += [(CALL, run.id), (SAID, said)]
    told += [(HARMLESS, "1")] if run.harmless else []
    told += [(FRENCH, "1")] if run.incoming.language == "fr" else []
    return _answer(_CARRIED, told)


def refused(run: CallRun, ended: CallEnded) -> bytes:
    """The caller is told why its call has ended, as the gateway itself would."""
    ended = refusal.in_language(ended, run.incoming.language)
    code, details = code_of(ended.reason).value[0], status_of(ended).SerializeToString()
    said = [(name, value) for name, value in own(run) if isinstance(value, str)]
    said.append((DETAILS_KEY, base64.b64encode(details).decode().rstrip("=")))
    return _ended(code, ended.message, said)


def too_heavy() -> bytes:
    """The caller is told what gRPC tells it of too much metadata."""
    return _ended(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], "The metadata is larger than 16 KiB: send less.", ())


def _ended(code: int, text: str, said: Pairs) -> bytes:
    return _answer(_REFUSED, [*said, ("grpc-status", str(code)), ("grpc-message", percent(text))])


def _answer(status: str, told: Pairs) -> bytes:
    head = "".join([f"{name}: {value}\r\n" for name, value in told])
    if head.count("\n") != len(told) or head.count("\r") != len(told):
        raise ValueError("what is said of a call would be read as something else")  # and so it is not said
    return f"HTTP/1.1 {status}\r\n{head}content-length: 0\r\n\r\n".encode()


_HANDED_OVER: Final = _answer(_CARRIED, [(UPSTREAM_HEADER, GATEWAY)])


def _ends_here(name: str) -> bool:
    return name in CREDENTIALS or name in _ENDING or name.startswith("pilote-")


_ENDING: Final = frozenset({"user-agent", "traceparent", "tracestate"})
