"""A customer who is erased is gone from every file, and everything else is there: records, sums, proofs, the others."""

import asyncio
import base64
import logging
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import duckdb
import pytest

from gateway.adapters.facts import put
from gateway.adapters.sealing import Sealer
from gateway.core import keys
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from gateway.core.used import WrappedKey, key_bound_to
from gateway.watching.logs import JsonLines
from pilote.audit.v1 import audit_service_pb2, explaining_pb2, personal_pb2, planning_pb2
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from pilote.decision.v1 import decision_pb2
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.commands.replaying import Replays, Revisions, Unusable, replay
from services.proof import merkle
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import ADA, message, send
from tests.e2e.test_planning import pilote
from tests.e2e.test_values import written
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, RECORD_KEY, REPLAY_KEY, Agent, Auditor, Told, World, auditing, credential, told
from tests.fakes.collector import Collector
from tests.fakes.upstream import FakeUpstream, answering
from tests.services.ports import free
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
    """An audit service whose store is asked to rewrite its file soon after an erasure; what it stores is trimmed."""
    await fragile_world.let_trim()
    async with auditing(own_redis.url, tmp_path / "audit", trimmed_seconds=6.0) as auditor:
        yield auditor


async def ready(world: World, upstream: FakeUpstream) -> None:
    """A policy that reads a fact and a field; what it decides by is kept, and calls go on without the store."""
    caps = [cap(50, on_store_error="local")]
    look = {"name": "look", "effect": "hold", "methods": SENDING, "when": 'call.category == "legal"'}
    rules = [allow_all(), VIP, look]
    await world.publish(policy(upstream.address, rules=rules, caps=caps, replay={"share": 10_000, "keep": "1d"}))
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


@dataclass
class Outside:
    """What leaves the processes: spans at the collector, logs in the file."""

    collector: Collector
    logs: Path


@pytest.fixture
def outside(collector: Collector, tmp_path: Path) -> Iterator[Outside]:
    """All that ours log, debugging included, as the processes write it to standard output; and a collector."""
    handler = logging.FileHandler(tmp_path / "logs")
    handler.setFormatter(JsonLines())
    levels = {"": logging.INFO} | dict.fromkeys(("gateway", "pilote", "services"), logging.DEBUG)
    before = {name: logging.getLogger(name).level for name in levels}
    logging.getLogger().addHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    yield Outside(collector, tmp_path / "logs")
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger().removeHandler(handler)
    handler.close()


async def watched(world: World, collector: Collector) -> tuple[Agent, int]:
    """A gateway that logs every call, exports every span and shows its metrics at this port; and stubs to it."""
    (port,) = free(1)
    running = await world.gateway(otlp_endpoint=collector.endpoint, metrics_listen=f"127.0.0.1:{port}", call_log="all")
    await world.wait_for(2)
    return world.agent(running), port


async def lived(world: World, agent: Agent, upstream: FakeUpstream, own_redis: Store) -> tuple[str, str, str, str]:
    """Calls about two customers in every way in which something is kept of one: the ids of the decisions.

    Ada's first, Bob's, Ada's that waits in a gateway's spool, and Ada's that is held for a person.
    """

    async def sent(customer: str, request_id: str = "", **fields: str) -> Told:
        return await told(agent.messages.SendMessage(send(customer, request_id=request_id, **fields), metadata=SALES))

    # Gateways tell a store again what it may have lost when it was killed; of calls that are held they do not.
    await world.redis.config_set("appendfsync", "always")
    upstream.behave = answering(SendMessageResponse(message=message(body=f"{LINE} answered")).SerializeToString())
    first = await sent(ADA, subject_line=f"{LINE} 1")
    for _ in range(2):  # what is kept for the second is the first one's answer
        repeated = await sent(ADA, "once", subject_line=f"{LINE} 3")
        assert repeated.response.message.body == f"{LINE} answered"
    held = await sent(ADA, category="legal", subject_line=f"{LINE} 4")
    bobs = await sent(BOB, subject_line="News for Bob")
    assert (first.reason, held.reason, bobs.reason) == ("", "APPROVAL_REQUIRED", "")
    await asyncio.to_thread(own_redis.kill)  # what is let through meanwhile waits in the gateway's spool
    spooled = await sent(ADA, subject_line=f"{LINE} 2")
    assert spooled.reason == ""
    in_spool = files_below(world.home / "gateway-1" / "spool")
    assert any(data for data in in_spool.values())
    assert not any(LINE.encode() in data for data in in_spool.values())
    await asyncio.to_thread(own_redis.start)
    return first.decision, bobs.decision, spooled.decision, held.decision


async def told_outside(auditor: Auditor, collector: Collector, port: int) -> dict[str, bytes]:
    """What leaves the processes: spans, metrics, an export."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as page:
        metrics = await page.read()
    assert b"pilote_decisions_total" in metrics
    return {"spans": b"".join(collector.raw), "metrics": metrics, "export": await exported(auditor)}


def unpacked(*folders: Path) -> dict[str, bytes]:
    """All files, and of those in Parquet what stands in them."""
    found = files_below(*folders)
    for name in [name for name in found if name.endswith(".parquet")]:
        rows = duckdb.connect().execute("SELECT * FROM read_parquet(?)", (name,)).fetchall()
        values = [value for row in rows for value in row if value is not None]
        found[f"{name} unpacked"] = b"\n".join(
            value if isinstance(value, bytes) else str(value).encode() for value in values
        )
    return found


def holding(files: dict[str, bytes], secrets: set[bytes]) -> list[str]:
    """The names of the files in which a secret stands."""
    return [name for name, data in files.items() if any(each in data for each in secrets)]


async def test_an_erased_customer_is_in_no_file_and_nothing_else_is_lost(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream, auditor: Auditor, outside: Outside
) -> None:
    world, home = fragile_world, fragile_world.home
    await ready(world, upstream)
    agent, port = await watched(world, outside.collector)
    first, bobs, spooled, held = await lived(world, agent, upstream, own_redis)
    for decision in (first, bobs, spooled, held):
        assert await state_of(auditor, decision) == decision_pb2.VALUES_STATE_SEALED

    secrets = {FACT.encode(), LINE.encode()}
    for record, key in (await stored_keys(auditor, (first, spooled, held))).values():
        assert record
        data_key = Sealer((RECORD_KEY,)).open(key.wrapped, bound_to=key_bound_to("acme", key))
        secrets |= written_as(data_key) | written_as(key.wrapped)
    before = await counted(auditor)
    bob_before = await auditor.decision(bobs)
    proof = audit_service_pb2.GetInclusionProofRequest(name=f"decisions/{first}")
    leaf = (await auditor.stub.GetInclusionProof(proof)).leaf_data

    answer = await erased(auditor)
    assert answer.files_cleared
    assert answer.erasures[0].keys == 1
    assert answer.erasures[0].inputs >= 5
    await world.redis.delete(keys.facts(keys.cell("acme"), ref(ADA)))  # the CRM's own business

    folders = (home, own_redis.home)

    async def gone() -> bool | None:
        for name, data in (await told_outside(auditor, outside.collector, port)).items():
            (home / name).write_bytes(data)
        return not holding(await asyncio.to_thread(files_below, *folders), secrets) or None

    assert await eventually(gone, what="no file with anything of the customer")
    found = files_below(*folders)
    for part in ("appendonly", "segments", "spool", "logs", "spans", "metrics", "export"):
        assert any(part in name for name in found), part
    assert all(found[str(home / name)] for name in ("logs", "spans", "metrics", "export"))
    assert found[str(outside.logs)].count(b'"text": "call"') >= 5

    for decision in (first, spooled, held):
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


async def test_neither_is_an_erased_customer_in_what_is_sealed_before_or_afterwards(
    fragile_world: World, own_redis: Store, upstream: FakeUpstream, tmp_path: Path
) -> None:
    world, home = fragile_world, tmp_path / "audit"
    await world.let_trim()
    await ready(world, upstream)
    secrets = {FACT.encode(), LINE.encode()}
    async with auditing(own_redis.url, home, trimmed_seconds=6.0) as auditor:
        decisions = [await called(world, ADA, subject_line=LINE)]
        await auditor.decision(decisions[0])
        for record, key in (await stored_keys(auditor, tuple(decisions))).values():
            assert record
            secrets |= written_as(key.wrapped)
    await sealed(home)
    async with auditing(own_redis.url, home, trimmed_seconds=6.0) as auditor:
        decisions.append(await called(world, ADA, subject_line=LINE))
        await auditor.decision(decisions[1])
        await erased(auditor)
        for decision in decisions:
            assert await state_of(auditor, decision) == decision_pb2.VALUES_STATE_ERASED
    await sealed(home)
    found = unpacked(home)
    inside = [data for name, data in found.items() if name.endswith("unpacked")]
    assert all(any(decision.encode() in data for data in inside) for decision in decisions)
    assert holding(found, secrets) == []


async def sealed(home: Path) -> None:
    """Seal all hours, the one that runs too; the service must not."""
    store = SqliteStore(home, keeping=Keeping(grace_ms=0, hot_ms=0))
    try:
        assert await store.seal(now_ms=int(time.time() * 1_000) + 3 * 3_600_000) > 0
    finally:
        await store.close()


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
