"""Certificates that tests make for themselves, in folders as Kubernetes mounts them."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
FAR_AHEAD = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@dataclass
class Authority:
    """Signs certificates."""

    name: str = "authority of the tests"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def subject(self) -> x509.Name:
        """Its own name."""
        return _name(self.name)

    def folder(self, at: Path, *, host: str, also: Sequence[str] = (), ends: dt.datetime = FAR_AHEAD) -> Path:
        """A folder with a certificate for `host`, a name or an address, its key, and the authority's own certificate.

        `also` are further names and addresses that it is made out to.

        Files that are there already are replaced as Kubernetes does it, each whole.
        """
        at.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([_general(each) for each in (host, *also)])
        own = self._signed(_name(host), key.public_key(), names, ends=ends)
        authority = self._signed(self.subject, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for name, content in (("tls.crt", own), ("tls.key", pem), ("ca.crt", authority)):
            (at / f".{name}").write_bytes(content)
            (at / f".{name}").replace(at / name)
        return at

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        extension: x509.ExtensionType,
        *,
        ends: dt.datetime = FAR_AHEAD,
    ) -> bytes:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(LONG_AGO).not_valid_after(ends)
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
