"""Who has the role reads what a call was decided by; nobody else does, and every time is in the log."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.adapters.facts import put
from gateway.adapters.revisions import RevisionStore
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from pilote.audit.v1 import audit_service_pb2, personal_pb2
from services.audit.personal import AccessNote
from services.control.options import Options
from services.control.server import running
from tests.e2e.office import Office
from tests.e2e.policy import allow_all, policy
from tests.e2e.requests import ADA, get, send
from tests.e2e.test_planning import pilote
from tests.e2e.test_values import VIP
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, RECORD_KEY, Auditor, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.signatures import PEOPLE, entry, person, published

SALES = credential("sales-bot")
DPO = person("dan", may_approve=False, roles=["values"])
WHY = {"reason": "complaint 17"}
VALUES = [
    {"name": "request.message.subject_line", "origin": "request", "value": "Sale-4712 now"},
    {"name": 'facts.traits["tier"]', "origin": "facts", "value": "gold-4711"},
]


@dataclass
class Desk:
    """A control plane and an audit service beside a gateway, and a decision with values."""

    world: World
    office: Office
    auditor: Auditor
    decision: str
    plain: str
    """A decision without values."""

    async def ask(self, name: str, decision: str = "", body: Any = None, **more: Any) -> tuple[int, Any]:
        target = f"/v1/decisions/{decision or self.decision}/values"
        return await self.office[name].ask("POST", target, WHY if body is None else body, **more)

    async def notes(self) -> list[AccessNote]:
        """What the log says of who asked."""
        answers = self.auditor.stub.ExportDecisions(audit_service_pb2.ExportDecisionsRequest())
        entries = [each for answer in [answer async for answer in answers] for each in answer.entries]
        return [msgspec.json.decode(each.parts[0], type=AccessNote) for each in entries if each.kind == "access"]


@pytest.fixture
async def desk(empty_world: World, upstream: FakeUpstream, tmp_path: Path) -> AsyncIterator[Desk]:
    world = empty_world
    people = [each for each in PEOPLE if each["name"] != "dan"]
    data = policy(upstream.address, people=[*people, DPO], rules=[allow_all(), VIP])
    first = published(world.document(data), author="ada")
    await RevisionStore(world.redis).add(first, entry(first, "bob"))
    ref = subject_ref(KEY, tenant="acme", subject=ADA)
    await put(world.redis, "acme", subject_ref=ref, facts=Facts(traits={"tier": "gold-4711"}))
    await world.gateway()
    await world.wait_for(1)
    async with auditing(world.redis_url, tmp_path / "audit") as auditor:
        options = {"redis_url": world.redis_url, "pseudonym_key": KEY, "drain_seconds": 0.5}
        keys = {"audit": auditor.address, "record_keys": (RECORD_KEY,)}
        async with running(Options(listen="127.0.0.1:0", **options, **keys)) as port:  # type: ignore[arg-type]
            office = Office(f"http://127.0.0.1:{port}", data)
            await office.follows(1)
            agent = world.agent()
            refused = await told(agent.messages.SendMessage(send(subject_line="Sale-4712 now"), metadata=SALES))
            plain = await told(agent.contacts.GetContact(get(), metadata=SALES))
            for each in (refused, plain):
                await auditor.decision(each.decision)
            yield Desk(world, office, auditor, refused.decision, plain.decision)


async def test_who_has_the_role_reads_the_values_and_the_log_says_so(desk: Desk) -> None:
    status, answer = await desk.ask("dan")
    assert (status, answer) == (
        200,
        {"decision": f"decisions/{desk.decision}", "state": "SEALED", "values": VALUES},
    )
    (note,) = await desk.notes()
    assert (note.person, note.reason, note.decision, note.given) == ("dan", "complaint 17", desk.decision, True)
    status, answer = await desk.ask("dan", desk.plain)
    assert (status, answer["state"], answer.get("values")) == (200, "NONE", None)


async def test_nobody_else_reads_anything(desk: Desk) -> None:
    status, answer = await desk.ask("ada")
    assert (status, answer["reason"]) == (403, "RIGHT_MISSING")
    status, answer = await desk.ask("ada", lang="fr")
    assert "n’en avez pas le droit" in answer["detail"]
    for name, more in (("mallory", {}), ("dan", {"skew_ms": -120_000}), ("dan", {"signing": "/v1/other"})):
        status, answer = await desk.ask(name, **more)
        assert (status, answer["reason"]) == (401, "PERSON_UNAUTHENTICATED")
    assert await desk.notes() == []


@pytest.mark.parametrize(
    ("decision", "body", "status"),
    [
        ("", {"reason": ""}, 400),
        ("", {"reason": "x" * 501}, 400),
        ("", {}, 400),
        ("", {"reason": "why", "as": "eve"}, 400),
        ("", [], 400),
        ("0" * 32, {"reason": "why"}, 404),
        ("nonsense", {"reason": "why"}, 404),
    ],
)
async def test_who_asks_wrongly_is_told_what_is_wrong_and_reads_nothing(
    desk: Desk, decision: str, body: Any, status: int
) -> None:
    found, answer = await desk.ask("dan", decision, body)
    assert found == status
    assert answer["detail"]
    assert await desk.notes() == []


async def test_of_an_erased_customer_the_answer_says_when(desk: Desk) -> None:
    request = personal_pb2.EraseSubjectRequest(subject=ADA, tenant="acme", reason="asked")
    await desk.auditor.stub.EraseSubject(request)
    status, answer = await desk.ask("dan")
    assert (status, answer["state"]) == (200, "ERASED")
    assert answer["eraseTime"].startswith("20")
    assert "values" not in answer


async def test_without_the_master_key_the_values_cannot_be_opened_and_it_is_said(desk: Desk) -> None:
    options = {"redis_url": desk.world.redis_url, "pseudonym_key": KEY, "drain_seconds": 0.5}
    keys = {"audit": desk.auditor.address, "record_keys": (b"another master key of 32 bytes...",)[0:1]}
    keys["record_keys"] = (b"o" * 32,)
    async with running(Options(listen="127.0.0.1:0", **options, **keys)) as port:  # type: ignore[arg-type]
        other = Office(f"http://127.0.0.1:{port}", desk.office.data)
        await other.follows(1)
        status, answer = await other["dan"].ask("POST", f"/v1/decisions/{desk.decision}/values", WHY)
    assert (status, answer["reason"]) == (409, "VALUES_KEY")


async def test_while_the_audit_service_is_away_it_is_said(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
    options = {"redis_url": desk.world.redis_url, "pseudonym_key": KEY, "drain_seconds": 0.5}
    keys = {"audit": nobody, "record_keys": (RECORD_KEY,)}
    async with running(Options(listen="127.0.0.1:0", **options, **keys)) as port:  # type: ignore[arg-type]
        other = Office(f"http://127.0.0.1:{port}", desk.office.data)
        await other.follows(1)
        status, answer = await other["dan"].ask("POST", f"/v1/decisions/{desk.decision}/values", WHY)
    assert (status, answer["reason"]) == (503, "STORE_UNAVAILABLE")


def key_file(folder: Path, name: str) -> str:
    """The private key of a person of these tests, as a file."""
    import hashlib

    key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
    file = folder / f"{name}.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    return str(file)


async def test_the_command_line_explains_with_values_and_erases(desk: Desk, tmp_path: Path) -> None:
    where = {
        "PILOTE_AUDIT_LISTEN": desk.auditor.address,
        "PILOTE_CONTROL_LISTEN": desk.office.url.removeprefix("http://"),
    }
    asked = ("explain", desk.decision, "--values", "--as", "dan", "--key", key_file(tmp_path, "dan"))
    code, out, err = await pilote(desk.world, *asked, "--reason", "complaint 17", **where)
    assert (code, err) == (0, "")
    assert "It was decided by:" in out
    assert '  facts.traits["tier"] = "gold-4711"' in out
    assert [note.reason for note in await desk.notes()] == ["complaint 17"]

    code, out, err = await pilote(desk.world, *asked, "--json", "--reason", "for a machine", **where)
    assert (code, err) == (0, "")
    told_of = msgspec.json.decode(out)["usedValues"]
    assert [each["value"] for each in told_of["values"]] == [each["value"] for each in VALUES]
    assert [note.reason for note in await desk.notes()] == ["complaint 17", "for a machine"]

    code, out, err = await pilote(desk.world, *asked, **where)
    assert (code, "--as NAME --key FILE --reason WHY" in err) == (2, True)
    ada = ("explain", desk.decision, "--values", "--as", "ada", "--key", key_file(tmp_path, "ada"), "--reason", "x")
    code, out, err = await pilote(desk.world, *ada, **where, PILOTE_LANG="fr")
    assert (code, "n’en avez pas le droit" in err) == (1, True)

    code, out, err = await pilote(desk.world, "erase", ADA, "--reason", "asked", "--by", "dan", **where)
    assert (code, err) == (0, "")
    assert f"{ADA} of acme was erased: 1 keys and 2 inputs of decisions were destroyed." in out
    code, out, err = await pilote(desk.world, *asked, "--reason", "again", **where, PILOTE_LANG="fr")
    assert (code, err) == (0, "")
    assert "a été effacé avec le client" in out
    assert 'facts.traits["tier"] = ' not in out
    code, out, err = await pilote(desk.world, "erase", ADA, "--reason", " ", **where)
    assert (code, "reason is required" in err) == (2, True)
    code, out, err = await pilote(desk.world, "audit", "notes", "--count", "2", **where)
    assert (code, err) == (0, "")
    head, access, erasure = [line.split("\t") for line in out.splitlines()]
    assert (head[1:3], access[1:4]) == (["what", "who"], ["access", "dan", "again"])
    assert erasure[1:] == ["erasure", "dan", "asked", "acme", subject_ref(KEY, tenant="acme", subject=ADA)]
    nobody = {"PILOTE_AUDIT_LISTEN": "127.0.0.1:1"}
    assert (await pilote(desk.world, "erase", ADA, "--reason", "x", **nobody))[0] == 1


async def test_keys_are_wrapped_anew_beside_the_running_service_and_the_old_master_key_may_go(
    desk: Desk, tmp_path: Path
) -> None:
    keys = tmp_path / "records.key"
    settings = {"PILOTE_HOME": str(tmp_path / "audit"), "PILOTE_RECORD_KEY_FILE": str(keys)}
    keys.write_text(f"{'6e' * 32}\n")
    code, out, err = await pilote(desk.world, "audit", "rewrap", **settings)
    assert (code, "is not in the file" in err) == (1, True)
    keys.write_text(f"{'6e' * 32}\n{RECORD_KEY.hex()}\n")
    code, out, err = await pilote(desk.world, "audit", "rewrap", **settings)
    assert (code, err) == (0, "")
    assert out.startswith("1 keys are wrapped with the first master key")

    options = {"redis_url": desk.world.redis_url, "pseudonym_key": KEY, "drain_seconds": 0.5}
    parts = {"audit": desk.auditor.address, "record_keys": (b"n" * 32,)}
    async with running(Options(listen="127.0.0.1:0", **options, **parts)) as port:  # type: ignore[arg-type]
        other = Office(f"http://127.0.0.1:{port}", desk.office.data)
        await other.follows(1)

        async def opened() -> bool | None:
            status, answer = await other["dan"].ask("POST", f"/v1/decisions/{desk.decision}/values", WHY)
            return (status, answer.get("values")) == (200, VALUES) or None

        assert await eventually(opened, what="the values under the new master key")
    nowhere = settings | {"PILOTE_HOME": str(tmp_path / "empty")}
    code, out, err = await pilote(desk.world, "audit", "rewrap", **nowhere)
    assert (code, "no store of decisions" in err) == (1, True)
