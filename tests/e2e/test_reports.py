"""A report of what agents really did: its numbers are those of the log, and its checkpoint proves them offline."""

import asyncio
import datetime as dt
import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from pilote.audit.v1 import personal_pb2
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.commands.export_reading import verify
from services.commands.exporting import Wanted as Exported
from services.commands.exporting import export
from services.control.filters import is_
from services.findings.store import FindingStore
from services.proof.notes import read_checkpoint, read_key, read_note
from services.proof.verifying import Trust
from services.report_counts import Counting, newest_checkpoint
from services.report_making import ReportWrong, Wanted, checked, made
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import get, send
from tests.e2e.waiting import eventually
from tests.e2e.world import Agent, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.services import command_line
from tests.services.findings.test_finding import HOUR_MS, seen

pytestmark = [pytest.mark.one_store, pytest.mark.timeout(600)]  # matplotlib looks for fonts the first time
SALES = credential("sales-bot")
DAY_MS = 86_400_000


async def test_the_numbers_are_those_of_the_log_and_the_checkpoint_proves_them(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    no_phone = {"name": "no-phone", "effect": "deny", "operations": ["CONTACT"], "when": 'call.channel == "phone"'}
    await world.publish(policy(upstream.address, rules=[allow_all(), no_phone]))
    start_ms = world.clock() - DAY_MS
    calls = [agent.messages.SendMessage(send(channel=each), metadata=SALES) for each in ("email", "sms", "phone")]
    ended = [await told(call) for call in (*calls, agent.contacts.GetContact(get(), metadata=SALES))]
    for each in ended:
        await auditor.decision(each.decision)
    stop, undone = (
        personal_pb2.Change(request_id=each, known_by="session", operation="create") for each in ("stop", "undone")
    )
    begun, not_done = personal_pb2.CHANGE_STAGE_BEGUN, personal_pb2.CHANGE_STAGE_NOT_DONE
    for change, stage in ((stop, begun), (undone, begun), (undone, not_done)):
        change.stage, change.failure = stage, "CONFLICT" if stage == not_done else ""
        note = personal_pb2.RecordChangeRequest(change=change, resource="stops/acme/all", person="zoe", tenant="acme")
        await auditor.stub.RecordChange(note)

    counting, end_ms = Counting(auditor.stub, world.redis), world.clock() + 60_000
    steps: list[tuple[int, int]] = []
    period = await counting.period(
        tenants=("acme",), start_ms=start_ms, end_ms=end_ms, now_ms=end_ms, tenant="acme",
        progress=lambda done, total: steps.append((done, total)),
    )  # fmt: skip
    assert (period.total, period.contacted, period.held) == (4, 2, 0)
    assert dict(period.facets["verdict"].values) == {"ALLOW": 3, "DENY": 1}
    assert dict(period.refused["agent"].values) == {"sales-bot": 1}
    assert dict(period.contacts["channel"].values) == {"email": 1, "sms": 1}
    assert sum(sum(each.verdicts.values()) for each in period.buckets) == 4
    assert (period.about_people, period.acted_alone) == (4, 4)
    assert [(each.resource, each.person) for each in period.deeds] == [("stops/acme/all", "zoe")]
    assert steps[-1][0] < steps[-1][1]
    assert steps == sorted(steps)

    async def signed() -> bool | None:
        found = await newest_checkpoint(auditor.stub)
        return (found is not None and found.valid) or None

    await eventually(signed, what="a signed checkpoint")
    wanted = Wanted(kind="period", start_ms=start_ms, end_ms=end_ms, language="fr", tenant="acme")
    report = await made(counting, wanted, tenants=("acme",), now_ms=end_ms)
    point = report.checkpoint
    assert point is not None
    assert point.valid
    assert "Appels d’agents enregistrés\u00a0: n = 4." in report.html
    assert point.note.splitlines()[2] in report.html.replace("&#43;", "+")
    assert report.pdf.startswith(b"%PDF-1.7")
    assert report.told(wanted)["root_hash"] == point.root

    key = log_signer(tmp_path / "audit" / KEY_FILE).key
    assert read_key(point.key) == key
    exported = tmp_path / "log.jsonl"
    await export(auditor.address, exported, Exported("", "jsonl", False, 0), progress=lambda done, total: None)  # noqa: FBT003, ARG005
    assert verify(exported, Trust(key, read_checkpoint(read_note(point.note).text))).problems == ()


async def test_what_was_found_of_a_models_version_stands_in_its_report_and_nothing_of_anothers(
    world: World, auditor: Auditor
) -> None:
    now_ms = world.clock()
    hour = {"start_ms": now_ms - 2 * HOUR_MS, "end_ms": now_ms - HOUR_MS}
    abouts = [(("agent", "research-bot"), ("version", name), ("measure", "status")) for name in ("score/2", "churn/2")]
    await FindingStore(world.redis).see([seen(about=about, **hour) for about in abouts], now_ms=now_ms)
    wanted = Wanted(kind="version", start_ms=now_ms - DAY_MS, end_ms=now_ms, language="en", model="score", version="2")
    report = await made(Counting(auditor.stub, world.redis), wanted, tenants=("acme",), now_ms=now_ms)
    assert "score/2" in report.html
    assert "churn/2" not in report.html


async def test_a_version_that_nobody_called_has_a_report_of_nothing(world: World, auditor: Auditor) -> None:
    nasty = 'lead" OR agent = "sales-bot'
    now_ms = world.clock()
    wanted = Wanted(kind="version", start_ms=now_ms - DAY_MS, end_ms=now_ms, language="en", model=nasty, version="1*")
    report = await made(Counting(auditor.stub, world.redis), wanted, tenants=("acme",), now_ms=now_ms)
    assert "No call of an agent was recorded in this time (n = 0)." in report.html
    assert is_("agent", 'a"b\\c*').removeprefix("agent = ") == '"a\\"b\\\\c\\*"'


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"end_ms": 1_000}, "report-span"),
        ({"start_ms": -1}, "report-span"),
        ({"end_ms": 400 * DAY_MS}, "report-long"),
        ({"kind": "version", "model": "m"}, "report-version"),
        ({"tenant": "x" * 129}, "report-name"),
    ],
)
def test_what_is_no_report_is_said_in_both_languages(changes: dict[str, object], code: str) -> None:
    wanted = {"kind": "period", "start_ms": 1_000, "end_ms": 2_000, "language": "en"} | changes
    with pytest.raises(ReportWrong) as wrong:
        checked(Wanted(**wanted))  # type: ignore[arg-type]
    assert wrong.value.code == code
    assert wrong.value.said("fr") != wrong.value.said("en")


async def test_the_command_writes_files_and_the_log_says_which_report_that_was(
    world: World, agent: Agent, auditor: Auditor, redis_url: str, tmp_path: Path
) -> None:
    ended = await told(agent.messages.SendMessage(send(), metadata=SALES))
    await auditor.decision(ended.decision)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")},  # noqa: TID251
        "PILOTE_HOME": str(tmp_path / "home"),
        "PILOTE_REDIS_URL": redis_url,
        "PILOTE_AUDIT_LISTEN": auditor.address,
        "PILOTE_LANG": "en",
    }

    async def pilote(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(command_line.pilote, *arguments, environment=environment, timeout=300)

    page, sheet, own = (tmp_path / name for name in ("a.html", "a.pdf", "b.pdf"))
    day = dt.datetime.fromtimestamp(world.clock() / 1000, dt.UTC).date().isoformat()
    asked = ("report", "period", "--from", day, "--tenant", "acme", "--lang", "fr")
    done = await pilote(*asked, "--html", str(page), "--pdf", str(sheet))
    assert (done.returncode, done.stderr) == (0, "")
    assert {each.stat().st_mode & 0o777 for each in (page, sheet)} == {0o600}
    assert "written to" in done.stdout
    assert "Appels d’agents enregistrés\u00a0: n = 1." in page.read_text("utf-8")
    assert sheet.read_bytes().startswith(b"%PDF")
    notes = (await auditor.stub.ListNotes(personal_pb2.ListNotesRequest(resource="reports/"))).notes
    (change,) = [json.loads(each.change.after.json) for each in notes]
    assert change["sha256"] == hashlib.sha256(page.read_bytes()).hexdigest()
    assert (change["kind"], change["tenant"], len(change["root_hash"])) == ("period", "acme", 64)
    assert (await pilote(*asked)).returncode == 2
    assert "Say where to write the report" in (await pilote("report", "version", "m/1", "--from", day)).stderr
    assert "days such as" in (await pilote("report", "period", "--from", "soon", "--pdf", str(own))).stderr

    person = ("person", "contacts/ada-lovelace", "--tenant", "acme", "--reason", "they ask", "--pdf", str(own))
    assert (await pilote(*person)).returncode == 0
    assert own.read_bytes().startswith(b"%PDF")
