"""The contracts of what Envoy's rate limit filter asks: what a policy says of descriptors, as all other contracts are.

Rules see `request.entries`, a map, and `request.hits`, how many calls the request stands for.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from gateway.core.call import Operation
from gateway.core.contract import MethodContract, Redaction, RedactionMistake, Take
from gateway.core.errors import invalid
from gateway.core.mistakes import told
from gateway.core.policy.ratelimit import CountedDescriptor, RateLimitDomain
from gateway.core.ratelimit.descriptors import keys_of
from gateway.core.ratelimit.entries import SAID, entry_source
from gateway.core.rest.sources import Source, SourceWrong
from gateway.messages.rest_requests import STRUCT, reader, struct_maker, value_reader

LARGEST: Final = 65_536
"""Bytes of one descriptor."""


class DescriptorAsked(msgspec.Struct, frozen=True, array_like=True):
    """One descriptor, as it was sent."""

    entries: dict[str, str]
    hits: int = 1


_DECODER: Final = msgspec.msgpack.Decoder(DescriptorAsked)
_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")


def packed(asked: DescriptorAsked) -> bytes:
    """The descriptor as bytes: the same again for the same one."""
    return _ENCODER.encode(asked)


def ratelimit_contracts(domains: Iterable[RateLimitDomain], pool: Any) -> Iterator[MethodContract]:
    """The contract of each descriptor; a source that is wrong, which cross-checks report, says nothing.

    `pool` is the descriptor pool that rules are compiled against.
    """
    make = struct_maker(pool)
    for domain in domains:
        for descriptor in domain.descriptors:
            yield _contract(f"/ratelimit/{domain.name}/{descriptor.name}", descriptor, make)


def _contract(method: str, descriptor: CountedDescriptor, make: Callable[[], Any]) -> MethodContract:
    sources = sources_of(descriptor)
    return MethodContract(
        method=method,
        operation=Operation(descriptor.operation),
        http=True,
        unrouted=True,
        hits=_hits,
        request_type=STRUCT,
        reply_type=STRUCT,
        decode=_decoder(make, several=descriptor.operation != "CONTACT"),
        max_message_bytes=LARGEST,
        idempotent=descriptor.operation == "READ",
        read=reader(sources),
        says=frozenset(sources),
        closed={
            name: frozenset({found.texts[0]})
            for name, found in sources.items()
            if name == "channel" and not found.places
        },
        redactors={"request": _AsItIs(), "reply": _AsItIs()},
        value_of=value_reader,
        subject_path=descriptor.subject,
        channel_path=descriptor.channel,
        contact_point_path=descriptor.contact_point,
        session_path=descriptor.session,
    )


def sources_of(descriptor: CountedDescriptor) -> dict[str, Source]:
    """The sources of a descriptor by what they say; those that are wrong are left out."""
    found = {}
    for name in SAID:
        try:
            text = getattr(descriptor, name)
            if text:
                found[name] = entry_source(text, keys=keys_of(descriptor))
        except SourceWrong:
            continue
    return found


def _decoder(make: Callable[[], Any], *, several: bool) -> Callable[[bytes], object]:
    def decode(sent: bytes) -> object:
        try:
            asked = _DECODER.decode(sent)
        except msgspec.DecodeError as error:
            raise ValueError("malformed descriptor") from error
        if asked.hits != 1 and not several:
            raise invalid("hits_addend", "hits_addend must be 1: a contact counts once.")
        found = make()
        found.update({"entries": asked.entries, "hits": asked.hits})
        return found

    return decode


def _hits(request: Any) -> int:
    return int(request.fields["hits"].number_value)


class _AsItIs:
    """Descriptors go nowhere: nothing is annotated in them, and nothing can be taken out."""

    def plan(self, redaction: Redaction) -> Take:
        """Nothing to do for what is taken out by its sensitivity.

        Raises:
            RedactionMistake: fields are named.
        """
        if redaction.fields:
            raise RedactionMistake(told("ratelimit-redaction"), place=0)
        return _nothing

    def touches(self, _redaction: Redaction) -> bool:
        """Never."""
        return False

    def apply(self, message: bytes, _takes: Iterable[Take]) -> bytes:
        """The message."""
        return message


def _nothing(_message: object) -> None:
    return
