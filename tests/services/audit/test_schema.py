"""A store that an older version wrote is brought up to date, and keeps what it holds."""

import sqlite3
from importlib import resources
from pathlib import Path

import msgspec

from services.audit.entries import Admitted, Noted, Settled
from services.audit.noting import COLUMNS, NotesQuery
from services.audit.personal import AccessNote, ErasureNote, ReportNote
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


EARLIER_NOTES = (
    AccessNote(at_ms=5, decision="d" * 32, tenant="acme", person="ada", reason='"person":"bob"\0', given=True).entry,
    ReportNote(at_ms=6, subject_ref="e" * 32, tenant="acme", person="", reason="é", decisions=2).entry,
    ErasureNote(
        at_ms=7, tenant="acme", subject_ref="f" * 32, person="dpo", reason='","at_ms":9', keys=1, inputs=0
    ).entry,
)
"""What earlier versions wrote into the log themselves."""
ABOUT = (f"decisions/{'d' * 32}", f"subjects/{'e' * 32}", f"subjects/{'f' * 32}")
"""What these are about."""


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


async def test_notes_of_an_earlier_version_are_found_by_what_they_say(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.write([*EARLIER_NOTES, Noted("change", b"no JSON")])
    await store.close()
    connection = sqlite3.connect(tmp_path / "audit" / "decisions.sqlite", isolation_level=None)
    for index in ("noted_by_kind", "noted_by_person", "noted_by_resource", "noted_request"):
        connection.execute(f"DROP INDEX {index}")
    for name in COLUMNS:
        connection.execute(f"ALTER TABLE noted DROP COLUMN {name}")
    for table in ("activity", "near_bucket", "upstream_minute", "upstream_heard"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("ALTER TABLE call DROP COLUMN upstream")
    for name in ("question", "answer"):
        connection.execute(f"ALTER TABLE outcome DROP COLUMN {name}")
    connection.execute("PRAGMA user_version = 15")
    connection.close()
    store = SqliteStore(tmp_path)
    found = [await store.personal.notes(NotesQuery(resource=each), before=99, size=9) for each in ABOUT]
    assert [[note.raw for note in notes] for notes in found] == [[each.raw] for each in EARLIER_NOTES]
    assert await store.misnoted() == []
    await store.close()


async def test_a_decision_from_before_that_is_never_settled_can_still_be_doubted(tmp_path: Path) -> None:
    _version_one(tmp_path)
    store = SqliteStore(tmp_path)
    assert await store.mark_in_doubt(now_ms=NOW_MS + 60_000) == 1
    await store.close()


def test_steps_are_numbered_without_a_gap() -> None:
    names = sorted(file.name for file in STEPS.iterdir() if file.name.endswith(".sql"))
    assert [int(name[:2]) for name in names] == list(range(1, len(names) + 1))
