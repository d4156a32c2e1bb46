"""`pilote audit stats` and `pilote audit seal` say in two languages what a store's files are like."""

import subprocess
from pathlib import Path

import pytest

from gateway.settings import inherited
from services.audit.in_use import InUse, using
from services.audit.sqlite.store import SqliteStore
from tests.services import command_line
from tests.services.audit.test_sealing import of_hour
from tests.services.audit.test_segments import admitted


def pilote(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command with a home."""
    environment = {name: value for name, value in inherited().items() if not name.startswith("PILOTE_")}
    environment |= {"PILOTE_HOME": str(home), "PILOTE_LANG": "en", **settings}
    return command_line.pilote("audit", *arguments, environment=environment)


async def _filled(home: Path) -> None:
    store = SqliteStore(home)
    await store.write([admitted(number, keep_days=36_500) for number in range(12)])
    await store.close()


async def test_segments_are_listed_sealed_and_checked(tmp_path: Path) -> None:
    await _filled(tmp_path)
    before = pilote("stats", home=tmp_path)
    sealed = pilote("seal", home=tmp_path)
    after = pilote("stats", "--check", home=tmp_path)
    cold = pilote("seal", home=tmp_path, PILOTE_AUDIT_HOT_HOURS="0", PILOTE_LANG="fr")
    french = pilote("stats", "--check", home=tmp_path, PILOTE_LANG="fr")

    assert before.returncode == sealed.returncode == after.returncode == cold.returncode == french.returncode == 0
    assert len(before.stdout.splitlines()) == 6
    assert before.stdout.splitlines()[1].split("\t")[:3] == ["2026-11-24 07:00", "open", "3"]
    assert sealed.stdout == "Segments that were sealed: 4.\n"
    assert after.stdout.count("sealed") == 4
    assert "All 4 segments can be read: 12 decisions, in order." in after.stdout
    assert "Segments scellés : 0." in cold.stdout
    assert french.stdout.count("scellé, Parquet seul") == 4
    assert "Les 4 segments sont lisibles : 12 décisions, dans l’ordre." in french.stdout


async def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    await _filled(tmp_path)
    folder = tmp_path / "audit" / "segments"
    (folder / f"{of_hour(1)}.sqlite").unlink()
    (folder / f"{of_hour(2)}.sqlite").write_bytes(b"nonsense" * 1_000)
    stats, checked = pilote("stats", home=tmp_path), pilote("stats", "--check", home=tmp_path)

    assert (stats.returncode, checked.returncode) == (1, 1)
    assert f"{of_hour(1)}.sqlite is missing." in stats.stderr
    assert f"{of_hour(1)}.sqlite is missing." in checked.stderr
    assert f"{of_hour(2)}.sqlite cannot be read" in checked.stderr
    assert "Faults: 2." in checked.stderr


async def test_without_a_store_the_commands_say_so_and_make_none(tmp_path: Path) -> None:
    for command in ("stats", "seal"):
        done = pilote(command, home=tmp_path)
        assert done.returncode == 1
        assert "There is no store of decisions" in done.stderr
        assert not (tmp_path / "audit" / "decisions.sqlite").exists()


async def test_nobody_seals_beside_a_running_service(tmp_path: Path) -> None:
    await _filled(tmp_path)
    with using(tmp_path, alone=False), using(tmp_path, alone=False):
        done = pilote("seal", home=tmp_path)
    assert done.returncode == 2
    assert "The store is in use" in done.stderr
    with using(tmp_path, alone=True), pytest.raises(InUse), using(tmp_path, alone=False):
        pass
