"""Exports of a real service, as files: what they say, and that nobody can change them unseen."""

import asyncio
import copy
import csv
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import duckdb
import grpc
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.record import Verdict
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.entries import Noted
from services.audit.filters.expression import EVERYTHING
from services.audit.proofs.exporting import Asked, Export
from services.commands.export_reading import verify
from services.commands.exporting import Wanted, Written, export
from services.proof.columns import NAMES
from services.proof.notes import WITNESS, Checkpoint, Signer, read_checkpoint, read_note
from services.proof.verifying import Report, Trust, Verifier
from tests.services.audit.conftest import (
    NOW_MS,
    SIGNER,
    Audit,
    a_record,
    a_settlement,
    admit,
    an_id,
    append,
    settle,
)
from tests.services.audit.exports import FORMATS, Row, Tamper, replaced_manifest, rows_of_parquet, tampered
from tests.services.audit.test_log import copied, told
from tests.services.test_cli import _run

Exporting = Callable[..., Any]
TRUST: Final = Trust(SIGNER.key)
OTHER: Final = Signer(SIGNER.key.name, Ed25519PrivateKey.from_private_bytes(b"o" * 32))
SOME: Final = 'agent = "sales-bot"'


@pytest.fixture
async def address(audit: Audit) -> AsyncIterator[str]:
    """A service over the store of `audit`, which has 12 decisions, and other entries."""
    await append(audit.redis, *(admit(_record(number)) for number in range(12)))
    await append(audit.redis, *(settle(a_settlement(number)) for number in range(0, 12, 2)))
    await audit.catch_up()
    await audit.store.write([told(3), copied(4), Noted("erasure", b'{"subject_ref":"x"}')])
    queries = audit.queries()

    async with serving(
        lambda server: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(queries, server),
        listen="127.0.0.1:0",
        names=(),
        drain_seconds=0,
    ) as port:
        yield f"127.0.0.1:{port}"
        audit.tails.drain()


@pytest.fixture
def exporting(address: str, tmp_path: Path) -> Exporting:
    """Exports of the service to files."""

    async def run(name: str, query: str = "", *, proofs: bool = False, previous: int = 0) -> tuple[Path, Written]:
        path = tmp_path / name
        wanted = Wanted(query, path.suffix[1:], proofs, previous)
        return path, await export(address, path, wanted, progress=_silent)

    return run


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def _record(number: int) -> Any:
    if number % 3:
        return a_record(number, message='Non, «\u202fpas\u202f» "ici",\nni là.', tenant="acme")
    return a_record(number, verdict=Verdict.DENY, reason="POLICY_DENIED", expires_ms=0, agent="other-bot")


def _whats(report: Report) -> set[str]:
    return {problem.what for problem in report.problems}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("query", "proofs"), [("", False), (SOME, True), (SOME, False)])
async def test_an_export_is_verified_with_nothing_but_the_key(
    exporting: Exporting, form: str, query: str, *, proofs: bool
) -> None:
    path, written = await exporting(f"a.{form}", query, proofs=proofs)
    report = verify(path, TRUST)

    assert report.problems == ()
    assert report.manifest is not None
    assert report.manifest.head.query == query
    assert (report.manifest.rows, written.rows) == ((15, 15) if not query else (8, 8))
    assert report.checkpoint is not None
    assert report.checkpoint.size == 21


async def test_a_file_says_in_columns_what_was_decided(exporting: Exporting) -> None:
    lines, _ = await exporting("a.jsonl")
    table, _ = await exporting("a.csv")
    parquet, _ = await exporting("a.parquet")
    rows = [msgspec.json.decode(line) for line in lines.read_bytes().splitlines()[1:-1]]
    with table.open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    query = "SELECT id, verdict, state, revision, latency_us FROM read_parquet(?)"
    with duckdb.connect() as connection:
        found = connection.execute(query, [str(parquet)]).fetchall()

    assert [row["id"] for row in rows[:12]] == [an_id(number) for number in range(11, -1, -1)]
    assert [row["kind"] for row in rows[12:]] == ["outcome", "copy", "erasure"]
    assert (rows[1]["verdict"], rows[1]["state"], rows[1]["latency_us"]) == ("ALLOW", "SETTLED", 5_000)
    assert (rows[1]["receive_time"], rows[1]["settle_time"]) == ("2026-11-24T10:00:00.010Z", "2026-11-24T10:00:00.015Z")
    assert (rows[2]["verdict"], rows[2]["reason"], rows[2]["status"]) == ("DENY", "POLICY_DENIED", "PERMISSION_DENIED")
    assert msgspec.json.decode(rows[1]["entries"][0]["parts"][0])["id"] == rows[1]["id"]
    for name in NAMES:
        assert [cell[name] for cell in cells] == ["" if row[name] is None else str(row[name]) for row in rows]
    assert found == [(row["id"], row["verdict"], row["state"], row["revision"], row["latency_us"]) for row in rows]


async def test_what_is_stored_after_an_export_began_is_not_in_it(audit: Audit, exporting: Exporting) -> None:
    asked = Asked(query="", expression=EVERYTHING, proofs=False, previous_size=0, now_ms=NOW_MS)
    export = Export(audit.store, audit.checkpoints, asked)
    head, _ = await export.head()
    await append(audit.redis, admit(a_record(99)), settle(a_settlement(1)))
    await audit.catch_up()
    rows = [exported.row async for exported in export.rows(head)]
    verifier = Verifier(export.manifest(head), TRUST)
    for number, row in enumerate(rows, start=1):
        verifier.add(number, row)

    assert (len(rows), verifier.report().problems) == (15, ())


# -- tampering ---------------------------------------------------------------------------------------------------------


def _changed(rows: list[Row], name: str, value: Any) -> list[Row]:
    rows[2][name] = value
    return rows


def _other_part(rows: list[Row]) -> list[Row]:
    entry = rows[1]["entries"][0]
    entry["parts"][0] = entry["parts"][0].replace("sales-bot", "salez-bot")
    rows[1]["agent"] = "salez-bot"
    return rows


def _inserted(rows: list[Row]) -> list[Row]:
    made = copy.deepcopy(rows[1])
    parts = made["entries"][0]["parts"]
    identity = an_id(1_000)
    parts[0] = parts[0].replace(made["id"], identity)
    made["entries"] = made["entries"][:1]
    return [made | {"id": identity, "settle_leaf": None}, *rows]


def _proofless(rows: list[Row]) -> list[Row]:
    for entry in rows[0]["entries"]:
        entry.pop("path", None)
    return rows


def _unlogged(rows: list[Row]) -> list[Row]:
    for entry in rows[0]["entries"]:
        entry.pop("leaf", None)
        entry.pop("path", None)
    rows[0]["leaf"] = rows[0]["settle_leaf"] = None
    return rows


def _exchanged_places(rows: list[Row]) -> list[Row]:
    one, other = rows[0], rows[1]
    one["leaf"], other["leaf"] = other["leaf"], one["leaf"]
    first, second = one["entries"][0], other["entries"][0]
    first["leaf"], second["leaf"] = second["leaf"], first["leaf"]
    return rows


def _unsettled(rows: list[Row]) -> list[Row]:
    row = next(row for row in rows if len(row["entries"]) > 1)
    row["entries"] = row["entries"][:1]
    return rows


TAMPERS: Final[dict[str, Tamper]] = {
    "a changed verdict": lambda rows: _changed(rows, "verdict", "HOLD"),
    "a changed time": lambda rows: _changed(rows, "receive_time", "2026-11-24T10:00:01.000Z"),
    "a changed place": lambda rows: _changed(rows, "leaf", 3),
    "changed recorded bytes": _other_part,
    "a dropped row": lambda rows: [*rows[:3], *rows[4:]],
    "the first row dropped": lambda rows: rows[1:],
    "the last row dropped": lambda rows: rows[:-1],
    "all rows dropped": lambda rows: rows[:0],
    "two rows exchanged": lambda rows: [rows[1], rows[0], *rows[2:]],
    "all rows reversed": lambda rows: rows[::-1],
    "an inserted row": _inserted,
    "a repeated row": lambda rows: [*rows, rows[-1]],
    "a row in place of another": lambda rows: [rows[0], rows[0], *rows[2:]],
    "a decision without its end": _unsettled,
    "a row taken out of the log": _unlogged,
    "places exchanged": _exchanged_places,
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("query", "proofs"), [("", False), (SOME, True), (SOME, False)])
async def test_whatever_is_done_to_the_rows_of_an_export_is_found(
    exporting: Exporting, form: str, query: str, *, proofs: bool
) -> None:
    path, _ = await exporting(f"a.{form}", query, proofs=proofs)
    whole = path.read_bytes()
    tampered(path, list)
    assert not verify(path, TRUST).problems  # what follows is found for what was changed, not for how it was written
    for what, tamper in TAMPERS.items():
        tampered(path, tamper)
        assert verify(path, TRUST).problems, what
        path.write_bytes(whole)
    assert not verify(path, TRUST).problems


async def test_a_file_may_be_called_like_a_pattern(exporting: Exporting) -> None:
    await exporting("ab.parquet", SOME)
    path, _ = await exporting("a[b]*?.parquet")

    assert verify(path, TRUST).problems == ()


@pytest.mark.parametrize("form", FORMATS)
async def test_a_proof_that_was_taken_away_is_missed(exporting: Exporting, form: str) -> None:
    path, _ = await exporting(f"a.{form}", SOME, proofs=True)
    tampered(path, _proofless)

    assert "proof-missing" in _whats(verify(path, TRUST))


async def test_a_problem_is_told_by_its_row(exporting: Exporting) -> None:
    path, _ = await exporting("a.jsonl")
    tampered(path, lambda rows: _changed(rows, "verdict", "HOLD"))
    (problem,) = verify(path, TRUST).problems

    assert (problem.what, problem.row, problem.values) == ("cell-differs", 3, {"column": "verdict"})


@pytest.mark.parametrize("form", FORMATS)
async def test_an_export_that_is_cut_off_anywhere_is_found(exporting: Exporting, form: str) -> None:
    path, _ = await exporting(f"a.{form}")
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert verify(path, TRUST).problems, length


@pytest.mark.parametrize("form", FORMATS)
async def test_a_manifest_that_was_changed_or_signed_by_another_is_found(exporting: Exporting, form: str) -> None:
    path, _ = await exporting(f"a.{form}", SOME)
    whole = path.read_bytes(), path.with_name(f"{path.name}.manifest")
    beside = whole[1].read_bytes() if whole[1].is_file() else b""
    for change, wanted in (
        (lambda text: text.replace("sales-bot", "other-bot"), {"manifest-forged"}),
        (lambda text: text.replace('"rows":8', '"rows":7'), {"manifest-forged"}),
        (lambda text: OTHER.note(read_note(text).text).whole, {"manifest-unsigned"}),
        (lambda text: text[:-10], {"manifest-malformed"}),
        (lambda text: text[:0], {"manifest-malformed"}),
    ):
        replaced_manifest(path, change)
        assert _whats(verify(path, TRUST)) == wanted
        path.write_bytes(whole[0])
        if beside:
            whole[1].write_bytes(beside)


async def test_the_wrong_key_verifies_nothing(exporting: Exporting) -> None:
    for form in FORMATS:
        path, _ = await exporting(f"a.{form}")
        assert _whats(verify(path, Trust(OTHER.key))) == {"manifest-unsigned"}
        named = Signer("log.example/other", Ed25519PrivateKey.from_private_bytes(b"l" * 32))
        assert _whats(verify(path, Trust(named.key))) == {"manifest-unsigned"}


async def test_an_older_or_a_rewritten_log_is_found_by_an_earlier_checkpoint(
    audit: Audit, exporting: Exporting
) -> None:
    earlier = _checkpoint((await audit.checkpoints.now()).note)
    await append(audit.redis, *(admit(a_record(number)) for number in range(20, 25)))
    await audit.catch_up()
    later = Checkpoint(earlier.origin, 27, b"\x00" * 32)
    for name, query in (("log.jsonl", ""), ("some.csv", SOME)):
        path, _ = await exporting(name, query, proofs=True, previous=earlier.size)
        forged = Checkpoint(earlier.origin, earlier.size, b"\x01" * 32)
        same = Checkpoint(earlier.origin, 26, b"\x01" * 32)

        assert verify(path, Trust(SIGNER.key, earlier)).problems == ()
        assert verify(path, Trust(SIGNER.key, Checkpoint(earlier.origin, 0, _EMPTY))).problems == ()
        assert _whats(verify(path, Trust(SIGNER.key, later))) == {"older"}
        assert _whats(verify(path, Trust(SIGNER.key, forged))) == {"rewritten"}
        assert _whats(verify(path, Trust(SIGNER.key, same))) == {"forked"}
    path, _ = await exporting("b.parquet", SOME)
    assert _whats(verify(path, Trust(SIGNER.key, earlier))) == {"not-comparable"}


_EMPTY: Final = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")


def _checkpoint(note: str) -> Checkpoint:
    return read_checkpoint(read_note(note).text)


async def test_a_checkpoint_alone_is_verified(audit: Audit, exporting: Exporting, tmp_path: Path) -> None:
    signed = await audit.checkpoints.now()
    path = tmp_path / "checkpoint"
    path.write_text(signed.note, encoding="utf-8")
    said = _checkpoint(signed.note)
    forged = OTHER.note(signed.note.partition("\n\n")[0] + "\n").whole

    assert verify(path, TRUST) == Report((), said)
    assert _whats(verify(path, Trust(SIGNER.key, Checkpoint(said.origin, said.size + 1, said.root)))) == {"older"}
    path.write_text(forged, encoding="utf-8")
    assert _whats(verify(path, TRUST)) == {"checkpoint-unsigned"}
    path.write_text(signed.note.replace("21", "22", 1), encoding="utf-8")
    assert _whats(verify(path, TRUST)) == {"checkpoint-forged"}


async def test_a_witness_that_must_have_signed_is_missed(audit: Audit, exporting: Exporting) -> None:
    witness = Signer("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32), kind=WITNESS)
    path, _ = await exporting("a.jsonl")
    assert _whats(verify(path, Trust(SIGNER.key, None, (witness.key,)))) == {"witness-missing"}

    size = (await audit.checkpoints.now()).size
    await audit.store.log.cosign(size, lambda note: witness.cosign(read_note(note), at_s=NOW_MS // 1_000).whole)
    path, _ = await exporting("b.jsonl")
    report = verify(path, Trust(SIGNER.key, None, (witness.key,)))
    assert (report.problems, report.cosigned_s) == ((), (NOW_MS // 1_000,))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_any_changed_byte_is_found(
    kept_exports: dict[str, bytes], tmp_path: Path, form: str, data: st.DataObject
) -> None:
    names = [name for name in kept_exports if f".{form}" in name]
    for name in names:
        (tmp_path / name).write_bytes(kept_exports[name])
    which = data.draw(st.sampled_from(names))
    whole = bytearray(kept_exports[which])
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / which).write_bytes(whole)

    assert verify(tmp_path / f"a.{form}", TRUST).problems


@pytest.fixture
async def kept_exports(exporting: Exporting, tmp_path: Path) -> dict[str, bytes]:
    """Files of exports, by their names."""
    folder = tmp_path / "kept"
    folder.mkdir()
    for form in FORMATS:
        await exporting(f"kept/a.{form}", SOME, proofs=True)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_parquet_file_ends_in_a_problem_or_says_the_same(
    kept_exports: dict[str, bytes], tmp_path: Path, data: st.DataObject
) -> None:
    whole = bytearray(kept_exports["a.parquet"])
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "a.parquet"
    path.write_bytes(whole)
    if not verify(path, TRUST).problems:  # a byte of statistics, or of who wrote it, says nothing of any row
        assert rows_of_parquet(path) == rows_of_parquet(tmp_path / "kept" / "a.parquet")


async def test_an_export_that_fails_leaves_no_file(audit: Audit, exporting: Exporting, tmp_path: Path) -> None:
    for form in FORMATS:
        with pytest.raises(grpc.aio.AioRpcError):
            await exporting(f"a.{form}", "agnt = x")
    await audit.store.close()
    with pytest.raises((grpc.aio.AioRpcError, RuntimeError)):
        await exporting("a.jsonl")

    assert await asyncio.to_thread(lambda: [file.name for file in tmp_path.glob("*a.*")]) == []


async def test_an_export_over_grpc_carries_decisions_and_their_proofs(audit: Audit, exporting: Exporting) -> None:
    queries = audit.queries()

    class Context:
        def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
            return ()

    answers = [each async for each in queries.ExportDecisions(pb.ExportDecisionsRequest(filter=SOME), Context())]

    assert [bool(each.head) for each in answers] == [True, *[False] * 9]
    assert [each.decision.name for each in answers[1:-1]] == [
        f"decisions/{an_id(n)}" for n in (11, 10, 8, 7, 5, 4, 2, 1)
    ]
    assert answers[-1].checkpoint.tree_size == 21


async def test_people_export_and_verify_by_the_command_line(address: str, tmp_path: Path) -> None:
    def run(*arguments: str, **settings: str) -> tuple[int, str, str]:
        done = _run(*arguments, home=tmp_path, PILOTE_AUDIT_LISTEN=address, **settings)
        return done.returncode, done.stdout, done.stderr

    def at_work() -> None:
        file, seen = tmp_path / "a.csv", tmp_path / "checkpoint"
        key = ("--key", SIGNER.key.text)
        assert run("audit", "checkpoint", str(seen))[0] == 0
        code, said, _ = run("audit", "export", str(file), "--filter", SOME, "--proofs", "--previous", str(seen))
        assert (code, "8 rows" in said) == (0, True)
        assert run("audit", "export", str(file))[0] == 2  # it is there
        code, said, _ = run("verify", str(file), str(seen), *key, "--previous", str(seen))
        assert (code, said.count("good.")) == (0, 2)
        file.write_text(file.read_text(encoding="utf-8").replace("ALLOW", "DENY", 1), encoding="utf-8")
        code, _, said = run("verify", str(file), *key, PILOTE_LANG="fr")
        assert (code, "ligne de données 1 " in said, "n’est pas digne de confiance" in said) == (1, True, True)
        (tmp_path / "key").write_text(run("audit", "key")[1])
        code, _, said = run("verify", str(seen), "--key", str(tmp_path / "key"))
        assert (code, "is not signed with the key of pilote.dev/audit/" in said) == (1, True)
        for wrong in (("verify", str(file), "--key", "x"), ("verify", str(tmp_path / "no"), *key)):
            assert run(*wrong)[0] == 2
        assert run("audit", "export", str(tmp_path / "b.jsonl"), "--filter", "agnt = x")[0] == 1
        assert run("audit", "export", str(tmp_path / "b.xls"))[0] == 2

    await asyncio.to_thread(at_work)
