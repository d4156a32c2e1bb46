"""What agents really did is exported, proved and verified; and whoever changes the export is found out."""

from pathlib import Path

import grpc
import pytest

from pilote.audit.v1 import audit_service_pb2
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.commands.export_reading import verify
from services.commands.exporting import Wanted, export
from services.proof.notes import read_checkpoint, read_note
from services.proof.verifying import Trust
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import get, send
from tests.e2e.world import Agent, Auditor, World, credential, told
from tests.fakes.upstream import FakeUpstream, failing
from tests.services.audit.exports import FORMATS, tampered
from tests.services.audit.test_exports import TAMPERS

SALES = credential("sales-bot")


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


async def _work(world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor) -> None:
    """Calls that end in many ways."""
    rules = [
        allow_all(),
        {"name": "no-phone", "effect": "deny", "operations": ["CONTACT"], "when": 'call.channel == "phone"'},
    ]
    await world.publish(policy(upstream.address, rules=rules, caps=[cap(2, channels=["sms"])]))
    messages = agent.messages
    ended = [
        await told(messages.SendMessage(send(channel=channel), metadata=SALES))
        for channel in ("email", "phone", "sms", "sms", "sms", "e mail")
    ]
    ended.append(await told(messages.SendMessage(send(), metadata=())))
    upstream.behave = failing(grpc.StatusCode.INTERNAL)
    ended.append(await told(messages.SendMessage(send(), metadata=SALES)))
    ended.append(await told(agent.contacts.GetContact(get(), metadata=SALES)))
    for each in ended:
        await auditor.decision(each.decision)


@pytest.fixture
async def worked(world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor) -> Auditor:
    """Who asks about what agents did."""
    await _work(world, agent, upstream, auditor)
    return auditor


@pytest.mark.parametrize("form", FORMATS)
async def test_what_agents_did_is_proved_and_whoever_changes_that_is_found_out(
    worked: Auditor, tmp_path: Path, form: str
) -> None:
    trust = Trust(log_signer(tmp_path / "audit" / KEY_FILE).key)
    for query, proofs in (("", False), ('agent = "sales-bot"', True), ('agent = "sales-bot"', False)):
        path = tmp_path / f"a.{form}"
        await export(worked.address, path, Wanted(query, form, proofs, 0), progress=_silent)
        whole = path.read_bytes()
        report = verify(path, trust)
        assert report.problems == ()
        assert report.manifest is not None
        assert report.manifest.rows == (9 if not query else 8)
        for what, tamper in TAMPERS.items():
            tampered(path, tamper)
            assert verify(path, trust).problems, (query, what)
            path.write_bytes(whole)


async def test_a_log_only_grows_while_agents_work(
    world: World, agent: Agent, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    await _work(world, agent, upstream, auditor)
    earlier = (await auditor.stub.GetCheckpoint(audit_service_pb2.GetCheckpointRequest())).checkpoint
    await _work(world, agent, upstream, auditor)
    key = log_signer(tmp_path / "audit" / KEY_FILE).key
    trust = Trust(key, read_checkpoint(read_note(earlier.note).text))
    path = tmp_path / "a.parquet"
    wanted = Wanted("verdict = DENY", "parquet", proofs=True, previous_size=earlier.tree_size)
    await export(auditor.address, path, wanted, progress=_silent)

    assert verify(path, trust).problems == ()
