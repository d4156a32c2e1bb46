"""Whoever connects to a port, with TLS or without, and with or without a certificate to show."""

import contextlib
import socket
import ssl
from pathlib import Path


def context(trusts: Path, *, shows: Path | None) -> ssl.SSLContext:
    """TLS that believes the authority in one folder, and shows the certificate in another."""
    made = ssl.create_default_context(cafile=trusts / "ca.crt")
    made.set_alpn_protocols(["h2", "http/1.1"])
    if shows is not None:
        made.load_cert_chain(shows / "tls.crt", shows / "tls.key")
    return made


def answers(port: int, tls: ssl.SSLContext | None) -> bool:
    """Whether a request, or the start of HTTP/2, is answered with anything at all; `None`: without TLS."""
    return asked(port, tls) is not None


def asked(port: int, tls: ssl.SSLContext | None) -> bytes | None:
    """The certificate (DER) that is shown by a port that answers, empty without TLS; `None` where it does not."""
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
        try:
            if tls is not None:
                connection = stack.enter_context(tls.wrap_socket(connection, server_hostname="127.0.0.1"))
            speaks_2 = isinstance(connection, ssl.SSLSocket) and connection.selected_alpn_protocol() == "h2"
            preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
            connection.sendall(preface if speaks_2 else b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
            if connection.recv(1) == b"":
                return None
            return connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else b""
        except OSError:
            return None
