"""What Envoy's rate limit filter asks, as calls: which method a descriptor is, whose call, and its bytes."""

from typing import Final

import msgspec

from gateway.adapters.upstreams import Metadata
from gateway.callrun import CallRun, Incoming
from gateway.core.errors import CallEnded, Reason, invalid
from gateway.core.ratelimit.descriptors import Descriptors, Entries
from gateway.core.ratelimit.entries import filled
from gateway.messages.ratelimit_contracts import DescriptorAsked, packed
from gateway.watching.trace_context import TRACEPARENT, TRACESTATE
from pilote.envoy import ratelimit_descriptor_pb2, ratelimit_pb2

MOST_HITS: Final = 1_000_000_000
MOST_DESCRIPTORS: Final = 20
"""Of one request."""
_TRACED: Final = frozenset({TRACEPARENT, TRACESTATE})


def asked(
    request: ratelimit_pb2.RateLimitRequest,
    place: int,
    descriptors: Descriptors,
    *,
    pairs: Metadata,
    trace_ratio: float,
) -> tuple[CallRun, bytes]:
    """The call that a descriptor of the request is, and its bytes; `pairs` is the metadata of Envoy's own call.

    One that is unclear, or that nobody describes, is to be refused.
    """
    descriptor = request.descriptors[place]
    method, agent, asking, unclear = descriptors.nobodys(""), "", b"", None
    try:
        if place >= MOST_DESCRIPTORS:
            raise invalid("descriptors", f"At most {MOST_DESCRIPTORS} descriptors are taken: let Envoy send fewer.")
        domain, entries = _text(request.domain, "domain"), _entries(descriptor)
        found = descriptors.find(domain, entries)
        method = descriptors.nobodys(domain) if found is None else found.method
        if found is None:
            raise _undescribed(method, entries)
        agent = filled(found.agent, dict(entries))
        asking = packed(DescriptorAsked(dict(entries), _hits(request, descriptor)))
    except CallEnded as error:
        unclear = error
    traced = tuple((name, value) for name, value in pairs if name in _TRACED)
    incoming = Incoming.of(method, traced, time_remaining=lambda: None, trace_ratio=trace_ratio)
    return CallRun(msgspec.structs.replace(incoming, http=True, agent=agent, unclear=unclear)), asking


def _entries(descriptor: ratelimit_descriptor_pb2.RateLimitDescriptor) -> Entries:
    return tuple((_text(entry.key, "entries"), _text(entry.value, "entries")) for entry in descriptor.entries)


def _undescribed(method: str, entries: Entries) -> CallEnded:
    keys = ", ".join(key for key, _ in entries)[:200]
    text = f"No `ratelimit` of the policy describes a descriptor with the entries {keys}: describe it, or send none."
    return CallEnded(Reason.METHOD_UNDESCRIBED, text, metadata={"method": method, "entries": keys})


def _hits(request: ratelimit_pb2.RateLimitRequest, descriptor: ratelimit_descriptor_pb2.RateLimitDescriptor) -> int:
    """How many calls it stands for: what the descriptor says, else the request, else one."""
    if descriptor.is_negative_hits:
        raise invalid("is_negative_hits", "Nothing is given back here: send no negative hits.")
    own = descriptor.HasField("hits_addend")
    hits = descriptor.hits_addend.value if own else request.hits_addend or 1
    if hits > MOST_HITS:
        raise invalid("hits_addend", f"hits_addend must be at most {MOST_HITS}.")
    return hits


def _text(value: bytes, field: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise invalid(field, f"The {field} must be UTF-8.") from error
