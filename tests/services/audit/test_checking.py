"""`pilote audit verify` finds whatever somebody does to the files of a store."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, Final

import duckdb
import msgspec
import pytest

from services.audit.entries import Noted
from services.audit.proofs.checking import Check, Tally
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.audit.sqlite.files import SqliteFiles
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore
from services.proof.notes import Key, Signer
from tests.services.audit.conftest import NOW_MS, SIGNER, a_record, a_settlement
from tests.services.audit.kinds import Kind
from tests.services.audit.test_exports import OTHER
from tests.services.audit.test_log import admitted, copied, settled, told
from tests.services.audit.test_sealing import cold
from tests.services.audit.test_sealing import filled as sealed
from tests.services.audit.test_segments import _of_an_earlier_version
from tests.services.test_cli import _run

encode: Final = msgspec.json.encode


async def filled(home: Path, signer: Signer = SIGNER) -> None:
    """A store with 600 decisions, half of them settled, and other entries; signed twice."""
    store = SqliteStore(home)
    checkpoints = Checkpoints(store.log, signer=signer, clock_ms=lambda: NOW_MS)
    await store.write([admitted(number) for number in range(600)])
    await checkpoints.now()
    await store.write([settled(number) for number in range(300)])
    await store.write([told(1), copied(2), Noted("erasure", b"{}")])
    await checkpoints.now()
    await store.close()


async def check(home: Path, key: Key = SIGNER.key) -> tuple[set[str], Tally]:
    kept = SqliteFiles(home)
    looked = Check(kept, key=key, now_ms=NOW_MS, progress=lambda *_: None)
    found = {wrong.what async for wrong in looked.run()}
    await kept.close()
    return found, looked.tally


def tampering(home: Path, text: str, *values: Any) -> None:
    """Run a statement in the main file and in every segment where it means something."""
    done = 0
    for path in (home / "audit" / "decisions.sqlite", *(home / "audit" / "segments").glob("*.sqlite")):
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            done += connection.execute(text, values).rowcount
        except sqlite3.OperationalError as error:
            if "no such" not in str(error):
                raise
        connection.close()
    assert done > 0


async def test_a_store_that_nobody_has_touched_is_good(tmp_path: Path) -> None:
    await filled(tmp_path)
    wrong, tally = await check(tmp_path)

    assert wrong == set()
    assert tally == Tally(size=903, decisions=600, checkpoints=2)


async def test_a_store_of_any_kind_is_checked(store: DecisionStore, stores: Kind) -> None:
    checkpoints = Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS)
    for start in range(0, 40, 20):
        numbers = range(start, start + 20)
        await store.write([each for number in numbers for each in (admitted(number), settled(number), told(number))])
        await checkpoints.now()
    looked = Check(store, key=SIGNER.key, now_ms=NOW_MS, progress=lambda *_: None)
    good = [wrong async for wrong in looked.run()]
    stores.forge(bytes(120 * 32))
    forged = [wrong.what async for wrong in Check(store, key=SIGNER.key, now_ms=NOW_MS, progress=lambda *_: None).run()]

    assert (good, looked.tally) == ([], Tally(size=120, decisions=40, checkpoints=2))
    assert {"store-forked", "store-changed", "store-entry"} <= set(forged)


CHANGES: Final[dict[str, tuple[str, tuple[Any, ...], set[str]]]] = {
    "a record": (
        "UPDATE decision SET record = ? WHERE seq = 590",
        (encode(a_record(10, agent="salez-bot")),),
        {"store-changed"},
    ),
    "what admission said": (
        "UPDATE decision SET outcome = CAST('{\"granted\":false}' AS BLOB) WHERE seq = 590",
        (),
        {"store-changed"},
    ),
    "a settlement": (
        "UPDATE decision SET settlement = CAST(replace(settlement, 'OK', 'NO') AS BLOB) WHERE seq = 590",
        (),
        {"store-end-changed"},
    ),
    "a record, to nonsense": (
        "UPDATE decision SET record = x'00' WHERE seq = 590",
        (),
        {"store-undecodable", "store-entry"},
    ),
    "a settlement, to a text": (
        "UPDATE decision SET settlement = 'x' WHERE seq = 590",
        (),
        {"store-undecodable", "store-entry"},
    ),
    "a verdict in a column": ("UPDATE decision SET verdict = 'DENY' WHERE seq = 590", (), {"store-columns"}),
    "a settlement that was taken away": (
        "UPDATE decision SET settlement = NULL, settled_leaf = NULL, state = 'RUNNING' WHERE seq = 590",
        (),
        {"store-entry"},
    ),
    "a decision that says to be in no log": ("UPDATE decision SET leaf = NULL WHERE seq = 590", (), {"store-entry"}),
    "a decision at another's place": ("UPDATE decision SET leaf = 3 WHERE seq = 590", (), {"store-changed"}),
    "what a customer did": ("UPDATE outcome SET raw = '{}'", (), {"store-entry"}),
    "what came of a copy": ("UPDATE copy SET result = replace(result, 'AGREED', 'FAILED')", (), {"store-entry"}),
    "an entry of the log's own": ("UPDATE noted SET raw = '{ }'", (), {"store-entry"}),
    "a hash": (
        "UPDATE tile SET hashes = CAST(substr(hashes, 33) || x'00' AS BLOB) WHERE level = 0 AND number = 1",
        (),
        {"store-changed", "store-forked", "store-tiles"},
    ),
    "an upper tile": ("UPDATE tile SET hashes = zeroblob(64) WHERE level = 1", (), {"store-tiles"}),
    "the last tile, cut": (
        "DELETE FROM tile WHERE level = 0 AND number = 3",
        (),
        {"store-shorter"},
    ),
    "a checkpoint's root": ("UPDATE checkpoint SET root = zeroblob(32) WHERE size = 600", (), {"store-checkpoint"}),
    "a checkpoint's note": (
        "UPDATE checkpoint SET note = replace(note, 'A', 'B') WHERE size = 600",
        (),
        {"store-checkpoint"},
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_what_was_changed_is_found(tmp_path: Path, what: str) -> None:
    await filled(tmp_path)
    text, values, wanted = CHANGES[what]
    tampering(tmp_path, text, *values)
    wrong, _ = await check(tmp_path)

    assert wanted <= wrong, wrong


async def test_what_an_earlier_version_stored_enters_the_log_once(tmp_path: Path) -> None:
    _of_an_earlier_version(tmp_path, 1_050)
    main = sqlite3.connect(tmp_path / "audit" / "decisions.sqlite", isolation_level=None)
    ended = encode(a_settlement(0))
    main.execute(
        "UPDATE decision SET settlement = ?, state = 'SETTLED' WHERE id IN (SELECT min(id) FROM decision)", (ended,)
    )
    main.close()
    for _ in range(2):
        store = SqliteStore(tmp_path)
        await Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS).now()
        await store.write([admitted(2_000_000)])
        await store.close()
    wrong, tally = await check(tmp_path)

    assert (tally.size, tally.decisions, tally.unlogged, tally.deleted) == (1_052, 1_051, 0, 0)
    assert wrong == {"store-columns"}  # those rows were made up, and say less than their records
    store = SqliteStore(tmp_path)
    places = await store.log.places(0, end=1_052)
    await store.close()
    assert [place.kind for place in places].count("settle") == 1
    assert all(place.leaf is not None and place.leaf.hash == place.hash for place in places)


async def test_hours_that_were_sealed_are_checked_too(tmp_path: Path) -> None:
    store = await sealed(tmp_path)
    await Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS).now()
    await cold(store)
    await store.close()
    good, tally = await check(tmp_path)
    file = max((tmp_path / "audit" / "sealed").glob("*.parquet"))
    whole = file.read_bytes()
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT * FROM read_parquet(?)", [str(file)])
        connection.execute("UPDATE t SET record = CAST(replace(decode(record), 'agent-1', 'agent-2') AS BLOB)")
        connection.execute("COPY t TO ? (FORMAT parquet, COMPRESSION zstd)", [str(file)])
    changed, _ = await check(tmp_path)
    file.write_bytes(whole[: len(whole) // 2])
    broken, _ = await check(tmp_path)

    assert (good, tally) == (set(), Tally(size=80, decisions=40, checkpoints=1))
    assert "store-changed" in changed
    assert "store-damaged" in broken


async def test_an_inserted_decision_is_found_and_a_deleted_one_counted(tmp_path: Path) -> None:
    await filled(tmp_path)
    columns = "tenant, agent, method, operation, subject_ref, channel, category, model, version, route, arm, upstream"
    more = "revision, trace_id, received_ms, decided_ms, expires_ms, verdict, reason, rule, status, state, outcome"
    made = a_record(1_000)
    tampering(
        tmp_path,
        f"INSERT INTO decision (seq, id, record, leaf, {columns}, {more}) "  # noqa: S608
        f"SELECT 9999, ?, ?, 8, {columns}, {more} FROM decision WHERE seq = 590",
        made.id,
        encode(made),
    )
    wrong, _ = await check(tmp_path)
    assert "store-changed" in wrong

    tampering(tmp_path, "DELETE FROM decision WHERE seq IN (9999, 590)")
    wrong, tally = await check(tmp_path)
    assert (wrong, tally.deleted) == (set(), 2)  # its admission and its end


async def test_a_store_signed_by_another_key_is_not_ours(tmp_path: Path) -> None:
    await filled(tmp_path, OTHER)

    assert (await check(tmp_path))[0] == {"store-checkpoint"}


async def test_a_check_goes_on_while_more_is_stored(tmp_path: Path) -> None:
    await filled(tmp_path)
    store = SqliteStore(tmp_path)
    kept = SqliteFiles(tmp_path)
    looked = Check(kept, key=SIGNER.key, now_ms=NOW_MS, progress=lambda *_: None)
    found = looked.run()
    looked.tally.size = await kept.log.size()
    await store.write([admitted(number) for number in range(600, 700)])
    await store.write([settled(number) for number in range(250, 700)])
    wrong = [each async for each in found]
    await kept.close()
    await store.close()

    assert wrong == []


def test_an_operator_checks_a_store_by_the_command_line(tmp_path: Path) -> None:
    assert _run("audit", "verify", home=tmp_path).returncode == 2  # there is no key, and no store
    asyncio.run(filled(tmp_path, log_signer(tmp_path / KEY_FILE)))
    good = _run("audit", "verify", home=tmp_path)
    tampering(tmp_path, "UPDATE decision SET verdict = 'DENY' WHERE seq = 590")
    bad = _run("audit", "verify", home=tmp_path, PILOTE_LANG="fr")
    other = _run("audit", "verify", "--key", SIGNER.key.text, home=tmp_path)

    assert (good.returncode, good.stderr) == (0, "")
    assert "Good: 600 decisions" in good.stdout
    assert (bad.returncode, "son enregistrement : verdict." in bad.stderr) == (1, True)
    assert (other.returncode, "is not signed with the key" in other.stderr) == (1, True)
    assert _run("audit", "verify", "--key", SIGNER.key.text, home=tmp_path / "none").returncode == 1
