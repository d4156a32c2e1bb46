"""Checkpoints and proofs over gRPC, and what is signed when somebody has changed the store."""

import stat
from pathlib import Path
from typing import Any, TypeAlias

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core.errors import CallEnded, Reason
from gateway.rpc.status import reason_from
from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log_key import log_signer
from services.audit.sqlite.checkpoints import HOUR_MS
from services.audit.store import DecisionStore
from services.proof import leaves
from services.proof.merkle import EMPTY_ROOT, consistent, leaf_hash, root_by_inclusion
from services.proof.notes import Signer, read_checkpoint, read_note, signed_by
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
from tests.services.audit.kinds import Kind
from tests.services.audit.test_log import admitted, settled

Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"


def _name(number: int) -> str:
    return f"decisions/{an_id(number)}"


async def _refused(call: Any) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return failed.value.code().name, reason_from(failed.value)


async def test_a_checkpoint_is_signed_by_the_key_of_the_log(audit: Audit, stub: Stub) -> None:
    empty = (await stub.GetCheckpoint(pb.GetCheckpointRequest())).checkpoint
    await append(audit.redis, admit(a_record(0)), settle(a_settlement(0)))
    await audit.catch_up()
    await audit.checkpoints.now()
    checkpoint = (await stub.GetCheckpoint(pb.GetCheckpointRequest())).checkpoint

    note = read_note(checkpoint.note)
    said = read_checkpoint(note.text)
    assert signed_by(note, SIGNER.key)
    assert (said.origin, said.size, said.root) == (SIGNER.key.name, 2, checkpoint.root_hash)
    assert (checkpoint.tree_size, checkpoint.sign_time.ToMilliseconds()) == (2, NOW_MS)
    assert (empty.tree_size, empty.root_hash) == (0, EMPTY_ROOT)


async def test_a_decision_and_its_end_are_proved_to_be_in_the_log(audit: Audit, stub: Stub) -> None:
    records = [admit(a_record(number)) for number in range(300)]
    await append(audit.redis, *records, *(settle(a_settlement(number)) for number in range(300)))
    await audit.catch_up()

    for number in (0, 7, 299):
        for settlement in (False, True):
            request = pb.GetInclusionProofRequest(name=_name(number), settlement=settlement)
            proof = await stub.GetInclusionProof(request)
            checkpoint = read_checkpoint(read_note(proof.checkpoint.note).text)
            leaf = leaves.read(proof.leaf_data)
            shown = (await stub.GetDecision(pb.GetDecisionRequest(name=_name(number)))).decision
            assert proof.leaf_index == (shown.settle_leaf_index if settlement else shown.leaf_index)
            assert leaf.kind == ("settle" if settlement else "admit")
            assert an_id(number).encode() in leaf.parts[0]
            assert leaf_hash(proof.leaf_data) == proof.leaf_hash
            assert (
                root_by_inclusion(proof.leaf_hash, tuple(proof.path), index=proof.leaf_index, size=checkpoint.size)
                == checkpoint.root
            )


async def test_a_later_log_is_proved_to_continue_an_earlier_one(audit: Audit, stub: Stub) -> None:
    await audit.store.write([admitted(number) for number in range(5)])
    first = await audit.checkpoints.now()
    await audit.store.write([settled(number) for number in range(5)])
    second = await audit.checkpoints.now()

    for size in (0, second.size):
        request = pb.GetConsistencyProofRequest(first_tree_size=first.size, second_tree_size=size)
        proof = await stub.GetConsistencyProof(request)
        assert consistent(tuple(proof.path), first=(5, first.root), second=(10, second.root))
        assert proof.checkpoint.note == second.note


async def test_a_proof_is_for_the_size_that_was_asked_for(audit: Audit, stub: Stub) -> None:
    await audit.store.write([admitted(number) for number in range(9)])
    root = await audit.store.log.root(4)
    proof = await stub.GetInclusionProof(pb.GetInclusionProofRequest(name=_name(3), tree_size=4))

    assert root_by_inclusion(proof.leaf_hash, tuple(proof.path), index=3, size=4) == root
    assert not proof.HasField("checkpoint")


async def test_what_cannot_be_proved_says_so(audit: Audit, stub: Stub) -> None:
    await audit.store.write([admitted(0), admitted(1)])
    inclusion, consistency = stub.GetInclusionProof, stub.GetConsistencyProof
    wrong = [
        inclusion(pb.GetInclusionProofRequest(name=_name(1), tree_size=1)),
        inclusion(pb.GetInclusionProofRequest(name=_name(1), tree_size=3)),
        inclusion(pb.GetInclusionProofRequest(name=_name(1), tree_size=-1)),
        inclusion(pb.GetInclusionProofRequest(name="x")),
        consistency(pb.GetConsistencyProofRequest()),
        consistency(pb.GetConsistencyProofRequest(first_tree_size=3)),
        consistency(pb.GetConsistencyProofRequest(first_tree_size=2, second_tree_size=1)),
        consistency(pb.GetConsistencyProofRequest(first_tree_size=1, second_tree_size=3)),
    ]
    missing = [
        inclusion(pb.GetInclusionProofRequest(name=_name(5))),
        inclusion(pb.GetInclusionProofRequest(name=_name(0), settlement=True)),
    ]

    assert [await _refused(call) for call in wrong] == [("INVALID_ARGUMENT", "ARGUMENT_INVALID")] * len(wrong)
    assert [await _refused(call) for call in missing] == [("NOT_FOUND", "NOT_FOUND")] * len(missing)


async def test_nothing_is_signed_that_does_not_continue_what_was_signed(store: DecisionStore, stores: Kind) -> None:
    checkpoints = Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS)
    await store.write([admitted(number) for number in range(3)])
    before = await checkpoints.now()
    for forged in (b"\x00" * 128, b"\x00" * 64, b""):
        stores.forge(forged)
        with pytest.raises(CallEnded, match="pilote audit verify"):
            await checkpoints.now()

    assert await checkpoints.newest() == before


async def test_a_log_that_has_not_grown_is_not_signed_again(store: DecisionStore) -> None:
    checkpoints = Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS)
    await store.write([admitted(0)])
    once, again = await checkpoints.now(), await checkpoints.now()

    assert once == again
    assert len(await store.log.checkpoints()) == 1


async def test_of_earlier_hours_the_last_checkpoint_is_kept(store: DecisionStore) -> None:
    now_ms = NOW_MS - NOW_MS % HOUR_MS
    for number in range(12):
        await store.write([admitted(number)])
        at_ms = now_ms + number * HOUR_MS // 4
        await Checkpoints(store.log, signer=SIGNER, clock_ms=lambda at_ms=at_ms: at_ms).now()  # type: ignore[misc]

    assert [signed.size for signed in await store.log.checkpoints()] == [4, 5, 6, 7, 8, 9, 10, 11, 12]


def test_the_key_is_made_once_and_for_nobody_else_to_read(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "log.key"
    once, again = log_signer(path), log_signer(path)

    assert once.key == again.key
    assert once.key.name.startswith("pilote.dev/audit/")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert log_signer(path, origin="example.com/log").key.name == "example.com/log"


def test_a_key_that_is_none_or_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    path.write_text("x")
    path.chmod(0o600)
    with pytest.raises(ValueError, match="no Ed25519 key"):
        log_signer(path)
    path.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        log_signer(path)


async def test_a_log_that_is_signed_with_another_key_is_not_signed_and_it_is_said_what_to_do(
    store: DecisionStore, caplog: pytest.LogCaptureFixture
) -> None:
    other = Signer("log.example/other", Ed25519PrivateKey.from_private_bytes(b"o" * 32))
    ours, theirs = (Checkpoints(store.log, signer=each, clock_ms=lambda: NOW_MS) for each in (SIGNER, other))
    await store.write([admitted(0)])
    first = await ours.now()
    for grown in (False, True):
        if grown:
            await store.write([admitted(1)])
        for ask in (theirs.now, theirs.newest):
            with pytest.raises(CallEnded, match="the same PILOTE_AUDIT_KEY_FILE") as refused:
                await ask()
            assert refused.value.reason is Reason.STORE_UNAVAILABLE
    assert await store.log.newest() == first
    assert (await ours.now()).size == 2
    assert [each.levelname for each in caplog.records] == ["ERROR"]
