"""What Envoy shows of itself over TLS, and whom it believes: the files of `gateway.certificates`, read anew too."""

import base64
from pathlib import Path
from typing import Final

from gateway.certificates import AUTHORITY as AUTHORITY_FILE
from gateway.certificates import CERTIFICATE, KEY
from gateway.envoy.engine.resources import TYPE, Json, file_of

OWN: Final = "own"
AUTHORITY: Final = "authority"
CLIENTS: Final = "clients"
_SECRET: Final = TYPE + "envoy.extensions.transport_sockets.tls.v3.Secret"


def secrets_of(certificates: Path, *, callers: bytes | None) -> dict[str, Json]:
    """The certificate in a folder, who has signed those of processes, and those of all who connect (PEM)."""
    watched = {"watched_directory": {"path": str(certificates)}}
    found: dict[str, Json] = {
        OWN: {
            "tls_certificate": {
                "certificate_chain": {"filename": str(certificates / CERTIFICATE)},
                "private_key": {"filename": str(certificates / KEY)},
                **watched,
            }
        },
        AUTHORITY: {"validation_context": {"trusted_ca": {"filename": str(certificates / AUTHORITY_FILE)}, **watched}},
    }
    if callers is not None:  # of two files, and Envoy reads one: it is told anew where either changes
        trusted = {"inline_bytes": base64.b64encode(callers).decode()}
        found[CLIENTS] = {"validation_context": {"trusted_ca": trusted}}
    return {name: {"@type": _SECRET, "name": name, **each} for name, each in found.items()}


def file_name(secret: str) -> str:
    """The file of one of these: Envoy wants each in one of its own."""
    return f"secret-{secret}.json"


def secret(name: str, home: Path) -> Json:
    """Where Envoy finds one of these."""
    return {"name": name, "sds_config": file_of(home, file_name(name))}


def downstream(home: Path, *, clients: bool) -> Json:
    """How a port speaks with whoever calls; `clients`: only with those who show a certificate."""
    common: Json = {
        "alpn_protocols": ["h2"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificate_sds_secret_configs": [secret(OWN, home)],
    }
    if clients:
        common["validation_context_sds_secret_config"] = secret(CLIENTS, home)
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": TYPE + "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": clients,
            "common_tls_context": common,
        },
    }
