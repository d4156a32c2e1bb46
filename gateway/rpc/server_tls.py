"""Ports that take connections by TLS only, over gRPC and HTTP, with certificates that are renewed without a restart."""

import logging
import ssl
from typing import Any, Literal, TypeAlias

import grpc

from gateway.certificates import CERTIFICATE, KEY, Certificates, Pem

_log = logging.getLogger(__name__)

Callers: TypeAlias = Literal["processes", "everybody"]
"""Who connects: our own processes, whose certificates the same authority has signed, or anybody else as well, who is
asked for a certificate only where the process has authorities for that."""


def grpc_credentials(certificates: Certificates, *, callers: Callers) -> grpc.ServerCredentials:
    """Those of a gRPC server. gRPC asks for every connection whether they have changed, from a thread of its own."""
    seen = certificates.now()

    def renewed() -> "grpc.ServerCertificateConfiguration | None":
        nonlocal seen
        pem = certificates.now()
        if pem is seen:
            return None
        seen = pem
        return _configuration(pem, callers)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(seen, callers),
        renewed,  # type: ignore[arg-type]  # gRPC takes None for "the same as before"
        require_client_authentication=believed(seen, callers) is not None,
    )


def http_context(certificates: Certificates, *, callers: Callers) -> ssl.SSLContext:
    """That of an HTTP server.

    The context that a server is given cannot be replaced, but each connection can be given another one once its first
    message is there, whether or not it names a server; that also decides which authorities are believed.
    """
    seen = certificates.now()
    using = _context(certificates, seen, callers)

    def choose(connection: Any, _name: Any, _first: ssl.SSLContext) -> None:
        nonlocal seen, using
        pem = certificates.now()
        if pem is not seen:
            try:
                using = _context(certificates, pem, callers)
            except (OSError, ssl.SSLError):  # they have changed again since they were read
                _log.warning("new certificates cannot be used yet", extra={"folder": str(certificates.folder)})
            else:
                seen = pem
        connection.context = using

    first = _context(certificates, seen, callers)
    first.sni_callback = choose
    return first


def _context(certificates: Certificates, pem: Pem, callers: Callers) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificates.folder / CERTIFICATE, certificates.folder / KEY)
    if (authorities := believed(pem, callers)) is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(cadata=authorities.decode())
    return made


def _configuration(pem: Pem, callers: Callers) -> "grpc.ServerCertificateConfiguration":
    return grpc.ssl_server_certificate_configuration(
        [(pem.key, pem.certificate)], root_certificates=believed(pem, callers)
    )


def believed(pem: Pem, callers: Callers) -> bytes | None:
    """The authorities of whoever may connect; `None`: no certificate is asked for."""
    if callers == "processes":
        return pem.authority
    return pem.authority + b"\n" + pem.clients if pem.clients else None
