"""Who asks by MCP, and how: what of a request's headers goes on to the gateway."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.core.texts import language_of
from gateway.rpc.headers import CREDENTIALS
from services.agents.calling import Metadata

_PASSED: Final = frozenset(
    {
        "accept-language",
        "traceparent",
        "tracestate",
        "pilote-inference-id",
        "pilote-session-id",
        "pilote-conversation",
    }
)
_OF_META: Final = ("traceparent", "tracestate", "pilote/inference-id", "pilote/session-id", "pilote/conversation")
"""What a message may say itself, in `_meta`: it goes before the header, which may stand for a whole connection."""
_LONGEST: Final = 512


class Asking(msgspec.Struct, frozen=True):
    """What the gateway is told of who asks."""

    credential: Metadata
    """Empty for who has none."""
    passed: Mapping[str, str]

    @property
    def language(self) -> str:
        """The language that the caller reads, "en" or "fr"."""
        return language_of(self.passed.get("accept-language"))

    def metadata(self, meta: Mapping[str, Any] | None) -> Metadata:
        """Metadata of a call; `meta` is what the message says beside its arguments."""
        said = {name.replace("/", "-"): meta[name] for name in _OF_META if meta and name in meta}
        plain = {name: value for name, value in said.items() if _fits(value)}
        return (*self.credential, *(dict(self.passed) | plain).items())


def asking(found: Mapping[str, str]) -> Asking:
    """Who asks, by the headers of an HTTP request, their names in lower case."""
    return Asking(
        credential=tuple((name, found[name]) for name in sorted(CREDENTIALS) if found.get(name) and _fits(found[name])),
        passed={name: found[name] for name in sorted(_PASSED) if name in found and _fits(found[name])},
    )


def by_key(key: str, *, language: str) -> Asking:
    """Who asks with an API key over stdio."""
    return Asking(credential=(("x-api-key", key),), passed={"accept-language": language})


def _fits(value: object) -> bool:
    """Whether gRPC takes it as metadata: printable ASCII. Credentials may be long."""
    return isinstance(value, str) and len(value) <= 16 * _LONGEST and value.isascii() and value.isprintable()
