"""What is taken of a store and a home comes back as it was, or not at all."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest
from redis.exceptions import ResponseError

from gateway.clock import clock_ms
from gateway.redis_clients import Client, connected
from services.backups import home_files, store_keys
from services.backups.manifest import FORMAT, Manifest, Unfit
from services.backups.restoring import check_keys, fill_store, restore, unpack
from services.backups.sealed_files import SealedWriter, Unopened
from services.backups.taking import Taken, Wanted, take
from services.data_versions import known
from tests.stores import Store

PHRASE = "correct horse battery staple"


def seal(file: BinaryIO) -> SealedWriter:
    return SealedWriter(file, passphrase=PHRASE, log_n=10)


async def fill(redis: Client) -> None:
    """Keys of every type, some that expire, more than are taken at once."""
    for number in range(store_keys.AT_ONCE + 20):
        await redis.zadd(f"pilote:{{acme/0}}:bucket:cap:pressure:subject={number}", {"decision": number})
    await redis.set("pilote:{acme/1}:told:x:y", b"\x00\xff", px=3_600_000)
    await redis.hset("pilote:{revisions}:all", mapping={"1": "one"})
    await redis.sadd("pilote:{directory}:streams", "pilote:{acme/0}:decisions")
    await redis.xadd("pilote:{acme/0}:decisions", {"k": "admit"}, id="5-0")
    await redis.xgroup_create("pilote:{acme/0}:decisions", "audit", id="5-0")
    await redis.set("pilote:{control}:session:abc", "logged in")
    await redis.set("others:key", "not ours")


async def everything(redis: Client) -> dict[bytes, tuple[bytes, int]]:
    """All keys of ours, with when they expire."""
    names = await store_keys.names(redis)
    return {each.key: (each.body, each.expires_ms) async for each in store_keys.kept(redis, names)}


async def understands(one: Client, other: Client) -> bool:
    """Whether a server reads what another one writes: Redis 8 and Valkey 9 do not."""
    name = next(iter(await store_keys.names(other)))
    body: Any = await other.dump(name)
    try:
        await one.restore(name, 0, body)
    except ResponseError:
        return False
    await one.delete(name)
    return True


async def taken(redis: Client, home: Path, file: Path, **more: Any) -> Taken:
    wanted = Wanted(home=home, key_files=more.pop("key_files", {}), versions={**known(), **more})
    return await take(redis, wanted, file, seal=seal, clock_ms=clock_ms)


def furnish(home: Path) -> None:
    """A home with files of each kind, and some that are not to be taken."""
    for folder in ("secrets", "audit/segments", "spool", "redis", "logs", "insights"):
        (home / folder).mkdir(parents=True)
        (home / folder / "file").write_bytes(folder.encode())
    (home / "up.json").write_text("{}")
    for name in ("audit/decisions.sqlite", "crm.sqlite"):
        with contextlib.closing(sqlite3.connect(home / name)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE t (n)")
            connection.execute("INSERT INTO t VALUES (7)")
            connection.commit()


@pytest.mark.every_store
async def test_a_store_comes_back_key_for_key_or_says_that_another_kind_of_server_wrote_it(
    request: pytest.FixtureRequest, redis: Client, own_redis: Store, tmp_path: Path
) -> None:
    kinds = {request.node.callspec.params[name].removesuffix("-cluster") for name in ("redis_process", "own_redis")}
    await fill(redis)
    before = await everything(redis)
    said = (await taken(redis, tmp_path / "home", tmp_path / "b")).manifest
    assert said.store_keys == len(before) == store_keys.AT_ONCE + 24
    async with await connected(own_redis.url) as empty:

        async def put(staged: Path) -> int:
            return await fill_store(empty, staged)

        if not await understands(empty, redis):
            assert len(kinds) == 2
            with pytest.raises(Unfit) as unread:
                await restore(
                    tmp_path / "b", home=tmp_path / "new", opener=PHRASE, known=known(), key_files={}, fill=put
                )
            assert unread.value.what == "restore-store-refuses"
            assert await everything(empty) == {}
            return
        await restore(tmp_path / "b", home=tmp_path / "new", opener=PHRASE, known=known(), key_files={}, fill=put)
        assert await everything(empty) == before
        assert await empty.xinfo_groups("pilote:{acme/0}:decisions") != []
        unpack(tmp_path / "b", tmp_path / "staged", opener=PHRASE, known=known())
        with pytest.raises(Unfit) as refused:
            await fill_store(empty, tmp_path / "staged")
        assert refused.value.what == "restore-store-not-empty"


@pytest.mark.one_server
async def test_files_come_back_and_what_is_made_again_stays_away(redis: Client, tmp_path: Path) -> None:
    home, new = tmp_path / "home", tmp_path / "new"
    furnish(home)
    outside = tmp_path / "outside.key"
    outside.write_bytes(b"k" * 64)
    writing = sqlite3.connect(home / "audit" / "decisions.sqlite", isolation_level=None)
    writing.execute("INSERT INTO t VALUES (8)")  # it is in the write-ahead log only
    await taken(redis, home, tmp_path / "b", key_files={"PILOTE_HOLD_KEY_FILE": outside})
    writing.close()
    assert [each for each in home.iterdir() if each.name.startswith(".backup")] == []

    async def nothing(staged: Path) -> int:
        return 0

    named = {"PILOTE_HOLD_KEY_FILE": new / "secrets" / "holds.key"}
    await restore(tmp_path / "b", home=new, opener=PHRASE, known=known(), key_files=named, fill=nothing)
    there = {each.as_posix() for each in home_files.files(new)}
    assert there == {
        "secrets/file",
        "secrets/holds.key",
        "audit/segments/file",
        "audit/decisions.sqlite",
        "spool/file",
        "crm.sqlite",
    }
    with contextlib.closing(sqlite3.connect(new / "audit" / "decisions.sqlite")) as connection:
        assert connection.execute("SELECT n FROM t").fetchall() == [(7,), (8,)]
    assert named["PILOTE_HOLD_KEY_FILE"].read_bytes() == b"k" * 64
    assert all(each.stat().st_mode & 0o077 == 0 for each in new.rglob("*"))
    with pytest.raises(Unfit) as refused:
        await restore(tmp_path / "b", home=new, opener=PHRASE, known=known(), key_files=named, fill=nothing)
    assert refused.value.what == "restore-not-empty"


@pytest.mark.one_server
async def test_a_store_that_fails_leaves_the_home_empty(redis: Client, tmp_path: Path) -> None:
    furnish(tmp_path / "home")
    await taken(redis, tmp_path / "home", tmp_path / "b")

    async def fails(staged: Path) -> int:
        raise Unfit("restore-store-refuses")

    with pytest.raises(Unfit):
        await restore(tmp_path / "b", home=tmp_path / "new", opener=PHRASE, known=known(), key_files={}, fill=fails)
    assert not (tmp_path / "new").exists()
    left = await asyncio.to_thread(lambda: list(tmp_path.glob(".*restore*")))
    assert left == []


@pytest.mark.one_server
async def test_what_is_newer_damaged_or_in_the_way_is_refused(redis: Client, tmp_path: Path) -> None:
    furnish(tmp_path / "home")
    key = tmp_path / "key"
    key.write_bytes(b"one")
    await taken(redis, tmp_path / "home", tmp_path / "newer", **{"audit-main": 10_000})
    await taken(redis, tmp_path / "home", tmp_path / "strange", telepathy=1)
    await taken(redis, tmp_path / "home", tmp_path / "good", key_files={"PILOTE_HOLD_KEY_FILE": key})
    for name in ("newer", "strange"):
        with pytest.raises(Unfit) as unfit:
            unpack(tmp_path / name, tmp_path / "staged", opener=PHRASE, known=known())
        assert unfit.value.what == "backup-data-newer"
    body = (tmp_path / "good").read_bytes()
    (tmp_path / "cut").write_bytes(body[:-1])
    for name, opener, why in (
        ("cut", PHRASE, "damaged"),
        ("good", "wrong phrase", "wrong-key"),
        ("key", PHRASE, "no-backup"),
    ):
        with pytest.raises(Unopened) as unopened:
            unpack(tmp_path / name, tmp_path / "staged", opener=opener, known=known())
        assert unopened.value.why == why
        assert not (tmp_path / "staged").exists()
    unpack(tmp_path / "good", tmp_path / "staged", opener=PHRASE, known=known())
    key.write_bytes(b"another")
    with pytest.raises(Unfit, match="restore-other-key"):
        check_keys(tmp_path / "staged", {"PILOTE_HOLD_KEY_FILE": key})
    with pytest.raises(FileExistsError):
        await taken(redis, tmp_path / "home", tmp_path / "good")


def test_a_manifest_of_a_later_format_is_told_by_its_version() -> None:
    from services.backups.manifest import fit

    later = Manifest(
        format=FORMAT + 1, pilote="9.0", begun_ms=0, ended_ms=0, versions={}, parts={}, store_keys=0, revision=0
    )
    with pytest.raises(Unfit) as unfit:
        fit(later, known())
    assert (unfit.value.what, unfit.value.values) == ("backup-newer", {"version": "9.0"})
    assert msgspec.json.decode(msgspec.json.encode(later), type=Manifest) == later
