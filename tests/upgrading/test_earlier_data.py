"""What a version of a thousand commits ago has stored is read, proven and gone on with; what is newer is refused.

`earlier.tar.xz` was made by commit c4d93681: two messages to a customer with a cap of two, a third that was refused,
and one that waits for a person; keys of the store as `services.backups` writes them, and the files of the audit
service.
"""

import contextlib
import sqlite3
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.core import keys
from gateway.core.errors import DataNewer
from gateway.redis_clients import Client, connected, patiently
from services.audit.sqlite import schema
from services.backups.restoring import fill_home, fill_store
from services.crm.store import Store as CrmStore
from services.data_versions import known
from services.vault.store import FILE, Vault
from tests import stores
from tests.e2e.audit_process import AuditProcess
from tests.e2e.holding import SALES, Desk
from tests.e2e.requests import send
from tests.e2e.world import World, auditing, told

EARLIER: Final = Path(__file__).parent / "earlier.tar.xz"
HELD: Final = "01a22ac8ec0b72dbb10bd4d602a8ccf4"
DECISIONS: Final = (
    "01a22ac8ebe97f31aa4ed8af4a3d5414",
    "01a22ac8ebf67551af4b8b139d1b63f2",
    "01a22ac8ec067be8a6b7b5699d1cf8a7",
)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """What was left, unpacked."""
    with tarfile.open(EARLIER) as archive:
        archive.extractall(tmp_path / "staged", filter="data")
    return tmp_path / "staged"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[stores.Store]:
    """A store of the kind that it was left in."""
    found = stores.store("valkey", tmp_path / "store", append_only=True)
    found.start()
    yield found
    found.kill()


@pytest.fixture
async def redis(store: stores.Store, earlier: Path) -> AsyncIterator[Client]:
    """That store, with what was left in it."""
    async with await connected(store.url) as client:
        await fill_store(client, earlier)
        yield client


async def test_an_earlier_log_is_brought_up_to_date_and_still_proven(
    redis: Client, store: stores.Store, earlier: Path, tmp_path: Path
) -> None:
    audit = AuditProcess(tmp_path / "home", redis_url=store.url)
    fill_home(earlier, audit.home, key_files={})
    with contextlib.closing(sqlite3.connect(audit.home / "audit" / "decisions.sqlite")) as connection:
        ((before,),) = connection.execute("PRAGMA user_version").fetchall()
    assert before == 14 < len(schema.steps())
    async with auditing(store.url, audit.home) as auditor:
        for decision in DECISIONS:
            assert (await auditor.decision(decision)).name == f"decisions/{decision}"
        assert {each.name.removeprefix("decisions/") for each in await auditor.listed()} == {*DECISIONS, HELD}
    code, _, wrong = await audit.run("audit", "verify")
    assert code == 0, wrong


async def test_an_earlier_store_is_gone_on_with(redis: Client, store: stores.Store, tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        world = World(redis, store.url, tmp_path, stack, keeping=False)
        await world.gateway()
        await world.wait_for(1)  # the revision is the one of then
        assert await world.taken() == 2  # and so is what was counted
        assert (await Desk(world).read(HELD)).agent == "sales-bot"
        ended = await told(world.agent().messages.SendMessage(send("contacts/another"), metadata=SALES))
        assert ended.reason == "UPSTREAM_UNAVAILABLE"  # it was let through: the CRM of then is gone
        assert await redis.get(keys.LAYOUT) == str(keys.LAYOUT_VERSION).encode()


async def test_a_store_of_a_newer_version_is_refused_in_words(store: stores.Store, tmp_path: Path) -> None:
    async with await connected(store.url) as redis:
        await redis.set(keys.LAYOUT, keys.LAYOUT_VERSION + 1)
        with pytest.raises(DataNewer, match="Run the newer version"):
            await patiently(store.url)
        process = AuditProcess(tmp_path / "home", redis_url=store.url)
        for command in ("audit", "gateway", "control"):
            code, said, wrong = await process.run(command, PILOTE_GATEWAY_LISTEN="127.0.0.1:0")
            assert code == 1
            assert "of version 2, and this version of Pilote knows 1 at most" in said + wrong, command
            assert "Traceback" not in said + wrong, command
        assert await redis.get(keys.LAYOUT) == str(keys.LAYOUT_VERSION + 1).encode()


def test_files_of_a_newer_version_are_refused_and_left(tmp_path: Path) -> None:
    def make(file: Path) -> None:
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA user_version = 99")

    openings: dict[str, Any] = {
        FILE: lambda: Vault(tmp_path, (b"k" * 32,)),
        "crm.sqlite": lambda: CrmStore(tmp_path / "crm.sqlite", schema=()),
    }
    for name, opening in openings.items():
        make(tmp_path / name)
        with pytest.raises(DataNewer, match="version 99"):
            opening()
        with contextlib.closing(sqlite3.connect(tmp_path / name)) as connection:
            assert connection.execute("PRAGMA user_version").fetchall() == [(99,)]


def test_every_kind_of_data_has_a_version() -> None:
    kinds = {"store", "audit-main", "audit-segments", "audit-postgres", "crm", "vault"}
    assert known().keys() == kinds
    assert all(version > 0 for version in known().values())
