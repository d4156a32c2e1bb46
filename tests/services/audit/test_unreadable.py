"""Whoever gets an answer that lacks a damaged hour is told so: by the service, by commands, in exports for good."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc
import msgspec
import pytest

from gateway.core.record import SealedInputs, subject_ref
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import audit_service_pb2_grpc, persons_pb2, planning_pb2, summaries_pb2
from services.audit.sqlite.store import SqliteStore
from services.commands.export_reading import verify
from services.proof.verifying import Trust
from tests.services.audit.conftest import KEY, SIGNER, Audit, Stub, an_id
from tests.services.audit.test_damage import _overwritten
from tests.services.audit.test_sealing import COLD_MS, KEEPING, OVER_MS, cold, of_hour
from tests.services.audit.test_segments import a_time, admitted, ended, entry
from tests.services.test_cli import _run

ADA: Final = subject_ref(KEY, tenant="acme", subject="contacts/ada")
BOB: Final = subject_ref(KEY, tenant="acme", subject="contacts/bob")


class Damaged(NamedTuple):
    """A service over a store of 12 decisions in four hours, one of which cannot be read: three of them are in it."""

    stub: Stub
    address: str
    home: Path
    segment: str

    async def run(self, *arguments: str, lang: str = "en") -> Any:
        settings = {"PILOTE_AUDIT_LISTEN": self.address, "PILOTE_LANG": lang}
        return await asyncio.to_thread(_run, *arguments, home=self.home / "cli", **settings)


def _inputs(number: int) -> Any:
    at_ms = a_time(number)
    said = SealedInputs(an_id(0, at_ms=at_ms), at_ms, COLD_MS + 1_000)
    return entry({"k": "inputs", "r": msgspec.json.encode(said), "i": b"sealed %d" % number})


@pytest.fixture(params=["hot", "cold"])
async def damaged(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Damaged]:
    """The hour is damaged as a SQLite file, or as a Parquet file. All but four decisions are about Ada."""
    store = SqliteStore(tmp_path, keeping=KEEPING)
    await store.write([admitted(number, subject_ref=ADA if number < 8 else BOB) for number in range(12)])
    await store.write([*(ended(number) for number in range(12)), *(_inputs(number) for number in range(12))])
    if request.param == "cold":
        await cold(store)
    await store.close()
    folder, suffix = ("sealed", "parquet") if request.param == "cold" else ("segments", "sqlite")
    path = tmp_path / "audit" / folder / f"{of_hour(1)}.{suffix}"
    _overwritten(path)
    store = SqliteStore(tmp_path, keeping=KEEPING)
    audit = Audit(None, "", store, now_ms=COLD_MS if request.param == "cold" else OVER_MS)  # type: ignore[arg-type]

    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(audit.queries(), server)

    async with (
        serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        address = f"127.0.0.1:{port}"
        yield Damaged(audit_service_pb2_grpc.AuditServiceStub(channel), address, tmp_path, path.name)
    await store.close()


async def test_every_answer_that_lacks_an_hour_names_it(damaged: Damaged) -> None:
    stub = damaged.stub
    asked = persons_pb2.ReportPersonRequest(subject="contacts/ada", tenant="acme", reason="x")
    reports = [each async for each in stub.ReportPerson(asked)]
    inputs = [each async for each in stub.ListInputs(planning_pb2.ListInputsRequest())]
    export = [each async for each in stub.ExportDecisions(pb.ExportDecisionsRequest(filter="agent:*"))]
    answers: list[Any] = [
        await stub.ListDecisions(pb.ListDecisionsRequest()),
        await stub.SummarizeDecisions(summaries_pb2.SummarizeDecisionsRequest(fields=["agent"])),
        await stub.ChartDecisions(summaries_pb2.ChartDecisionsRequest()),
        *(reports[0], reports[-1], inputs[-1], export[-1]),
    ]
    assert [list(each.unreadable_segments) for each in answers] == [[damaged.segment]] * 7
    assert (reports[0].summary.decisions, sum(len(each.inputs) for each in inputs), len(export) - 2) == (6, 9, 9)


async def test_a_chart_of_nothing_names_the_hour_that_it_could_not_look_into(damaged: Damaged) -> None:
    found = await damaged.stub.ChartDecisions(summaries_pb2.ChartDecisionsRequest(filter="latency > 99h"))
    assert (found.total_count, list(found.unreadable_segments)) == (0, [damaged.segment])


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "Missing here is what these segments"), ("fr", "Il manque ici ce que contiennent")]
)
async def test_commands_say_in_both_languages_what_is_missing(damaged: Damaged, lang: str, said: str) -> None:
    for arguments in (
        ("decisions", "list"),
        ("decisions", "facets", "agent"),
        ("decisions", "histogram"),
        ("person", "contacts/ada", "--tenant", "acme", "--reason", "x"),
    ):
        done = await damaged.run(*arguments, lang=lang)
        assert done.returncode == 0
        assert said in done.stderr
        assert damaged.segment in done.stderr
        assert damaged.segment not in done.stdout


async def test_commands_say_as_json_what_is_missing(damaged: Damaged) -> None:
    listed = (await damaged.run("decisions", "list", "--json")).stdout.splitlines()
    assert [("name" in json.loads(line)) for line in listed] == [True] * 9 + [False]
    assert json.loads(listed[-1]) == {"unreadable_segments": [damaged.segment]}
    for command in (("facets", "agent"), ("histogram",)):
        told = json.loads((await damaged.run("decisions", *command, "--json")).stdout)
        assert told["unreadable_segments"] == [damaged.segment]
    person = ("person", "contacts/ada", "--tenant", "acme", "--reason", "x", "--format", "json")
    lines = (await damaged.run(*person)).stdout.splitlines()
    assert json.loads(lines[-1]) == {"unreadableSegments": [damaged.segment]}


async def test_a_person_reads_that_their_report_is_not_whole(damaged: Damaged) -> None:
    done = await damaged.run("person", "contacts/ada", "--tenant", "acme", "--reason", "x", "--language", "fr")
    assert "Une partie de ce qui est enregistré est illisible en ce moment" in done.stdout
    nobody = ("person", "contacts/carl", "--tenant", "acme", "--reason", "x")
    done = await damaged.run(*nobody)
    assert "What can be read says nothing about you." in done.stdout


@pytest.mark.parametrize("where", ["", "agent:*"])
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
async def test_an_export_that_is_not_whole_says_so_for_good(damaged: Damaged, where: str, form: str) -> None:
    file = damaged.home / f"a.{form}"
    done = await damaged.run("audit", "export", str(file), "--filter", where)
    assert (done.returncode, damaged.segment in done.stderr) == (1, True)

    report = await asyncio.to_thread(verify, file, Trust(SIGNER.key))
    assert not report.problems
    assert report.manifest is not None
    assert report.manifest.unreadable == (damaged.segment,)
    done = await damaged.run("verify", str(file), "--key", SIGNER.key.text, lang="fr")
    assert (done.returncode, "n’est pas complet" in done.stdout, damaged.segment in done.stdout) == (0, True, True)


async def test_to_explain_a_decision_of_that_hour_says_why_it_cannot_be_done(damaged: Damaged) -> None:
    done = await damaged.run("explain", an_id(0, at_ms=a_time(1)))
    assert done.returncode == 1
    assert f"The segment {damaged.segment} cannot be read" in done.stderr.replace("\n", " ")
