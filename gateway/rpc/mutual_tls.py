"""A port that takes connections by mutual TLS only, with certificates as Kubernetes mounts them.

Files that have changed count for the next connection, so that a certificate is renewed without a restart.
"""

import logging
from pathlib import Path
from typing import Final

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_log = logging.getLogger(__name__)

CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
AUTHORITY: Final = "ca.crt"
FILES: Final = (CERTIFICATE, KEY, AUTHORITY)


class MutualTls:
    """The credentials of a server: its own certificate and key, and the authority of those who may connect."""

    def __init__(self, folder: Path) -> None:
        """Read the files.

        Raises:
            ValueError: they hold no certificates, or a key that is not the certificate's.
            OSError: they cannot be read.
        """
        self._folder = folder
        self._seen = _read(folder)
        self.credentials: Final = grpc.dynamic_ssl_server_credentials(
            _configuration(self._seen),
            self._renewed,  # type: ignore[arg-type]  # gRPC takes None for "the same as before"
            require_client_authentication=True,
        )

    def _renewed(self) -> "grpc.ServerCertificateConfiguration | None":
        """What counts from the next connection on; `None`: the same as before. Called from a thread of gRPC's."""
        try:
            if _bytes(self._folder) == self._seen:
                return None
            self._seen = _read(self._folder)
        except (OSError, ValueError):  # half written, say: the old one counts until it is whole
            _log.warning("the certificates cannot be used; the ones before stay", extra={"folder": str(self._folder)})
            return None
        return _configuration(self._seen)


def _configuration(read: dict[str, bytes]) -> "grpc.ServerCertificateConfiguration":
    return grpc.ssl_server_certificate_configuration(
        [(read[KEY], read[CERTIFICATE])], root_certificates=read[AUTHORITY]
    )


def _bytes(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def _read(folder: Path) -> dict[str, bytes]:
    read = _bytes(folder)
    try:
        own = x509.load_pem_x509_certificates(read[CERTIFICATE])[0].public_key()
        x509.load_pem_x509_certificates(read[AUTHORITY])
        same = load_pem_private_key(read[KEY], password=None).public_key() == own
    except (ValueError, TypeError) as error:
        raise ValueError(f"{folder} must hold {', '.join(FILES)} in PEM, the key without a password.") from error
    if not same:
        raise ValueError(f"{folder / KEY} is not the key of {CERTIFICATE}.")
    return read
