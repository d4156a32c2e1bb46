"""All that the audit service answers is answered over HTTP too: to people with keys, in the same words."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.api import annotations_pb2

from gateway.core.record import SealedInputs, subject_ref
from pilote.audit.v1 import audit_service_pb2
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.audit.sqlite.store import SqliteStore
from services.commands.export_reading import verify
from services.proof.merkle import consistent, root_by_inclusion
from services.proof.notes import WITNESS, Signer, read_checkpoint, read_note
from services.proof.verifying import Trust
from tests.e2e.office import Office, opened
from tests.e2e.policy import policy
from tests.e2e.test_decisions_over_http import _signed
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, RECORD_KEY, Auditor, World, auditing
from tests.fakes.upstream import FakeUpstream
from tests.services.audit.conftest import a_record, a_settlement, admit, an_id, settle
from tests.services.audit.test_damage import _overwritten
from tests.services.audit.test_sealing import of_hour
from tests.services.audit.test_segments import a_time, admitted, ended
from tests.services.audit.test_segments import entry as read
from tests.signatures import PEOPLE, person

ADA: Final = subject_ref(KEY, tenant="acme", subject="contacts/ada")
LONG_MS: Final = 1 << 47
WHO: Final = Signer("witness.example/w", Ed25519PrivateKey.from_private_bytes(b"w" * 32), kind=WITNESS)
DPO: Final = person("dan", may_approve=False, roles=["values", "erase"])
SECOND: Final = person("dora", may_write=False, may_approve=False, roles=["erase"])
REPORT: Final = {"subject": "contacts/ada", "tenant": "acme", "reason": "her request"}


class Desk(NamedTuple):
    """A control plane and its audit service."""

    office: Office
    auditor: Auditor
    home: Path

    async def get(self, target: str, who: str = "ada", **more: Any) -> tuple[int, Any]:
        return await self.office[who].ask("GET", target, **more)

    async def post(self, target: str, body: Any, who: str = "ada", **more: Any) -> tuple[int, Any]:
        return await self.office[who].ask("POST", target, body, **more)

    async def report(self, body: Any, **more: Any) -> tuple[int, Any]:
        """A report that Ada asks for and Bob agrees to."""
        status, asked = await self.post("/v1/persons:report", body)
        assert (status, asked["state"], asked["askedBy"]) == (202, "waiting", "ada")
        status, agreed = await self.post(f"/v1/{asked['name']}:agree", {"reason": "she is who she says"}, "bob")
        assert (status, agreed["state"], agreed["decidedBy"]) == (200, "agreed", "bob")
        return await self.post("/v1/persons:report", body, **more)

    async def checkpoint(self) -> str:
        """The newest checkpoint, once it covers four entries."""

        async def signed() -> str | None:
            _, newest = await self.get("/v1/checkpoint")
            return newest["checkpoint"]["note"] if int(newest["checkpoint"].get("treeSize", 0)) >= 4 else None

        return str(await eventually(signed, what="a checkpoint"))

    async def holds(self, count: int) -> None:
        """Wait until so many decisions are stored."""

        async def stored() -> bool | None:
            return len(await self.auditor.listed()) == count or None

        await eventually(stored, what=f"{count} decisions")


@pytest.fixture
async def desk(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Desk]:
    """Nothing is decided yet. Dan has every role, the others have none."""
    people = [each for each in PEOPLE if each["name"] != "dan"]
    data = policy(upstream.address, people=[*people, DPO, SECOND])
    async with (
        auditing(empty_world.redis_url, tmp_path, witnesses=(WHO.key,)) as auditor,
        opened(empty_world, data, audit=auditor.address, record_keys=(RECORD_KEY,)) as office,
    ):
        yield Desk(office, auditor, tmp_path)


@pytest.fixture
async def three(desk: Desk, empty_world: World) -> Desk:
    """Three decisions, two about Ada."""
    said = SealedInputs(an_id(0), a_record(0).received_ms, LONG_MS, subject_ref=ADA)
    await empty_world.record_by_hand(
        *(admit(a_record(0, subject_ref=ADA)), settle(a_settlement(0))),
        *(admit(a_record(1, subject_ref=ADA)), admit(a_record(2, agent="support-bot"))),
        {"k": "inputs", "r": msgspec.json.encode(said), "i": b"sealed"},
    )
    await desk.holds(3)
    return desk


async def test_every_method_of_the_service_is_there_at_the_path_that_its_contract_names(desk: Desk) -> None:
    found = await asyncio.to_thread(requests.get, f"{desk.office.url}/schema/openapi.json", timeout=10)
    paths = json.loads(found.text)["paths"]
    methods = audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"].methods
    lacking = []
    for method in methods:
        rule = method.GetOptions().Extensions[annotations_pb2.http]
        verb = rule.WhichOneof("pattern")
        if verb is None:  # only processes of Pilote ask for it
            continue
        path = re.sub(r"\{[\w.]+=(\w+?)s/\*\}", r"\1s/{\1}", getattr(rule, verb))
        if verb not in paths.get(path, {}):
            lacking.append((method.name, verb, path))
    assert lacking == []


async def test_the_log_is_proved_with_nothing_but_the_answers_and_its_key(three: Desk) -> None:
    key = log_signer(three.home / KEY_FILE).key
    status, told = await three.get(f"/v1/decisions/{an_id(0)}/inclusionProof")
    assert status == 200
    checkpoint = read_checkpoint(read_note(told["checkpoint"]["note"]).text)
    proof = [base64.b64decode(each) for each in told.get("path", ())]
    leaf, index = base64.b64decode(told["leafHash"]), int(told.get("leafIndex", 0))
    assert root_by_inclusion(leaf, proof, index=index, size=checkpoint.size) == checkpoint.root
    status, ended_ = await three.get(f"/v1/decisions/{an_id(0)}/inclusionProof?settlement=true&treeSize=4")
    assert (status, ended_["leafHash"] != told["leafHash"]) == (200, True)

    file = three.home / "checkpoint"
    newest = await three.checkpoint()
    file.write_text(newest, encoding="utf-8")
    assert verify(file, Trust(key)).problems == ()
    later = read_checkpoint(read_note(newest).text)
    status, told = await three.get(f"/v1/checkpoint:consistencyProof?firstTreeSize=1&secondTreeSize={later.size}")
    path = [base64.b64decode(each) for each in told["path"]]
    first = (1, await _root_of_one(three))
    assert (status, consistent(path, first=first, second=(later.size, later.root))) == (200, True)


async def _root_of_one(desk: Desk) -> bytes:
    """The root of the log when it had one entry: that entry's hash."""
    names = [an_id(number) for number in range(3)]
    told = [(await desk.get(f"/v1/decisions/{name}/inclusionProof"))[1] for name in names]
    return next(base64.b64decode(each["leafHash"]) for each in told if int(each.get("leafIndex", 0)) == 0)


async def test_a_witness_signs_over_http_and_exports_of_what_it_has_seen_follow(three: Desk) -> None:
    status, problem = await three.get("/v1/checkpoint?cosigned=true")
    assert (status, problem["reason"]) == (404, "NOT_FOUND")
    note = WHO.cosign(read_note(await three.checkpoint()), at_s=1_800_000_000).whole
    status, kept = await three.post("/v1/checkpoint:cosign", {"note": note})
    assert (status, "witness.example/w" in kept["checkpoint"]["note"]) == (200, True)
    _, seen = await three.get("/v1/checkpoint?cosigned=true")
    assert seen["checkpoint"] == kept["checkpoint"]
    size = int(seen["checkpoint"]["treeSize"])

    target = f"/v1/decisions:export?filter=agent:*&cosigned=true&previousTreeSize={size}"
    answer = await asyncio.to_thread(_signed, three.office, target)
    file = three.home / "decisions.jsonl"
    file.write_bytes(answer.content)
    report = verify(file, Trust(log_signer(three.home / KEY_FILE).key, None, (WHO.key,)))
    assert report.problems == ()
    assert report.manifest is not None
    assert report.manifest.head.previous_size == size


@pytest.mark.parametrize(
    ("target", "status", "mistake"),
    [
        (f"/v1/decisions/{an_id(9)}/inclusionProof", 404, None),
        ("/v1/decisions/x/inclusionProof", 400, "name"),
        (f"/v1/decisions/{an_id(0)}/inclusionProof?treeSize=99", 400, "tree_size"),
        (f"/v1/decisions/{an_id(0)}/inclusionProof?treeSize={1 << 70}", 400, "treeSize"),
        ("/v1/checkpoint:consistencyProof", 400, "first_tree_size"),
        ("/v1/checkpoint:consistencyProof?firstTreeSize=3&secondTreeSize=2", 400, "tree_size"),
        ("/v1/decisions:export?previousTreeSize=-1", 400, "previous_tree_size"),
        ("/v1/arms:summarize?tenant=acme", 400, None),
        ("/v1/arms:summarize?tenant=acme&route=crm&experiment=tone", 400, "experiment"),
        ("/v1/arms:summarize?tenant=acme&route=crm&measures=luck", 400, None),
        ("/v1/shadows:summarize?startTime=yesterday", 400, "startTime"),
        ("/v1/decisions:count?startTime=2026-11-24T10:00:00Z&endTime=2026-11-24T10:00:00Z", 400, "end_time"),
        ("/v1/notes?pageToken=x", 400, "page_token"),
    ],
)
async def test_a_mistake_is_told_with_its_field(three: Desk, target: str, status: int, mistake: str | None) -> None:
    got, problem = await three.get(target)
    assert (got, bool(problem["detail"])) == (status, True)
    if mistake is not None:
        assert [each["path"] for each in problem["mistakes"]] == [mistake]


async def test_sums_say_what_the_audit_service_says(three: Desk) -> None:
    status, counts = await three.get("/v1/decisions:count?tenant=acme")
    assert (status, {each["agent"]: each["decisions"] for each in counts["counts"]}) == (
        *(200, {"sales-bot": "2", "support-bot": "1"}),
    )
    for target, name in (
        ("/v1/service-objectives", "objectives"),
        ("/v1/arms:summarize?tenant=acme&route=crm&measures=error_rate&measures=latency_ms", "arms"),
        ("/v1/shadows:summarize?tenant=acme", "summaries"),
    ):
        status, answer = await three.get(target)
        assert (status, answer[name]) == (200, [])
    _, both = await three.get("/v1/arms:summarize?route=crm&experiment=tone", lang="fr")
    assert both["detail"] == "Donnez une route ou une expérience, pas les deux."


async def test_a_person_s_report_is_one_document_and_says_in_the_log_who_has_signed(three: Desk) -> None:
    status, report = await three.report(REPORT | {"person": "bob"}, lang="fr")
    assert (status, report["summary"]["decisions"], report["summary"]["languageCode"]) == (200, "2", "fr")
    assert [each["name"] for each in report["entries"]] == [f"decisions/{an_id(number)}" for number in (0, 1)]
    assert "unreadableSegments" not in report
    status, notes = await three.get("/v1/notes?pageSize=1", "bob")
    assert (status, notes["notes"][0]["person"], notes["notes"][0]["reason"]) == (200, "ada", "her request")

    _, nobody = await three.report(REPORT | {"subject": "contacts/carl"})
    assert ("Nothing is recorded about you." in nobody["summary"]["sentences"], nobody["entries"]) == (True, [])
    status, problem = await three.post("/v1/persons:report", REPORT | {"subject": "contacts/x", "reason": ""})
    assert (status, [each["path"] for each in problem["mistakes"]]) == (400, ["reason"])
    status, problem = await three.post("/v1/persons:report", ["ada"])
    assert (status, problem["reason"]) == (400, "ARGUMENT_INVALID")


async def test_only_who_has_the_role_gets_inputs_or_erases(three: Desk) -> None:
    erasure = {"subject": "contacts/ada", "tenant": "acme", "reason": "request of 12 May", "person": "bob"}
    for method, target, body in (
        ("GET", "/v1/inputs", None),
        ("POST", "/v1/inputs:forget", {"subject": "contacts/ada"}),
        ("POST", "/v1/subjects:erase", erasure),
    ):
        status, problem = await three.office["ada"].ask(method, target, body)
        assert (status, problem["reason"]) == (403, "RIGHT_MISSING")
        status, problem = await three.office["mallory"].ask(method, target, body)
        assert (status, problem["reason"]) == (401, "PERSON_UNAUTHENTICATED")

    status, inputs = await three.get("/v1/inputs?maxResults=5", "dan")
    assert (status, [each["decision"] for each in inputs["inputs"]], inputs["totalSize"]) == (
        *(200, [f"decisions/{an_id(0)}"], "1"),
    )
    status, problem = await three.get("/v1/inputs?decision=x", "dan")
    assert (status, problem["mistakes"][0]["path"]) == (400, "decision")
    status, gone = await three.post("/v1/inputs:forget", {"subject": "contacts/ada"}, "dan")
    assert (status, gone) == (200, {"forgotten": "1"})
    assert (await three.get("/v1/inputs", "dan"))[1] == {"inputs": []}

    status, asked = await three.post("/v1/subjects:erase", erasure, "dan")
    assert (status, asked["kind"], asked["state"], asked["subjectRef"]) == (202, "erasure", "waiting", ADA)
    _, notes = await three.get("/v1/notes?kind=erasure")
    assert notes == {}
    for who, code, reason in (("dan", 403, "POLICY_DENIED"), ("ada", 404, "NOT_FOUND")):
        status, problem = await three.post(f"/v1/{asked['name']}:agree", {"reason": "x"}, who)
        assert (status, problem["reason"]) == (code, reason)
    _, looked = await three.get(f"/v1/{asked['name']}", "dora")
    assert looked == asked | {"subject": "contacts/ada"}
    status, done = await three.post(f"/v1/{asked['name']}:agree", {"reason": "letter seen"}, "dora")
    assert (status, done["state"], done["comment"]) == (200, "done", "letter seen")
    _, notes = await three.get("/v1/notes?pageSize=3")
    told = [(each["kind"], each["person"], each.get("change", {}).get("operation")) for each in notes["notes"]]
    assert told == [("change", "dora", "agree"), ("erasure", "dan", None), ("change", "dora", "agree")]
    _, listed = await three.get("/v1/approvals?state=done", "dan")
    assert listed == {"approvals": [done], "nextPageToken": ""}
    assert (await three.get("/v1/approvals?kind=erasure"))[1]["approvals"] == []


async def test_without_a_signature_nothing_is_answered(desk: Desk) -> None:
    for target in (
        "/v1/checkpoint",
        "/v1/notes",
        "/v1/decisions:count",
        "/v1/service-objectives",
        "/v1/shadows:summarize",
    ):
        answer = await asyncio.to_thread(requests.get, f"{desk.office.url}{target}", timeout=10)
        assert (answer.status_code, answer.json()["reason"]) == (401, "PERSON_UNAUTHENTICATED")


async def test_answers_over_http_say_which_hours_they_lack(
    empty_world: World, upstream: FakeUpstream, tmp_path: Path
) -> None:
    store = SqliteStore(tmp_path)
    said = [SealedInputs(an_id(0, at_ms=a_time(number)), a_time(number), LONG_MS) for number in range(8)]
    await store.write([admitted(number, subject_ref=ADA, expires_ms=0) for number in range(8)])
    await store.write([ended(number) for number in range(8)])
    await store.write([read({"k": "inputs", "r": msgspec.json.encode(each), "i": b"sealed"}) for each in said])
    await store.close()
    segment = f"{of_hour(1)}.sqlite"
    _overwritten(tmp_path / "audit" / "segments" / segment)
    data = policy(upstream.address, people=[*PEOPLE, person("dora", roles=["values"])])
    async with (
        auditing(empty_world.redis_url, tmp_path) as auditor,
        opened(empty_world, data, audit=auditor.address) as office,
    ):
        desk = Desk(office, auditor, tmp_path)
        answers = [
            await desk.get("/v1/decisions"),
            await desk.get("/v1/decisions:facets?fields=agent"),
            await desk.get("/v1/decisions:histogram"),
            await desk.get("/v1/inputs", "dora"),
            await desk.report(REPORT),
        ]
        lost = await desk.get(f"/v1/decisions/{an_id(0, at_ms=a_time(1))}")
        exported = await asyncio.to_thread(_signed, office, "/v1/decisions:export?filter=agent:*")
    assert [(status, answer["unreadableSegments"]) for status, answer in answers] == [(200, [segment])] * 5
    assert (len(answers[0][1]["decisions"]), len(answers[3][1]["inputs"]), len(answers[4][1]["entries"])) == (6, 6, 6)
    assert (lost[0], lost[1]["reason"], segment in lost[1]["detail"]) == (503, "STORE_UNAVAILABLE", True)
    (tmp_path / "a.jsonl").write_bytes(exported.content)
    report = verify(tmp_path / "a.jsonl", Trust(log_signer(tmp_path / KEY_FILE).key))
    assert report.manifest is not None
    assert (report.problems, report.manifest.unreadable) == ((), (segment,))
