"""`pilote audit verify` says which column of which decision filters would be misled by, in stores of every kind."""

from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway.core.record import RuleLook
from services.audit.entries import Entry
from services.audit.proofs.checking import Check
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.audit.sqlite.files import SqliteFiles
from services.audit.sqlite.segments.lookup import packed
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore
from tests.examples import thoroughly
from tests.services.audit.conftest import NOW_MS, SIGNER, a_record, a_settlement, admit, an_id, settle
from tests.services.audit.filters import Row, entries, rows
from tests.services.audit.kinds import Kind, Sqlite
from tests.services.audit.test_cold_filters import LATE_MS
from tests.services.audit.test_cold_filters import cold as made_cold
from tests.services.audit.test_sealing import KEEPING, cold, of_hour
from tests.services.audit.test_segment_commands import pilote
from tests.services.audit.test_segments import a_time, admitted, ended, entry

TEXTS: Final = (
    *("tenant", "agent", "method", "operation", "subject_ref", "channel", "category", "model", "version", "route"),
    *("arm", "upstream", "trace_id", "reason", "rule", "status"),
)
NUMBERS: Final = ("revision", "received_ms", "decided_ms", "expires_ms", "settled_ms")
OTHERS: Final = {"verdict": "DENY", "state": "IN_DOUBT"}
VICTIM: Final = an_id(2)


def _entries() -> list[Entry]:
    looks = (RuleLook("quiet-hours", "deny", "monitor"), RuleLook("allow-sales", "allow"))
    admissions = [entry(admit(a_record(number, rules=looks, channel="email"))) for number in range(4)]
    return [*admissions, *(entry(settle(a_settlement(number))) for number in range(3))]


async def _wrong(store: DecisionStore | SqliteFiles) -> set[tuple[str, str, str]]:
    check = Check(store, key=SIGNER.key, now_ms=NOW_MS, progress=lambda *_: None)
    return {
        (each.what, str(each.values.get("decision", "")), str(each.values.get("columns", "")))
        async for each in check.run()
    }


async def test_a_column_that_says_something_else_is_named_whichever_it_is(store: DecisionStore, stores: Kind) -> None:
    await store.write(_entries())
    assert await _wrong(store) == set()
    changes: dict[str, tuple[str, str]] = {
        **{name: (f"{name} || 'x'", f"substr({name}, 1, length({name}) - 1)") for name in TEXTS},
        **{name: (f"{name} + 1", f"{name} - 1") for name in NUMBERS},
        **{
            name: (f"'{value}'", f"'{was}'")
            for (name, value), was in zip(OTHERS.items(), ("ALLOW", "SETTLED"), strict=True)
        },
    }
    seen = {}
    for name, (there, back) in changes.items():
        stores.tamper(f"UPDATE decision SET {name} = {there} WHERE id = :id", id=VICTIM)  # noqa: S608
        seen[name] = await _wrong(store)
        stores.tamper(f"UPDATE decision SET {name} = {back} WHERE id = :id", id=VICTIM)  # noqa: S608

    assert seen == {name: {("store-columns", VICTIM, name)} for name in changes}
    assert await _wrong(store) == set()


async def test_a_rule_too_many_or_too_few_and_another_id_are_named(store: DecisionStore, stores: Kind) -> None:
    await store.write(_entries())
    values = {"id": VICTIM, "other": an_id(3, at_ms=NOW_MS + 1)}
    stores.tamper("INSERT INTO decision_rule (rule, decision) VALUES ('z', :id)", id=VICTIM)
    more = await _wrong(store)
    stores.tamper("UPDATE decision_rule SET rule = 'quiet-hour' WHERE rule = 'z' AND decision = :id", id=VICTIM)
    other = await _wrong(store)
    stores.tamper("DELETE FROM decision_rule WHERE decision = :id AND rule = 'quiet-hour'", id=VICTIM)
    right = await _wrong(store)
    stores.tamper("DELETE FROM decision_rule WHERE decision = :id AND rule = 'quiet-hours'", id=VICTIM)
    fewer = await _wrong(store)
    stores.tamper("UPDATE decision SET id = :other WHERE id = :id", **values)
    moved = await _wrong(store)

    assert more == other == fewer == {("store-columns", VICTIM, "rules")}
    assert right == set()
    assert ("store-columns", VICTIM, "id") in moved


async def test_how_long_postgresql_keeps_it_and_what_words_it_finds_are_compared(
    store: DecisionStore, stores: Kind
) -> None:
    await store.write(_entries())
    if isinstance(store, SqliteStore):
        return  # neither is a column of a segment that is open
    stores.tamper("UPDATE decision SET until_ms = 1, words = words || 'x' WHERE id = :id", id=VICTIM)

    assert await _wrong(store) == {("store-columns", VICTIM, "words, until_ms")}


@thoroughly(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=rows(), late=st.booleans())
async def test_nothing_is_wrong_with_what_the_service_wrote(found: list[Row], stores: Kind, *, late: bool) -> None:
    store = stores.new()
    written = entries(found)
    # At once, or each by itself: words of a settlement that comes later are put behind the others.
    for batch in [[each] for each in written] if late else [written]:
        await store.write(batch)
    open_hours = await _wrong(store)
    await store.mark_in_doubt(now_ms=LATE_MS)
    marked = await _wrong(store)
    await store.tend(now_ms=LATE_MS)
    await store.close()

    assert (open_hours, marked) == (set(), set())


@thoroughly(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=rows())
async def test_nothing_is_wrong_with_what_was_sealed(
    found: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("store"), keeping=Keeping(grace_ms=0, hot_ms=0))
    await store.write(entries(found))
    await made_cold(store)
    wrong = await _wrong(store)
    await store.close()

    assert wrong == set()


SEALED: Final[dict[str, str]] = {
    **{name: f"{name} || 'x'" for name in TEXTS},
    **{name: f"{name} + 1" for name in NUMBERS},
    **{name: f"'{value}'" for name, value in OTHERS.items()},
    "rules": "list_append(rules, 'z')",
    "words": "words || ' x'",
}


def _rewritten(path: Path, name: str, changed: str, victim: str) -> None:
    part = path.with_suffix(".tampered")
    text = f"""COPY (SELECT * REPLACE (CASE WHEN id = '{victim}' THEN {changed} ELSE {name} END AS {name})
        FROM read_parquet('{path}') ORDER BY id) TO '{part}' (FORMAT parquet)"""  # noqa: S608
    duckdb.execute(text)
    part.rename(path)


async def test_a_column_of_a_parquet_file_that_says_something_else_is_named(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([each for n in (0, 4, 8) for each in (admitted(n, channel="email", expires_ms=1), ended(n))])
    await cold(store)
    await store.close()
    path = tmp_path / "audit" / "sealed" / f"{of_hour(0)}.parquet"
    path.with_name(f"{path.name}.lookup").unlink()
    kept, victim = path.read_bytes(), an_id(0, at_ms=a_time(4))
    seen: dict[str, Any] = {}
    for name, changed in SEALED.items():
        _rewritten(path, name, changed, victim)
        files = SqliteFiles(tmp_path)
        seen[name] = await _wrong(files)
        await files.close()
        path.write_bytes(kept)

    assert seen == {name: {("store-columns", victim, name)} for name in SEALED}


async def test_a_lookup_file_that_hides_a_decision_is_named_and_one_that_is_missing_hides_none(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([each for n in range(4) for each in (admitted(n), ended(n))])
    await cold(store)
    await store.close()
    hides, missing, *_ = sorted((tmp_path / "audit" / "sealed").glob("*.lookup"))
    # With all checksums, as somebody would write it who does not want a decision to be found.
    hides.write_bytes(packed([], parquet_bytes=hides.with_suffix("").stat().st_size))
    missing.unlink()
    files = SqliteFiles(tmp_path)
    check = Check(files, key=SIGNER.key, now_ms=NOW_MS, progress=lambda *_: None)
    wrong = [(each.what, each.values) async for each in check.run()]
    await files.close()

    assert wrong == [("store-misleading", {"file": hides.name})]


async def test_the_command_says_which_column_in_two_languages(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.write(_entries())
    await store.close()
    sqlite = Sqlite(tmp_path)
    log_signer(tmp_path / KEY_FILE)
    sqlite.tamper("UPDATE decision SET agent = 'x', arm = 'y' WHERE id = :id", id=VICTIM)
    said, french = pilote("verify", home=tmp_path), pilote("verify", home=tmp_path, PILOTE_LANG="fr")

    assert said.returncode == french.returncode == 1
    assert f"decisions/{VICTIM}: what filters look at is not what its record says: agent, arm." in said.stderr
    assert "ce que regardent les filtres n’est pas ce que dit son enregistrement : agent, arm." in french.stderr
