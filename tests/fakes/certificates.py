"""Certificates that tests make for themselves, in folders as Kubernetes mounts them."""

import datetime as dt
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

    def folder(self, at: Path, *, host: str) -> Path:
        """A folder with a certificate for `host`, its key, and the authority's own certificate."""
        at.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        own = self._signed(_name(host), key.public_key(), x509.SubjectAlternativeName([x509.DNSName(host)]))
        authority = self._signed(self.subject, self.key.public_key(), x509.BasicConstraints(ca=True, path_length=None))
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        for name, content in (("tls.crt", own), ("tls.key", pem), ("ca.crt", authority)):
            (at / name).write_bytes(content)
        return at

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType) -> bytes:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(LONG_AGO).not_valid_after(FAR_AHEAD)
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
