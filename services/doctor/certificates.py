"""Looks at every certificate that is configured: whether it can be read, matches its key, and how long it holds."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.settings import Settings
from services.doctor.key_files import permissions
from services.doctor.observing import Observation, bad, good, warning

WARN_DAYS: Final = 30
"""What renews certificates does so a third of their life before their end, for those of 90 days 30 days."""
WORST_DAYS: Final = 7
_RSA_BITS: Final = 2_048

_IN_STORE_URL: Final = ("ssl_certfile", "ssl_keyfile", "ssl_ca_certs")  # redis-py's names
_IN_DATABASE_URL: Final = ("sslcert", "sslkey", "sslrootcert")  # libpq's


class Trio(tuple[Path | None, Path | None, Path | None]):
    """Certificate, its private key, and the authorities that others must be signed by; any may be absent."""

    __slots__ = ()


def configured(settings: Settings) -> Mapping[str, Trio]:
    """What the settings name, by the setting; of URLs only the files that are in them."""
    found: dict[str, Trio] = {}
    for name in Settings.__struct_fields__:
        folder = getattr(settings, name)
        if name.endswith("tls_dir") and folder is not None:
            found[f"PILOTE_{name.upper()}"] = Trio((folder / "tls.crt", folder / "tls.key", folder / "ca.crt"))
    if settings.tls_clients_file is not None:
        found["PILOTE_TLS_CLIENTS_FILE"] = Trio((None, None, settings.tls_clients_file))
    for name, url, names in (
        ("PILOTE_REDIS_URL", settings.redis_url, _IN_STORE_URL),
        ("PILOTE_AUDIT_URL", settings.audit_url, _IN_DATABASE_URL),
    ):
        files = _files_in(url or "", names)
        if any(files):
            found[name] = Trio(files)
    return found


def look_at_certificates(settings: Settings, *, now_ms: int) -> list[Observation]:
    """What was seen of each."""
    now = dt.datetime.fromtimestamp(now_ms / 1_000, dt.UTC)
    seen: list[Observation] = []
    for name, (certificate, key, authorities) in configured(settings).items():
        if certificate is not None:
            seen += _own(name, certificate, key, now=now)
        if authorities is not None:
            seen += _authorities(name, authorities, now=now)
    return seen or [good("certificates", "certificates-none")]


def _own(setting: str, file: Path, key_file: Path | None, *, now: dt.datetime) -> list[Observation]:
    read = _read(setting, file)
    if isinstance(read, Observation):
        return [read]
    seen = [_expiry(setting, file, read[0], now=now)]
    public = read[0].public_key()
    if isinstance(public, RSAPublicKey) and public.key_size < _RSA_BITS:
        seen.append(warning("certificates", "certificate-weak", setting=setting, file=str(file), bits=public.key_size))
    if key_file is not None:
        seen += _matching(setting, file, key_file, read[0])
    return seen


def _matching(setting: str, file: Path, key_file: Path, certificate: x509.Certificate) -> list[Observation]:
    named = {"setting": setting, "file": str(key_file), "certificate": str(file)}
    try:
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except OSError:
        return [bad("certificates", "certificate-key-unreadable", **named)]
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return [bad("certificates", "certificate-key-damaged", **named)]
    ours, theirs = (
        each.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for each in (key.public_key(), certificate.public_key())
    )
    open_to = permissions("certificates", setting, key_file)
    if ours != theirs:
        return [bad("certificates", "certificate-key-other", **named), *open_to]
    return [good("certificates", "certificate-key", **named), *open_to]


def _authorities(setting: str, file: Path, *, now: dt.datetime) -> list[Observation]:
    """A bundle is as good as the one in it that holds longest: roots are replaced by adding the new one first."""
    read = _read(setting, file)
    if isinstance(read, Observation):
        return [read]
    return [_expiry(setting, file, max(read, key=lambda each: each.not_valid_after_utc), now=now)]


def _read(setting: str, file: Path) -> list[x509.Certificate] | Observation:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError:
        return bad("certificates", "certificate-unreadable", setting=setting, file=str(file))
    except ValueError:
        return bad("certificates", "certificate-damaged", setting=setting, file=str(file))
    return found


def _expiry(setting: str, file: Path, certificate: x509.Certificate, *, now: dt.datetime) -> Observation:
    end, begin = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    days = (end - now).days
    named: dict[str, str | float] = {"setting": setting, "file": str(file)}
    named |= {"days": max(days, 0), "end": end.strftime("%Y-%m-%d")}
    if now < begin:
        return bad("certificates", "certificate-early", **named, begin=begin.strftime("%Y-%m-%d %H:%M"))
    if now >= end:
        return bad("certificates", "certificate-over", **named)
    if days < WARN_DAYS:
        return (bad if days < WORST_DAYS else warning)("certificates", "certificate-soon", **named)
    return good("certificates", "certificate-holds", **named)


def _files_in(url: str, names: tuple[str, str, str]) -> tuple[Path | None, Path | None, Path | None]:
    said = parse_qs(urlsplit(url).query)

    def file(name: str) -> Path | None:
        found = said.get(name, [""])[0]
        return Path(found) if found and found != "system" else None

    first, second, third = names
    return file(first), file(second), file(third)
