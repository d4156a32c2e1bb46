"""A store that an older version wrote is brought up to date, and keeps what it holds."""

import sqlite3
from importlib import resources
from pathlib import Path

import msgspec

from services.audit.entries import Admitted, Settled
from services.audit.sqlite.store import SqliteStore
from tests.services.audit.conftest import GRANTED, NOW_MS, a_record, a_settlement, an_id

STEPS = resources.files("services.audit.sqlite.schema")


def _entries(number: int) -> tuple[Admitted, Settled]:
    record, settlement = a_record(number, route="crm", arm="a"), a_settlement(number)
    encode = msgspec.json.encode
    return (
        Admitted(record, GRANTED, encode(record), encode(GRANTED)),
        Settled(settlement, encode(settlement)),
    )


def _version_one(home: Path) -> None:
    """A store as the first version left it: one decision that runs."""
    (home / "audit").mkdir()
    connection = sqlite3.connect(home / "audit" / "decisions.sqlite", isolation_level=None)
    text = STEPS.joinpath("01_decisions.sql").read_text(encoding="utf-8")
    connection.executescript(f"{text} PRAGMA user_version = 1;")
    record = a_record(0, route="crm", arm="a")
    connection.execute(
        """INSERT INTO decision (id, tenant, agent, method, operation, subject_ref, channel, category, model, version,
           route, arm, upstream, trace_id, revision, received_ms, decided_ms, expires_ms, verdict, reason, rule, status,
           state, record, outcome)
           VALUES (?, 'acme', 'a', 'm', 'CONTACT', '', '', '', '', '', 'crm', 'a', 'u', '', 7, ?, ?, ?, 'ALLOW', '', '',
           '', 'RUNNING', ?, ?)""",
        (record.id, NOW_MS, NOW_MS, NOW_MS + 30_000, msgspec.json.encode(record), msgspec.json.encode(GRANTED)),
    )
    connection.close()


async def test_what_the_first_version_stored_is_kept_and_goes_on(tmp_path: Path) -> None:
    _version_one(tmp_path)
    for _ in range(2):  # the second time there is nothing left to do
        store = SqliteStore(tmp_path)
        await store.write([*_entries(0), *_entries(1)])
        found = [await store.get(an_id(number), now_ms=NOW_MS) for number in range(2)]
        count = await store.count()
        await store.close()
        assert (count, [each.conclusion.status for each in found if each]) == (2, ["OK", "OK"])


async def test_a_decision_from_before_that_is_never_settled_can_still_be_doubted(tmp_path: Path) -> None:
    _version_one(tmp_path)
    store = SqliteStore(tmp_path)
    assert await store.mark_in_doubt(now_ms=NOW_MS + 60_000) == 1
    await store.close()


def test_steps_are_numbered_without_a_gap() -> None:
    names = sorted(file.name for file in STEPS.iterdir() if file.name.endswith(".sql"))
    assert [int(name[:2]) for name in names] == list(range(1, len(names) + 1))
