"""The commands `pilote backup` and `pilote restore`."""

import asyncio
import contextlib
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final

import typer

from gateway.clock import clock_ms
from gateway.core.texts import moment
from gateway.settings import Settings, language
from services.commands.backup_texts import say
from services.commands.shell import Shell

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    from gateway.redis_clients import Client
    from services.backups.manifest import Database, Manifest
    from services.backups.sealed_files import Opener, SealedWriter

LEAST: Final = 12
"""Characters of a passphrase: with scrypt's half second a guess, twelve random ones are out of reach."""
PassphraseFile = Annotated[Path | None, typer.Option(help="A file with a passphrase.", dir_okay=False)]


def add_to(app: typer.Typer, shell: Shell) -> None:
    """Add them to the commands of `pilote`."""

    @app.command()
    def backup(
        file: Annotated[Path, typer.Argument(help="Where to write it.", dir_okay=False)],
        passphrase_file: PassphraseFile = None,
        recipient: Annotated[
            list[Path] | None, typer.Option(help="A file with the public key (X25519, PEM) of who may open it.")
        ] = None,
    ) -> None:
        """Write all that cannot be made again to a sealed file, while everything runs: store, decisions, keys."""
        settings = shell.settings()
        lang = language(settings)
        if file.exists():
            shell.fail(say("exists", language=lang, file=file), 2)
        if passphrase_file is None and not recipient:
            shell.fail(say("who", language=lang), 2)
        phrase = "" if passphrase_file is None else _passphrase(shell, passphrase_file, lang)
        _back_up(
            shell, settings, file, phrase=phrase, recipients=[_public(shell, each, lang) for each in recipient or ()]
        )

    @app.command()
    def restore(
        file: Annotated[Path, typer.Argument(help="A backup.", exists=True, dir_okay=False)],
        passphrase_file: PassphraseFile = None,
        identity: Annotated[
            Path | None, typer.Option(help="A file with the private key (X25519, PEM) of a recipient.", dir_okay=False)
        ] = None,
        into: Annotated[
            Path | None, typer.Option(help="Only unpack it into this folder, which must not exist.")
        ] = None,
        check: Annotated[bool, typer.Option("--check", help="Only see that it is whole.")] = False,  # noqa: FBT002
    ) -> None:
        """Bring everything back from a backup, into an empty home and an empty store, where nothing runs."""
        settings = shell.settings()
        lang = language(settings)
        if (passphrase_file is None) == (identity is None):
            shell.fail(say("with-what", language=lang), 2)
        opener: Opener = (
            _private(shell, identity, lang)
            if identity is not None
            else _passphrase(shell, passphrase_file or Path(), lang)
        )
        with _told(shell, file, lang):
            if check or into is not None:
                _unpack(shell, file, opener, into=into, lang=lang)
            else:
                _restore(shell, settings, file, opener)


def _back_up(shell: Shell, settings: Settings, file: Path, *, phrase: str, recipients: "list[X25519PublicKey]") -> None:
    from services.backups.sealed_files import SealedWriter
    from services.backups.taking import Wanted, take
    from services.data_versions import known

    lang = language(settings)

    def seal(to: BinaryIO) -> "SealedWriter":
        return SealedWriter(to, passphrase=phrase, recipients=recipients)

    async def work() -> Any:
        async with _store_of(shell, settings) as redis:
            wanted = Wanted(
                home=settings.home,
                key_files=_outside(settings),
                versions=known(),
                database=await _database(shell, settings),
            )
            return await take(redis, wanted, file, seal=seal, clock_ms=clock_ms)

    begun = time.monotonic()
    try:
        taken = asyncio.run(work())
    except (OSError, sqlite3.Error):
        shell.fail(say("cannot", language=lang))
    said: Manifest = taken.manifest
    values = {"keys": said.store_keys, "files": len(said.parts), "size": f"{taken.size / 1e6:.1f}"}
    at = moment(said.begun_ms, language=lang)
    seconds = f"{time.monotonic() - begun:.1f}"
    _say(shell, "taken", lang, file=file, at=at, seconds=seconds, **values)
    if said.database is not None:
        _say(shell, "database", lang, at=moment(said.ended_ms, language=lang), size=said.database.log_size)


def _unpack(shell: Shell, file: Path, opener: "Opener", *, into: Path | None, lang: str) -> None:
    import tempfile

    from services.backups.restoring import unpack
    from services.data_versions import known

    if into is not None:
        if into.exists():
            shell.fail(say("restore-not-empty", language=lang, home=into), 2)
        said = unpack(file, into, opener=opener, known=known())
        _say(shell, "unpacked", lang, file=file, into=into, at=moment(said.begun_ms, language=lang))
        return
    with tempfile.TemporaryDirectory(prefix="pilote-check-") as name:
        said = unpack(file, Path(name) / "backup", opener=opener, known=known())
    _say(shell, "checked", lang, file=file, at=moment(said.begun_ms, language=lang))


def _restore(shell: Shell, settings: Settings, file: Path, opener: "Opener") -> None:
    from services.backups.restoring import fill_store, restore
    from services.data_versions import known
    from services.supervisor.home import running

    lang, begun = language(settings), time.monotonic()
    if running(settings.home.resolve()) is not None:
        shell.fail(say("runs", language=lang, home=settings.home), 2)

    async def fill(staged: Path) -> int:
        async with _store_of(shell, settings) as redis:
            return await fill_store(redis, staged)

    said = asyncio.run(
        restore(file, home=settings.home, opener=opener, known=known(), key_files=_outside(settings), fill=fill)
    )
    at = moment(said.begun_ms, language=lang)
    seconds = f"{time.monotonic() - begun:.1f}"
    values = {"revision": said.revision, "keys": said.store_keys, "seconds": seconds}
    _say(shell, "restored", lang, home=settings.home, at=at, **values)
    if said.database is not None:
        ended = moment(said.ended_ms, language=lang)
        _say(shell, "restore-database", lang, at=ended, size=said.database.log_size)


@contextlib.asynccontextmanager
async def _store_of(shell: Shell, settings: Settings) -> "AsyncIterator[Client]":
    """The store; the embedded one of a home where nothing runs is started for as long as it is needed."""
    from services.commands.embedded import embedded_store
    from services.supervisor.home import running

    if settings.redis_url is None and running(settings.home.resolve()) is None:
        async with embedded_store(settings.home) as redis:
            yield redis
    else:
        async with shell.store(settings) as redis:
            yield redis


async def _database(shell: Shell, settings: Settings) -> "Database | None":
    from gateway.core.errors import CallEnded
    from services.backups.manifest import Database
    from services.commands.audit_commands import store_url_of
    from services.data_versions import known

    url = store_url_of(shell, settings)
    if url is None:
        return None
    from services.audit.postgres.store import PostgresStore

    store = PostgresStore(url, make=False)
    try:
        return Database(log_size=await store.log.size(), data_version=known()["audit-postgres"])
    except CallEnded:
        shell.fail(say("cannot", language=language(settings)))
    finally:
        await store.close()


def _outside(settings: Settings) -> Mapping[str, Path]:
    """Files of secrets that settings name, by their setting: they need not be in the home."""
    found = {}
    for name in Settings.__struct_fields__:
        file = getattr(settings, name)
        if name.endswith(("_key_file", "_keys_file", "_people_file", "oidc_file")) and file is not None:
            found[f"PILOTE_{name.upper()}"] = file
    return found


@contextlib.contextmanager
def _told(shell: Shell, file: Path, lang: str) -> Iterator[None]:
    from redis.exceptions import RedisError

    from services.backups.manifest import Unfit
    from services.backups.sealed_files import Unopened
    from services.texts import say as say_plainly

    try:
        yield
    except Unopened as unopened:
        shell.fail(say(unopened.why, language=lang, file=file), 2)
    except Unfit as unfit:
        shell.fail(say(unfit.what, language=lang, **({"file": file} | unfit.values)), 2)
    except RedisError:
        shell.fail(say_plainly("store-down", language=lang))
    except OSError:
        shell.fail(say("cannot", language=lang))


def _say(shell: Shell, key: str, lang: str, **values: object) -> None:
    shell.out.print(say(key, language=lang, **values), markup=False, soft_wrap=True)


def _passphrase(shell: Shell, file: Path, lang: str) -> str:
    try:
        phrase = file.read_text(encoding="utf-8").strip()
        is_open = stat.S_IMODE(file.stat().st_mode) & 0o077
    except (OSError, UnicodeDecodeError):
        phrase, is_open = "", 0
    if len(phrase) < LEAST or "\n" in phrase or is_open:
        shell.fail(say("passphrase", language=lang, file=file, least=LEAST), 2)
    return phrase


def _public(shell: Shell, file: Path, lang: str) -> "X25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        found: object = load_pem_public_key(file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, X25519PublicKey):
        shell.fail(say("no-key", language=lang, file=file), 2)
    return found


def _private(shell: Shell, file: Path, lang: str) -> "X25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        found: object = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, X25519PrivateKey):
        shell.fail(say("no-key", language=lang, file=file), 2)
    return found
