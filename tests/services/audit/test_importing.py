"""An export of the whole log comes to the same log in another home."""

import asyncio
from pathlib import Path

import pytest

from services.audit.proofs.checkpoints import Checkpoints
from services.audit.sqlite.store import SqliteStore
from services.commands.export_reading import verify
from services.commands.importing import Imported, NotEmpty, import_lines
from tests.services.audit.conftest import NOW_MS, SIGNER, Audit, an_id
from tests.services.audit.test_exports import SOME, TRUST, Exporting, _silent, address, exporting
from tests.services.test_cli import _run

__all__ = ["address", "exporting"]


async def test_the_whole_log_is_the_same_in_another_home(audit: Audit, exporting: Exporting, tmp_path: Path) -> None:
    path, _ = await exporting("a.jsonl")
    there = SqliteStore(tmp_path / "other")
    imported = await import_lines(path, verify(path, TRUST), there, progress=_silent)
    size = await audit.store.log.size()
    decisions = [an_id(number) for number in range(12)]

    assert imported == Imported(21, same_log=True)
    assert await there.log.places(0, end=size) == await audit.store.log.places(0, end=size)
    assert await there.log.raw(decisions) == await audit.store.log.raw(decisions)
    for decision in decisions:
        assert await there.get(decision, now_ms=NOW_MS) == await audit.store.get(decision, now_ms=NOW_MS)
    signed = await Checkpoints(there.log, signer=SIGNER, clock_ms=lambda: NOW_MS).now()
    assert signed.root == await audit.store.log.root(size)
    await there.close()


async def test_a_part_of_the_log_comes_into_a_log_of_its_own(exporting: Exporting, tmp_path: Path) -> None:
    path, _ = await exporting("a.jsonl", SOME, proofs=True)
    there = SqliteStore(tmp_path / "other")
    imported = await import_lines(path, verify(path, TRUST), there, progress=_silent)
    await there.close()

    assert imported == Imported(12, same_log=False)


async def test_nothing_is_imported_over_what_is_there(audit: Audit, exporting: Exporting) -> None:
    path, _ = await exporting("a.jsonl")
    with pytest.raises(NotEmpty):
        await import_lines(path, verify(path, TRUST), audit.store, progress=_silent)


async def test_only_what_verifies_is_imported_by_the_command_line(exporting: Exporting, tmp_path: Path) -> None:
    good, _ = await exporting("a.jsonl")
    table, _ = await exporting("a.csv")
    home = tmp_path / "other"

    def run(file: Path) -> tuple[int, str]:
        done = _run("audit", "import", str(file), "--key", SIGNER.key.text, home=home)
        return done.returncode, done.stdout + done.stderr

    def at_work() -> None:
        bad = tmp_path / "bad.jsonl"
        bad.write_bytes(good.read_bytes().replace(b"sales-bot", b"salez-bot", 1))
        assert run(bad)[0] == 1
        assert run(table)[0] == 2
        code, said = run(good)
        assert (code, "to the last hash" in said) == (0, True)
        assert run(good)[0] == 2

    await asyncio.to_thread(at_work)
