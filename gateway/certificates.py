"""What a process shows of itself over TLS, and whom it believes: files as Kubernetes mounts them.

They are read anew where they have changed, so that a certificate is renewed without a restart: who connects from then
on sees the new one, and running calls go on. New files that cannot be used change nothing, and that is said.
"""

import datetime as dt
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

_log = logging.getLogger(__name__)

CERTIFICATE: Final = "tls.crt"
KEY: Final = "tls.key"
AUTHORITY: Final = "ca.crt"
FILES: Final = (CERTIFICATE, KEY, AUTHORITY)


class Pem(NamedTuple):
    """What the files hold."""

    certificate: bytes
    key: bytes
    authority: bytes
    """Who must have signed the certificates of processes."""
    clients: bytes = b""
    """Who must have signed those of anybody else who connects; empty: of them none is asked for."""


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Certificates:
    """The certificate and the key of a process, and the authorities that it believes. May be used from any thread."""

    def __init__(
        self, folder: Path, *, clients: Path | None = None, clock: Callable[[], dt.datetime] = _utc_now
    ) -> None:
        """Read `tls.crt`, `tls.key` and `ca.crt` in the folder, and the authorities in the file `clients`.

        Raises:
            ValueError: they hold no certificates, one that is not valid now, or a key that is not the certificate's.
            OSError: they cannot be read.
        """
        self.folder: Final = folder
        self._paths = tuple(folder / name for name in FILES) + (() if clients is None else (clients,))
        self._clock = clock
        self._lock = threading.Lock()
        self._seen = self._looks()
        self._pem = self._read()

    def now(self) -> Pem:
        """What counts now: the very same value as before where no file has changed, or none that could be used."""
        with self._lock:
            try:
                looks = self._looks()
                if looks != self._seen:
                    self._seen = looks  # what is wrong with it is said once
                    self._pem = self._read()
                    _log.info("new certificates are shown from now on", extra={"folder": str(self.folder)})
            except (OSError, ValueError) as error:  # half written, say: the old ones count until these are whole
                why = str(error) if isinstance(error, ValueError) else type(error).__name__
                extra = {"folder": str(self.folder), "why": why}
                _log.warning("new certificates cannot be used; the ones before stay", extra=extra)
            return self._pem

    def _looks(self) -> tuple[tuple[int, int, int], ...]:
        """What tells one version of the files from the next. Kubernetes puts new ones in their places by a link."""
        found = [path.stat() for path in self._paths]
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)

    def _read(self) -> Pem:
        # 70 ms of CPU, which a process without TLS is spared.
        from cryptography import x509  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

        read = Pem(*(path.read_bytes() for path in self._paths))
        try:
            own = x509.load_pem_x509_certificates(read.certificate)[0]
            x509.load_pem_x509_certificates(read.authority)
            if len(self._paths) > len(FILES):
                x509.load_pem_x509_certificates(read.clients)
            same = load_pem_private_key(read.key, password=None).public_key() == own.public_key()
        except (ValueError, TypeError) as error:
            names = ", ".join(str(path) for path in self._paths)
            raise ValueError(f"{names} must be in PEM, the key without a password.") from error
        if not same:
            raise ValueError(f"{self.folder / KEY} is not the key of {CERTIFICATE}.")
        if not own.not_valid_before_utc <= self._clock() < own.not_valid_after_utc:
            raise ValueError(f"{self.folder / CERTIFICATE} is not valid now: see its dates, and this machine's clock.")
        return read


class _Process:
    """A process has one certificate, as it has one environment."""

    own: Certificates | None = None


def present(certificates: Certificates | None) -> None:
    """Show these wherever this process listens or connects from now on; `None`: speak without TLS.

    For whoever reads the settings, before anything listens or connects.
    """
    _Process.own = certificates


def own() -> Certificates | None:
    """What this process shows; `None`: it speaks without TLS."""
    return _Process.own
