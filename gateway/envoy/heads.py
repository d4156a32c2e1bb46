"""Heads of requests and replies, as Envoy's `ext_proc` shows and changes them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pilote.envoy import core_pb2, ext_proc_pb2

UPSTREAM_HEADER: Final = "pilote-upstream"
"""By which the gateway tells Envoy where a request goes."""
REDACTED_HEADER: Final = "pilote-redacted"
"""By which the gateway tells Envoy which sides of a call it redacts."""
BODY_HEADERS: Final = ("content-digest", "content-md5", "digest", "repr-digest")
"""Headers that say something of a body as it was sent."""
_OVERWRITE: Final = core_pb2.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD


def headers_of(head: ext_proc_pb2.HttpHeaders) -> Mapping[str, str]:
    """The headers by their names in lower case."""
    return {each.key.lower(): each.raw_value.decode(errors="replace") or each.value for each in head.headers.headers}


def setting(headers: Mapping[str, str]) -> list[core_pb2.HeaderValueOption]:
    """How Envoy is told to set them, in place of what there may be."""
    return [
        core_pb2.HeaderValueOption(
            header=core_pb2.HeaderValue(key=name, raw_value=value.encode()), append_action=_OVERWRITE
        )
        for name, value in headers.items()
    ]


def overwrite(field: Any, pairs: Iterable[tuple[str, str]]) -> None:
    """Add headers to a message's field, to be set in place of what there may be.

    Filled in place: to make each option first takes three times as long.
    """
    for name, value in pairs:
        header = field.add(append_action=_OVERWRITE).header
        header.key, header.value = name, value
