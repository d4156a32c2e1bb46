"""A customer who is erased is gone from every file, and everything else is there: records, sums, proofs, the others."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.facts import put
from gateway.adapters.sealing import Sealer
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from gateway.core.used import WrappedKey, key_bound_to
from pilote.audit.v1 import audit_service_pb2, explaining_pb2, personal_pb2, planning_pb2
from pilote.decision.v1 import decision_pb2
from services.commands.replaying import Replays, Revisions, Unusable, replay
from services.proof import merkle
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import ADA, send
from tests.e2e.test_planning import pilote
from tests.e2e.test_values import written
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, RECORD_KEY, REPLAY_KEY, Auditor, World, auditing, credential, told
from tests.fakes.upstream import FakeUpstream
from tests.stores import Store, files_below

SALES = credential("sales-bot")
BOB = "contacts/bob"
FACT, LINE, BOBS = "gold-4711-ada", "Sale-4712-ada", "silver-4713-bob"
SENDING = ["/pilote.crm.v1.MessageService/SendMessage"]
VIP = {
    "name": "vip",
    "effect": "deny",
    "methods": SENDING,
    "when": f'facts.traits["tier"] == "{BOBS}-never" && request.message.subject_line == "x"',
}


@pytest.fixture
async def auditor(fragile_world: World, own_redis: Store, tmp_path: Path) -> AsyncIterator[Auditor]:
    """An audit service whose store is asked to rewrite its file soon after an erasure."""
    async with auditing(own_redis.url, tmp_path / "audit", trimmed_seconds=6.0) as auditor:
        yield auditor


async def ready(world: World, upstream: FakeUpstream) -> None:
    """A policy that reads a fact and a field; what it decides by is kept, and calls go on without the store."""
    caps = [cap(50, on_store_error="local")]
    await world.publish(
        policy(upstream.address, rules=[allow_all(), VIP], caps=caps, replay={"share": 10_000, "keep": "1d"})
    )
    for name, tier in ((ADA, FACT), (BOB, BOBS)):
        await put(world.redis, "acme", subject_ref=ref(name), facts=Facts(traits={"tier": tier}))


def ref(name: str) -> str:
    return subject_ref(KEY, tenant="acme", subject=name)


def written_as(secret: bytes) -> set[bytes]:
    """How a secret may stand in a file."""
    return {secret, secret.hex().encode(), base64.b64encode(secret), base64.b64encode(secret).rstrip(b"=")}


async def called(world: World, customer: str, **fields: str) -> str:
    ended = await told(world.agent().messages.SendMessage(send(customer, **fields), metadata=SALES))
    assert ended.reason == ""
    return ended.decision


async def erased(auditor: Auditor, subject: str = ADA) -> personal_pb2.EraseSubjectResponse:
    request = personal_pb2.EraseSubjectRequest(subject=subject, tenant="acme", reason="the customer asked")
    return await auditor.stub.EraseSubject(request)


async def state_of(auditor: Auditor, decision: str) -> int:
    return (await auditor.decision(decision)).values_state


async def counted(auditor: Auditor) -> Any:
    """Statistics: decisions by method, agent and route."""
    request = planning_pb2.CountDecisionsRequest(tenant="acme")
    request.start_time.FromSeconds(int(time.time()) - 7_200)
    request.end_time.FromSeconds(int(time.time()) + 7_200)
    return await auditor.stub.CountDecisions(request)


async def exported(auditor: Auditor) -> bytes:
    """The whole log, as it is exported."""
    answers = auditor.stub.ExportDecisions(audit_service_pb2.ExportDecisionsRequest(proofs=True))
    return b"".join([answer.SerializeToString() async for answer in answers])


async def test_an_erased_customer_is_in_no_file_and_nothing_else_is_lost(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    world = fragile_world
    await ready(world, upstream)
    first = await called(world, ADA, subject_line=f"{LINE} 1")
    bobs = await called(world, BOB, subject_line="News for Bob")
    await asyncio.to_thread(own_redis.kill)  # what is let through meanwhile waits in the gateway's spool
    spooled = await called(world, ADA, subject_line=f"{LINE} 2")
    in_spool = files_below(tmp_path / "gateway-0" / "spool")
    assert any(data for data in in_spool.values())
    await asyncio.to_thread(own_redis.start)
    for decision in (first, bobs, spooled):
        assert await state_of(auditor, decision) == decision_pb2.VALUES_STATE_SEALED

    secrets = {FACT.encode(), LINE.encode()}
    for record, key in (await stored_keys(auditor, (first, spooled))).values():
        assert record
        data_key = Sealer((RECORD_KEY,)).open(key.wrapped, bound_to=key_bound_to("acme", key))
        secrets |= written_as(data_key) | written_as(key.wrapped)
    before = await counted(auditor)
    bob_before = await auditor.decision(bobs)
    proof = audit_service_pb2.GetInclusionProofRequest(name=f"decisions/{first}")
    leaf = (await auditor.stub.GetInclusionProof(proof)).leaf_data

    answer = await erased(auditor)
    assert answer.files_cleared
    assert (answer.erasures[0].keys, answer.erasures[0].inputs) == (1, 2)
    await world.redis.delete(keys.facts(keys.cell("acme"), ref(ADA)))  # the CRM's own business

    folders = (tmp_path, own_redis.home)

    async def gone() -> bool | None:
        found = await asyncio.to_thread(files_below, *folders)
        (tmp_path / "export").write_bytes(await exported(auditor))
        return not [name for name, data in found.items() if any(each in data for each in secrets)] or None

    assert await eventually(gone, what="no file with anything of the customer")
    found = files_below(*folders)
    assert any("appendonly" in name for name in found)
    assert any("segments" in name for name in found)
    assert any(name.endswith("export") and data for name, data in found.items())

    for decision in (first, spooled):
        assert await state_of(auditor, decision) == decision_pb2.VALUES_STATE_ERASED
        explained = explaining_pb2.ExplainDecisionRequest(name=f"decisions/{decision}", language_code="fr")
        assert "effacé avec le client" in " ".join((await auditor.stub.ExplainDecision(explained)).sentences)
        replays = Replays(Revisions(world.redis), sealer=Sealer((REPLAY_KEY,)), pseudonym_key=KEY)
        with pytest.raises(Unusable) as unusable:
            await replay(decision, auditor.stub, replays)
        assert unusable.value.why == "replay-erased"
    assert await counted(auditor) == before
    assert await auditor.decision(bobs) == bob_before
    values = personal_pb2.ReadValuesRequest(name=f"decisions/{bobs}", person="dpo", reason="look")
    assert (await auditor.stub.ReadValues(values)).HasField("key")
    assert (await replay(bobs, auditor.stub, replays)).differing == ()
    proved = await auditor.stub.GetInclusionProof(proof)
    assert proved.leaf_data == leaf
    assert merkle.leaf_hash(leaf) == proved.leaf_hash


async def test_what_was_exported_before_and_after_an_erasure_verifies_offline_and_holds_no_key(
    fragile_world: World, upstream: FakeUpstream, auditor: Auditor, tmp_path: Path
) -> None:
    world = fragile_world
    await ready(world, upstream)
    decision = await called(world, ADA, subject_line=LINE)
    await auditor.decision(decision)
    where = {"PILOTE_AUDIT_LISTEN": auditor.address, "PILOTE_HOME": str(tmp_path / "audit")}
    ((_, key),) = (await stored_keys(auditor, (decision,))).values()
    files = [tmp_path / "before.jsonl", tmp_path / "after.jsonl"]
    assert (await pilote(world, "audit", "export", str(files[0]), **where))[0] == 0
    await erased(auditor)
    assert (await pilote(world, "audit", "export", str(files[1]), **where))[0] == 0
    public = (await pilote(world, "audit", "key", **where))[1].strip()
    for file in files:
        code, out, err = await pilote(world, "verify", str(file), "--key", public)
        assert (code, err) == (0, ""), out
        data = file.read_bytes()
        assert decision.encode() in data
        secrets = {FACT.encode(), LINE.encode(), *written_as(key.wrapped)}
        assert [each for each in secrets if each in data] == []
    assert b"erasure" in files[1].read_bytes()


async def stored_keys(auditor: Auditor, decisions: tuple[str, ...]) -> dict[str, tuple[str, WrappedKey]]:
    """The wrapped keys of decisions, by key id."""
    found = {}
    for decision in decisions:
        request = personal_pb2.ReadValuesRequest(name=f"decisions/{decision}", person="dpo", reason="test")
        key = (await auditor.stub.ReadValues(request)).key
        made_ms = key.make_time.ToMilliseconds()
        found[key.id] = (decision, WrappedKey(key.id, key.subject_ref, made_ms, key.wrapped))
    return found


async def test_a_gateway_forgets_the_key_of_who_is_erased_and_nobody_elses(
    fragile_world: World, upstream: FakeUpstream, auditor: Auditor
) -> None:
    world = fragile_world
    await ready(world, upstream)
    await world.gateway()
    await world.wait_for(2)
    decisions = [await called(world, name) for name in (ADA, BOB)]
    for decision in decisions:
        await auditor.decision(decision)
    before = {name: key for name, (_, key) in (await stored_keys(auditor, tuple(decisions))).items()}
    assert len(before) == 2
    await erased(auditor)

    async def forgotten() -> bool | None:
        decision = await called(world, ADA)
        record, key = (await written(world))[decision]
        assert record.values is not None
        assert key is not None
        return key.id not in before or None

    assert await eventually(forgotten, what="another key")
    decision = await called(world, BOB)
    _, key = (await written(world))[decision]
    assert key is not None
    assert key.id in before


async def test_a_spooled_record_that_comes_after_the_erasure_brings_its_key_in_vain(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream, auditor: Auditor
) -> None:
    world = fragile_world
    await ready(world, upstream)
    await called(world, ADA)
    await asyncio.to_thread(own_redis.freeze)  # the first attempt may have got through, so this is another decision
    spooled = await called(world, ADA, subject_line=LINE)
    await erased(auditor)
    await asyncio.to_thread(own_redis.thaw)
    found = await auditor.decision(spooled)
    assert found.values_state == decision_pb2.VALUES_STATE_ERASED
    assert found.subject_ref == ref(ADA)
