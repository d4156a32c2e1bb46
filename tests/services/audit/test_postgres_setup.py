"""How an operator sets a database up: whom it lets in, how it is reached, backed up and brought up to date."""

import datetime
import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.core.errors import CallEnded
from services.audit.filters.filter import parse
from services.audit.noting import COLUMNS, NotesQuery
from services.audit.personal import Person
from services.audit.postgres import lanes, schema
from services.audit.postgres.address import parameters
from services.audit.postgres.partitions import DAY_MS
from services.audit.postgres.store import PostgresStore
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log_key import KEY_FILE, log_signer
from tests import postgres
from tests.postgres import PostgresProcess, programs
from tests.services.audit.conftest import NOW_MS, SIGNER, a_record, an_id
from tests.services.audit.test_log import admitted, settled, told
from tests.services.audit.test_personal import noted
from tests.services.audit.test_postgres import of, whole
from tests.services.audit.test_schema import ABOUT, EARLIER_NOTES
from tests.services.audit.test_segment_commands import pilote
from tests.services.ports import free

pytestmark = pytest.mark.skipif(programs() is None, reason="there is no PostgreSQL here")
PASSWORD = "swordfish: a\\b"
LOCAL_BY_PASSWORD = "local all secured scram-sha-256\nlocal all all trust\nhost all all 127.0.0.1/32 trust\n"


@pytest.fixture
def server() -> Iterator[PostgresProcess]:
    """A server with a database `kept` of the role `secured`, which may do nothing else and must say its password."""
    with postgres.running() as server:
        (server.home / "data" / "pg_hba.conf").write_text(LOCAL_BY_PASSWORD, encoding="ascii")
        server.execute(
            f"CREATE ROLE secured LOGIN PASSWORD '{PASSWORD}'",
            "CREATE DATABASE kept OWNER secured",
            "SELECT pg_reload_conf()",
        )
        yield server


def passfile(folder: Path, *, mode: int = 0o600, password: str = PASSWORD) -> Path:
    """A file as libpq wants it."""
    path, escaped = folder / f"pgpass-{mode}", password.replace("\\", "\\\\").replace(":", "\\:")
    path.write_text(f"*:*:kept:secured:{escaped}\n", encoding="utf-8")
    path.chmod(mode)
    return path


def url_of(server: PostgresProcess, file: Path) -> str:
    return f"postgresql://secured@/kept?host={server.home}&passfile={file}"


async def test_a_role_that_owns_its_database_and_nothing_else_does_everything_with_a_password_from_a_file(
    server: PostgresProcess, tmp_path: Path
) -> None:
    url = url_of(server, passfile(tmp_path))
    store = PostgresStore(url)
    late = a_record(0, id=an_id(0, at_ms=NOW_MS - 9 * DAY_MS), received_ms=NOW_MS - 9 * DAY_MS, keep_days=1)
    await store.write([of(late), admitted(1), settled(1), told(1)])
    await store.personal.erase([Person("acme", "somebody")], now_ms=NOW_MS, note=noted)
    cleared = await store.personal.clear_files()
    await store.tend(now_ms=NOW_MS)
    await Checkpoints(store.log, signer=log_signer(tmp_path / KEY_FILE), clock_ms=lambda: NOW_MS).now()
    left, count = await store.log.size(), await store.count()
    await store.close()
    verified = pilote("verify", home=tmp_path, PILOTE_AUDIT_URL=url)

    assert (cleared, left, count) == (True, 5, 1)
    assert verified.returncode == 0, verified.stderr


async def test_whoever_may_only_read_can_verify(server: PostgresProcess, tmp_path: Path) -> None:
    server.execute("CREATE ROLE auditor LOGIN IN ROLE pg_read_all_data")
    store = PostgresStore(url_of(server, passfile(tmp_path)))
    await store.write([admitted(1), settled(1)])
    await store.close()
    reading = f"postgresql://auditor@/kept?host={server.home}"
    verified = pilote("verify", "--key", SIGNER.key.text, home=tmp_path, PILOTE_AUDIT_URL=reading)
    stats = pilote("stats", home=tmp_path, PILOTE_AUDIT_URL=reading)

    assert (verified.returncode, stats.returncode) == (0, 0), verified.stderr + stats.stderr


@pytest.mark.parametrize("command", ["stats", "verify", "rewrap"])
def test_a_file_with_the_password_that_is_not_there_or_not_secret_is_named(
    server: PostgresProcess, tmp_path: Path, command: str
) -> None:
    log_signer(tmp_path / KEY_FILE)
    for file, english, french in (
        (tmp_path / "none", "is not there", "n’existe pas"),
        (passfile(tmp_path, mode=0o640), "chmod 600", "chmod 600"),
    ):
        said, dit = (
            pilote(command, home=tmp_path, PILOTE_AUDIT_URL=url_of(server, file), PILOTE_LANG=lang)
            for lang in ("en", "fr")
        )
        assert (said.returncode, dit.returncode) == (2, 2)
        assert english in " ".join(said.stderr.split())
        assert french in " ".join(dit.stderr.split())


async def test_a_wrong_password_is_refused_and_not_repeated(server: PostgresProcess, tmp_path: Path) -> None:
    store = PostgresStore(url_of(server, passfile(tmp_path, password="wrong secret")))
    with pytest.raises(CallEnded) as refused:
        await store.count()
    await store.close()

    assert "password authentication failed" in str(refused.value.__cause__)
    assert "wrong secret" not in f"{refused.value} {refused.value.__cause__}"


class _WithTls(PostgresProcess):
    """A server that is reached by TCP too, with TLS."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        (self.port,) = free(1)
        self.certificate = _certificate(home / "data")

    def url(self, database: str = "postgres") -> str:
        return f"{super().url(database)}&port={self.port}"

    def _options(self) -> dict[str, str | Path]:
        more = {"listen_addresses": "127.0.0.1", "port": str(self.port), "ssl": "on"}
        files = {"ssl_cert_file": self.home / "data" / "server.crt", "ssl_key_file": self.home / "data" / "server.key"}
        return {**super()._options(), **more, **files}


def _certificate(folder: Path) -> bytes:
    """Make a key and a certificate of 127.0.0.1 for a server whose data lie there; returns the certificate."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db")])
    made = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(made - datetime.timedelta(hours=1))
        .not_valid_after(made + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    owner = folder.stat()
    for path, content in ((folder / "server.crt", certificate), (folder / "server.key", pem)):
        path.write_bytes(content)
        path.chmod(0o600)
        os.chown(path, owner.st_uid, owner.st_gid)
    return certificate


async def test_over_tls_only_the_server_whose_certificate_is_trusted_is_spoken_to(tmp_path: Path) -> None:
    with postgres.running(_WithTls) as server:

        async def encrypted(url: str) -> bool:
            store = PostgresStore(url)
            try:
                await store.write([admitted(1)])
                return bool(
                    await store._readers.run(
                        lambda connection: connection.execute(
                            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
                        ).fetchall()[0][0]
                    )
                )
            finally:
                await store.close()

        assert isinstance(server, _WithTls)
        trusted = tmp_path / "ca.crt"
        trusted.write_bytes(server.certificate)
        place = f"127.0.0.1:{server.port}/postgres?sslmode=verify-full"
        assert await encrypted(f"postgresql://pilote@{place}&sslrootcert={trusted}")
        with pytest.raises(CallEnded) as refused:
            await encrypted(f"postgresql://pilote@{place}&sslrootcert=system")
        assert "certificate verify failed" in str(refused.value.__cause__)
        with pytest.raises(CallEnded) as other_name:
            await encrypted(
                f"postgresql://pilote@localhost:{server.port}/postgres?sslmode=verify-full&sslrootcert={trusted}"
            )
        assert "does not match" in str(other_name.value.__cause__)


async def test_a_dump_that_is_put_back_is_the_same_log_and_goes_on(server: PostgresProcess, tmp_path: Path) -> None:
    bin_ = programs()
    assert bin_ is not None
    store = PostgresStore(server.url("kept"))
    days = [NOW_MS + n * DAY_MS for n in range(3)]
    records = [a_record(n, id=an_id(n, at_ms=day), received_ms=day) for n, day in enumerate(days)]
    await store.write([*map(of, records), settled(0), told(0)])
    signer = log_signer(tmp_path / KEY_FILE)
    await Checkpoints(store.log, signer=signer, clock_ms=lambda: NOW_MS).now()
    await store.close()
    dump = server.home / "dump"
    server.run(bin_ / "pg_dump", "--format=custom", f"--file={dump}", "--dbname", server.url("kept"))
    server.execute("CREATE DATABASE again OWNER secured")
    server.run(bin_ / "pg_restore", "--dbname", server.url("again"), str(dump))
    verified = pilote("verify", home=tmp_path, PILOTE_AUDIT_URL=server.url("again"))
    again = PostgresStore(server.url("again"))
    known = await again.write([of(records[0]), settled(0), told(0)])
    new = await again.write([of(a_record(9, id=an_id(9, at_ms=days[0])))])
    signed = await Checkpoints(again.log, signer=signer, clock_ms=lambda: NOW_MS).now()

    assert verified.returncode == 0, verified.stderr
    assert (known, new, signed.size) == ((), (an_id(9, at_ms=days[0]),), 6)
    assert await whole(again) == 6
    await again.close()


async def test_a_store_of_an_earlier_version_is_brought_up_to_date_with_all_that_is_in_it(
    server: PostgresProcess,
) -> None:
    url = server.url("kept")
    store = PostgresStore(url)
    await store.write([admitted(0), settled(0), *EARLIER_NOTES])
    await store.close()
    with lanes.connected(parameters(url)) as connection:  # as the first version made it
        for column in (
            "decision.until_ms",
            "subject_key.until_ms",
            "call.upstream",
            "outcome.question",
            "outcome.answer",
            *(f"noted.{name}" for name in COLUMNS),
        ):
            table, _, name = column.partition(".")
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}".encode())
        connection.execute("DROP TABLE activity, near_bucket, upstream_minute, upstream_heard")
        connection.execute("DELETE FROM schema_step WHERE number > 1")
    looking = PostgresStore(url, make=False)
    with pytest.raises(CallEnded, match="no decision store of this version"):
        await looking.count()
    await looking.close()
    stores = [PostgresStore(url) for _ in range(2)]
    for number, each in enumerate(stores, start=1):
        await each.write([admitted(number)])
    found = await stores[0].page(parse(""), now_ms=NOW_MS, before="", size=9)
    found_by = [await stores[0].personal.notes(NotesQuery(resource=each), before=99, size=9) for each in ABOUT]
    misnoted = await stores[0].misnoted()
    with lanes.connected(parameters(url)) as connection:
        steps = connection.execute("SELECT count(*) FROM schema_step").fetchone()

    assert [each.record.id for each in found] == [an_id(2), an_id(1), an_id(0)]
    assert steps == (len(schema.steps()),)
    assert [[note.raw for note in notes] for notes in found_by] == [[each.raw] for each in EARLIER_NOTES]
    assert misnoted == []
    for each in stores:
        await each.close()
