"""TLS to the store, as the query of its URL says it in redis-py's words: `rediss://HOST:PORT?ssl_ca_certs=FILE`."""

import ssl
from collections.abc import Mapping
from typing import Any


def context_of(options: Mapping[str, Any]) -> ssl.SSLContext | None:
    """For one connection, made anew each time, so that renewed files count; `None` where the URL is no `rediss://`.

    The server is always checked, against the system's roots where `ssl_ca_certs` names none. `ssl_certfile` and
    `ssl_keyfile` are what we show.

    Raises:
        OSError: a file cannot be read, or holds something else (`ssl.SSLError`).
    """
    if getattr(options.get("connection_class"), "__name__", "") != "SSLConnection":
        return None
    made = ssl.create_default_context(cafile=options.get("ssl_ca_certs"))
    if certificate := options.get("ssl_certfile"):
        made.load_cert_chain(certificate, options.get("ssl_keyfile"))
    return made
