"""What Envoy says of a request, as a call: which method it is, and the bytes that stand for it."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.callrun import CallRun, Incoming
from gateway.core.errors import CallEnded, invalid
from gateway.core.rest.paths import PathUnclear
from gateway.core.rest.targets import Target, Targets
from gateway.messages.rest_requests import RestRequest, packed
from pilote.envoy import auth_pb2

PARTIAL_BODY: Final = "x-envoy-auth-partial-body"
_OVERRIDES: Final = frozenset(
    {"x-http-method-override", "x-http-method", "x-method-override", "x-original-url", "x-rewrite-url"}
)
"""Headers by which some servers take a request for another one."""
_OVERRIDE_FIELD: Final = re.compile(rb"(^|[&;])(_method|_httpmethod)=", re.IGNORECASE)
_BODILESS: Final = frozenset({"GET", "HEAD", "DELETE"})
Http = auth_pb2.AttributeContext.HttpRequest


def asked(http: Http, targets: Targets, *, trace_ratio: float) -> tuple[CallRun, bytes]:
    """The call that a request is, and its bytes. One that is unclear or described by nobody is to be refused."""
    headers = {name.lower(): _text(value) for name, value in http.headers.items()}
    path, _, query = http.path.partition(b"?")
    host, verb = _plain(http.host), _plain(http.method)
    method, request, unclear = targets.nobodys(host), b"", None
    try:
        found = targets.find(host, verb, path)
        if found is not None:
            target, variables = found
            method = target.method
            request = _bytes(http, target, variables, headers=headers, query=query)
    except PathUnclear as error:
        unclear = invalid("path", f"The path {error}: send it in its plain form.")
    except CallEnded as error:
        unclear = error
    incoming = Incoming.of(method, tuple(headers.items()), time_remaining=lambda: None, trace_ratio=trace_ratio)
    return CallRun(msgspec.structs.replace(incoming, http=True, unclear=unclear)), request


def _bytes(
    http: Http, target: Target, variables: Mapping[str, str], *, headers: Mapping[str, str | bytes], query: bytes
) -> bytes:
    for name in _OVERRIDES & headers.keys():
        raise invalid(name, f"{name} is not taken: send the request as what it is.")
    if _OVERRIDE_FIELD.search(query):
        raise invalid("query", "The query must not say another method: send the request as what it is.")
    named = {}
    for name in target.headers & headers.keys():
        value = headers[name]
        if not isinstance(value, str) or "," in value:
            raise invalid(name, f"{name} must be one text without a comma.")
        named[name] = value
    content_type = headers.get("content-type", "")
    return packed(
        RestRequest(
            path=dict(variables),
            query=_ascii(query),
            content_type=content_type if isinstance(content_type, str) else "",
            headers=named,
            body=_body(http, headers),
        )
    )


def _body(http: Http, headers: Mapping[str, str | bytes]) -> bytes:
    """The whole body. What Envoy has not shown cannot be governed."""
    if http.body and not http.raw_body:
        raise invalid("body", "The proxy shows bodies as text: set with_request_body.pack_as_bytes in Envoy.")
    if headers.get(PARTIAL_BODY) == "true":
        raise invalid(
            "body", "The body is larger than the proxy shows: send less, or raise max_request_bytes in Envoy."
        )
    length = headers.get("content-length")
    if length is None:
        unseen = http.size > len(http.raw_body) or "transfer-encoding" in headers
        unseen |= http.protocol == "HTTP/2" and _plain(http.method) not in _BODILESS
        unseen &= not http.raw_body
    else:
        unseen = length != str(len(http.raw_body))
    if unseen:
        raise invalid(
            "body", "The proxy does not show the body: set with_request_body in Envoy, or send content-length."
        )
    encoding = headers.get("content-encoding", "identity")
    if http.raw_body and encoding != "identity":
        raise invalid("content-encoding", "Send the body without a content-encoding.")
    return bytes(http.raw_body)


def _text(value: bytes) -> str | bytes:
    """A header's value; bytes where it is no text."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _plain(value: bytes) -> str:
    return value.decode("ascii", errors="replace")


def _ascii(query: bytes) -> str:
    try:
        return query.decode("ascii")
    except UnicodeDecodeError as error:
        raise invalid("query", "The query must be plain characters: write others as escapes.") from error


def credential_headers(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What must not reach the upstream: the credential that the caller was identified by.

    Beside an API key of ours the authorization is the vendor's own.
    """
    return ("x-api-key",) if isinstance(metadata.get("x-api-key"), str) else ("authorization",)
