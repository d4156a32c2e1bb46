"""What Envoy is told of an agent's call: to carry it, to hand it to the gateway, or what its caller is told instead."""

import base64
from collections.abc import Iterable
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
from gateway.envoy.heads import REDACTED_HEADER, UPSTREAM_HEADER, overwrite
from gateway.passing import takes_of
from gateway.rpc.framing import percent
from gateway.rpc.headers import CREDENTIALS
from gateway.rpc.status import DETAILS_KEY, code_of, status_of
from gateway.trailers import own
from gateway.upstream.making import again, try_s
from pilote.envoy import auth_pb2

TIMEOUT_HEADER: Final = "x-envoy-upstream-rq-timeout-ms"
TRY_HEADER: Final = "x-envoy-upstream-rq-per-try-timeout-ms"
MARGIN_MS: Final = 5_000
"""How much longer Envoy waits than whoever goes on with a call, who is to end it."""
SAID: Final = "said"
"""Key of Envoy's dynamic metadata: the trailers that the caller gets beside those of the upstream, a line each."""
HARMLESS: Final = "harmless"
FRENCH: Final = "french"


def handed_over() -> auth_pb2.CheckResponse:
    """The gateway itself sees to the call."""
    response = auth_pb2.CheckResponse()
    overwrite(response.ok_response.headers, [(UPSTREAM_HEADER, GATEWAY)])
    return response


def cluster_of(run: CallRun) -> str:
    """Where Envoy sends a call."""
    assert run.upstream is not None  # noqa: S101 - it has a route
    return _cluster(run.upstream, on=goes_on(run))


def _cluster(upstream: Upstream, *, on: bool) -> str:
    name = cluster_name(upstream)
    return again_name(name) if on else name


def carry(run: CallRun) -> auth_pb2.CheckResponse:
    """Envoy carries the call to its upstream."""
    assert run.upstream is not None  # noqa: S101 - it was admitted
    trace, pairs = run.incoming.trace, run.incoming.pairs
    agent = run.agent.name if run.agent is not None else ""
    kept = upstream_metadata((), decision=run.id, agent=agent, traceparent=trace.traceparent, tracestate=trace.state)
    longest_ms, rule, on = max(1, int(timeout_s(run, run.upstream) * 1000)), forward_rule_of(run), goes_on(run)
    set_to = [(name, value) for name, value in kept if isinstance(value, str)]
    set_to += [
        (UPSTREAM_HEADER, _cluster(run.upstream, on=on)),
        ("grpc-timeout", f"{longest_ms}m" if longest_ms < 10**8 else f"{longest_ms // 1000}S"),
    ]
    if rule is not None and on:  # whoever goes on with the call ends it in time
        given_s = try_s(rule, min(longest_ms / 1000, longest_s(run.upstream)), again=again(run))
        given_ms = max(1, int(given_s * 1000))
        set_to += [(AGAIN, "1"), (TRY_HEADER, str(given_ms)), (TIMEOUT_HEADER, str(longest_ms + MARGIN_MS))]
    else:
        set_to.append((TIMEOUT_HEADER, str(longest_ms)))
    redacted = "+".join([side for side in SIDES if takes_of(run, side)])
    if redacted:  # and then neither side is compressed, nor says how long its body was
        set_to += [(REDACTED_HEADER, redacted), ("grpc-accept-encoding", "identity")]
    overwritten = {name for name, _ in set_to}
    response = auth_pb2.CheckResponse()
    overwrite(response.ok_response.headers, set_to)
    removed = {name for name, _ in pairs if _ends_here(name)} - overwritten
    response.ok_response.headers_to_remove.extend(sorted(removed | ({"content-length"} if redacted else set())))
    said = "".join([f"{name}\t{value}\n" for name, value in own(run) if isinstance(value, str)])
    told = response.dynamic_metadata.fields
    told[CALL].string_value, told[SAID].string_value = run.id, said
    for name, holds in ((AGAIN, on), (HARMLESS, run.harmless), (FRENCH, run.incoming.language == "fr")):
        if holds:
            told[name].bool_value = True
    return response


def refused(run: CallRun, ended: CallEnded) -> auth_pb2.CheckResponse:
    """The caller is told why its call has ended, as the gateway itself would."""
    ended = refusal.in_language(ended, run.incoming.language)
    code, details = code_of(ended.reason).value[0], status_of(ended).SerializeToString()
    said = [(name, value) for name, value in own(run) if isinstance(value, str)]
    said.append((DETAILS_KEY, base64.b64encode(details).decode().rstrip("=")))
    return _ended(code, ended.message, said)


def too_heavy() -> auth_pb2.CheckResponse:
    """The caller is told what gRPC tells it of too much metadata."""
    return _ended(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], "The metadata is larger than 16 KiB: send less.", ())


def _ended(code: int, text: str, said: Iterable[tuple[str, str]]) -> auth_pb2.CheckResponse:
    response = auth_pb2.CheckResponse()
    response.status.code = code
    response.denied_response.status.code = 200  # gRPC's own
    overwrite(response.denied_response.headers, [*said, ("grpc-status", str(code)), ("grpc-message", percent(text))])
    return response


def _ends_here(name: str) -> bool:
    return name in CREDENTIALS or name in _ENDING or name.startswith("pilote-")


_ENDING: Final = frozenset({"user-agent", "traceparent", "tracestate"})
