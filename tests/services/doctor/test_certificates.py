"""Certificates that end soon, do not fit their key or lie open are seen before agents see them."""

import datetime as dt
from pathlib import Path
from typing import Final

import hypothesis.strategies as st
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given

from gateway.settings import Settings
from services.doctor.certificates import WARN_DAYS, WORST_DAYS, _expiry, look_at_certificates
from services.doctor.observing import Grade, Observation

NOW: Final = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
NOW_MS: Final = int(NOW.timestamp() * 1_000)
_KEY: Final = ec.generate_private_key(ec.SECP256R1())
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def certificate(key: Key = _KEY, *, days: float = 90, begin: float = -1) -> x509.Certificate:
    """One that begins and ends so many days from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway.example")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW + dt.timedelta(days=begin))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .sign(key, hashes.SHA256())
    )


def write(folder: Path, *, key: Key = _KEY, shown: x509.Certificate | None = None) -> Settings:
    """Put certificate, key and authority into a folder; the settings that name it."""
    pem = (shown or certificate(key)).public_bytes(Encoding.PEM)
    (folder / "tls.crt").write_bytes(pem)
    (folder / "ca.crt").write_bytes(pem)
    (folder / "tls.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "tls.key").chmod(0o600)
    return Settings(home=folder, envoy_tls_dir=folder)


def seen(settings: Settings) -> dict[str, Observation]:
    """What is seen, by its key."""
    return {each.what: each for each in look_at_certificates(settings, now_ms=NOW_MS)}


def test_what_fits_and_holds_is_well(tmp_path: Path) -> None:
    found = seen(write(tmp_path))
    assert found.keys() == {"certificate-holds", "certificate-key"}
    assert found["certificate-holds"].values["days"] == 90


@given(days=st.floats(-400, 800), begin=st.floats(-800, 30))
def test_how_bad_it_is_follows_from_the_days_that_are_left(days: float, begin: float) -> None:
    if days <= begin + 0.001:
        return
    grade = _expiry("S", Path("f"), certificate(days=days, begin=begin), now=NOW).grade
    # A certificate's times are whole seconds.
    if begin > 0.001 or days < WORST_DAYS - 0.001:
        assert grade is Grade.BAD
    elif begin < -0.001 and days > WARN_DAYS + 0.001:
        assert grade is Grade.GOOD
    elif begin < -0.001 and WORST_DAYS + 0.001 < days < WARN_DAYS - 0.001:
        assert grade is Grade.WARNING


def test_a_key_of_another_renewal_is_bad(tmp_path: Path) -> None:
    settings = write(tmp_path, key=ec.generate_private_key(ec.SECP256R1()), shown=certificate())
    assert seen(settings)["certificate-key-other"].grade is Grade.BAD


def test_a_key_that_others_may_read_is_bad_and_a_groups_is_a_warning(tmp_path: Path) -> None:
    settings = write(tmp_path)
    (tmp_path / "tls.key").chmod(0o644)
    assert seen(settings)["key-open"].grade is Grade.BAD
    (tmp_path / "tls.key").chmod(0o640)
    assert seen(settings)["key-group"].grade is Grade.WARNING


def test_a_short_key_is_a_warning(tmp_path: Path) -> None:
    found = seen(write(tmp_path, key=rsa.generate_private_key(65_537, 1_024)))  # noqa: S505 - that is the point
    assert found["certificate-weak"].grade is Grade.WARNING


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.crt"])
def test_what_is_not_there_or_no_pem_is_bad(tmp_path: Path, name: str) -> None:
    settings = write(tmp_path)
    (tmp_path / name).write_bytes(b"-----BEGIN NONSENSE-----\n\xff")
    assert any(each.grade is Grade.BAD and each.what.endswith("damaged") for each in seen(settings).values())
    (tmp_path / name).unlink()
    assert any(each.grade is Grade.BAD and each.what.endswith("unreadable") for each in seen(settings).values())


def test_a_bundle_is_as_good_as_the_authority_that_holds_longest(tmp_path: Path) -> None:
    settings = write(tmp_path)
    old = certificate(days=3).public_bytes(Encoding.PEM)
    (tmp_path / "ca.crt").write_bytes(old + (tmp_path / "ca.crt").read_bytes())
    assert {each.grade for each in seen(settings).values()} == {Grade.GOOD}


def test_files_that_urls_name_are_looked_at_too(tmp_path: Path) -> None:
    write(tmp_path, shown=certificate(days=2))
    settings = Settings(
        home=tmp_path,
        redis_url=f"rediss://user:secret@store:6379?ssl_ca_certs={tmp_path}/ca.crt",
        audit_url=f"postgresql://role@db/pilote?sslcert={tmp_path}/tls.crt&sslkey={tmp_path}/tls.key&sslrootcert=system",
    )
    found = look_at_certificates(settings, now_ms=NOW_MS)
    soon = [each.values["setting"] for each in found if each.what == "certificate-soon"]
    assert soon == ["PILOTE_REDIS_URL", "PILOTE_AUDIT_URL"]
    assert "secret" not in str(found)
