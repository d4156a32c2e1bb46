"""Who may ask as Envoy: whoever has a key of this process, or, without any, comes by mutual TLS; else nobody."""

import contextlib
import functools
import hashlib
import hmac
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.interceptors import end

KEY_HEADER: Final = "x-pilote-envoy-key"
REDACTS_HEADER: Final = "x-pilote-envoy-redacts"
"""By which an Envoy says what it has redacted, "requests" or "replies": its filters `ext_proc` ask here about them."""
CARRIES_HEADER: Final = "x-pilote-envoy-carries"
"""By which an Envoy says, in its own configuration, what it carries: "grpc" is calls of agents."""
SERVICES: Final = (
    *("/envoy.service.auth.v3.", "/envoy.service.accesslog.v3."),
    *("/envoy.service.ratelimit.v3.", "/envoy.service.ext_proc.v3."),
)
SHORTEST: Final = 32

Authority = Callable[[], bytes]
"""Gives who must have signed Envoy's certificate, in PEM."""


class Doors:
    """Compares in constant time."""

    def __init__(self, keys: Iterable[str], *, only_tls: bool = False, authority: Authority | None = None) -> None:
        """`only_tls`: whether who comes without a certificate is not Envoy, whatever key it has.

        With `authority` its signature is enough, without a key: Envoy Gateway gives its Envoys certificates, and no
        key. Agents may have certificates too, of another authority.
        """
        self._authority = authority
        self._only_tls = only_tls
        self._hashes = tuple(hashlib.sha256(key.encode()).digest() for key in keys)

    async def look(self, context: Any) -> None:
        """Let Envoy in; ends anybody else's call as AGENT_UNAUTHENTICATED."""
        if self._authority is None:
            await self._look_at_key(context)
        if self._only_tls or self._authority is not None:
            await self._look_at_certificate(context)

    async def _look_at_certificate(self, context: Any) -> None:
        # Where agents come by TLS too, it is the certificate that tells Envoy from them.
        shown = context.auth_context().get("x509_pem_cert")
        if not shown:
            said = "Envoy comes by mutual TLS here: let it connect to PILOTE_ENVOY_LISTEN, and give it another key now."
            await end(context, CallEnded(Reason.AGENT_UNAUTHENTICATED, said, metadata={"problem": "ENVOY_WITHOUT_TLS"}))
        if self._authority is not None and not signed(shown[0], self._authority()):
            said = "Only Envoy asks here: let ca.crt in PILOTE_ENVOY_TLS_DIR be who has signed its certificate."
            problem = {"problem": "ENVOY_CERTIFICATE_UNKNOWN"}
            await end(context, CallEnded(Reason.AGENT_UNAUTHENTICATED, said, metadata=problem))

    async def _look_at_key(self, context: Any) -> None:
        given = [value for name, value in context.invocation_metadata() if name == KEY_HEADER]
        text = given[0] if len(given) == 1 and isinstance(given[0], str) else ""
        found = hashlib.sha256(text.encode()).digest()
        if sum(hmac.compare_digest(found, known) for known in self._hashes) == 0:
            said = f"Only Envoy asks here: give it a key of PILOTE_ENVOY_KEY_FILE, as initial metadata {KEY_HEADER}."
            # No interceptor translates what is raised here: see `gateway.rpc.serving`.
            await end(context, CallEnded(Reason.AGENT_UNAUTHENTICATED, said, metadata={"problem": "ENVOY_KEY_UNKNOWN"}))


@functools.lru_cache(maxsize=64)
def signed(certificate: bytes, authorities: bytes) -> bool:
    """Whether one of the authorities has signed the certificate itself; all in PEM."""
    from cryptography import x509  # noqa: PLC0415 - 70 ms of CPU, which most processes are spared
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    found = x509.load_pem_x509_certificate(certificate)
    for authority in x509.load_pem_x509_certificates(authorities):
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            found.verify_directly_issued_by(authority)
            return True
    return False


def redacts(context: Any) -> frozenset[str]:
    """What the Envoy that asks has redacted, by its own configuration: no request of a caller's can say it."""
    said = [value for name, value in context.invocation_metadata() or () if name == REDACTS_HEADER]
    return frozenset(part.strip() for value in said if isinstance(value, str) for part in value.split(","))


def carries_grpc(context: Any) -> bool:
    """Whether the Envoy that asks carries calls of agents."""
    return any(name == CARRIES_HEADER and value == "grpc" for name, value in context.invocation_metadata() or ())


def envoy_keys(path: Path) -> tuple[str, ...]:
    """The keys in a file, one a line.

    Raises:
        ValueError: one is too short, or there is none.
        OSError: the file cannot be read.
    """
    keys = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    if not keys or any(len(key) < SHORTEST or not key.isascii() or not key.isprintable() for key in keys):
        raise ValueError(f"{path} must hold one key or more, each {SHORTEST} plain characters or longer, one a line.")
    return keys
