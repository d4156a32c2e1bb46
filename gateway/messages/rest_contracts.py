"""The contracts of plain HTTP APIs: what a policy says of their methods, as all other contracts are."""

from collections.abc import Iterable, Iterator
from typing import Any

from gateway.core.call import Operation
from gateway.core.contract import MethodContract
from gateway.core.policy.rest import RestApi, RestMethod
from gateway.core.rest.paths import TemplateWrong, template, variables
from gateway.core.rest.sources import SAID, Source, SourceWrong, source
from gateway.messages.rest_redacted_requests import RestRequests
from gateway.messages.rest_replies import RestReplies
from gateway.messages.rest_requests import STRUCT, decoder, reader, struct_maker, value_reader


def rest_contracts(apis: Iterable[RestApi], pool: Any) -> Iterator[MethodContract]:
    """The contract of each method; a source that is wrong, which cross-checks report, says nothing.

    `pool` is the descriptor pool that rules are compiled against.
    """
    make = struct_maker(pool)
    for api in apis:
        for method in api.methods:
            yield _contract(api, method, make)


def _contract(api: RestApi, method: RestMethod, make: Any) -> MethodContract:
    sources = sources_of(method)
    operation = Operation(method.operation)
    return MethodContract(
        method=f"/rest/{api.name}/{method.name}",
        operation=operation,
        http=True,
        request_type=STRUCT,
        reply_type=STRUCT,
        decode=decoder(make, max_body_bytes=method.max_body_bytes),
        max_message_bytes=method.max_body_bytes + _AROUND,
        idempotent=method.idempotent or operation is Operation.READ,
        read=reader(sources),
        says=frozenset(sources),
        closed={
            name: frozenset({found.texts[0]})
            for name, found in sources.items()
            if name == "channel" and not found.places
        },
        redactors={
            "request": RestRequests(
                kept=tuple(place for found in sources.values() for place in found.places),
                sensitive=method.sensitive_requests,
            ),
            "reply": RestReplies(
                sensitive=method.sensitive,
                max_bytes=method.max_reply_bytes,
                passes_others=method.other_replies == "pass",
            ),
        },
        value_of=value_reader,
        subject_path=method.subject,
        channel_path=method.channel,
        contact_point_path=method.contact_point,
        session_path=method.session,
    )


_AROUND = 131_072
"""Bytes of a request beside its body: path, query and headers, each of which Envoy limits."""


def sources_of(method: RestMethod) -> dict[str, Source]:
    """The sources of a method by what they say; those that are wrong are left out."""
    try:
        names = variables(template(method.path))
    except TemplateWrong:
        names = ()
    found = {}
    for name in SAID:
        try:
            text = getattr(method, name)
            if text:
                found[name] = source(text, variables=names)
        except SourceWrong:
            continue
    return found
