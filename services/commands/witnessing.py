"""A witness sees that a log only grows, and signs that. It keeps the last checkpoint that it has seen."""

import os
from pathlib import Path

import msgspec

from gateway.rpc.channels import channel_to
from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from services.proof.merkle import consistent
from services.proof.notes import Checkpoint, Key, Signer, read_note
from services.proof.verifying import Broken, Trust, checked_checkpoint


class Seen(msgspec.Struct, frozen=True):
    """What a witness has seen."""

    checkpoint: Checkpoint
    before: Checkpoint | None
    """The one that it had seen last."""


async def witness(address: str, *, key: Key, signer: Signer, state: Path, now_s: int) -> Seen:
    """Look at the log once, and sign its newest checkpoint if it continues the last one that was seen.

    `state` is the file with that one; it is written before the signature is handed out, so that nothing older is ever
    signed later.

    Raises:
        Broken: the log does not continue what was seen, or is another one; nothing is signed.
        grpc.aio.AioRpcError: the service does not answer, or does not take our signature.
        OSError: the state cannot be read or written.
    """
    before = _before(state, key)
    async with channel_to(address) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        answer = await stub.GetCheckpoint(audit_service_pb2.GetCheckpointRequest(), timeout=10)
        checkpoint, _ = checked_checkpoint(answer.checkpoint.note, Trust(key))
        path: tuple[bytes, ...] = ()
        if before is not None and 0 < before.size < checkpoint.size:
            request = audit_service_pb2.GetConsistencyProofRequest(
                first_tree_size=before.size, second_tree_size=checkpoint.size
            )
            path = tuple((await stub.GetConsistencyProof(request, timeout=10)).path)
        if before is not None:
            _check(before, checkpoint, path)
        note = signer.cosign(read_note(answer.checkpoint.note), at_s=now_s)
        _keep(state, note.whole)
        await stub.AddCosignature(audit_service_pb2.AddCosignatureRequest(note=note.whole), timeout=10)
    return Seen(checkpoint, before)


def _before(state: Path, key: Key) -> Checkpoint | None:
    """The checkpoint that was seen last. One that is damaged is not passed over: it is all that a witness knows."""
    try:
        whole = state.read_bytes().decode()
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise Broken("checkpoint-malformed", why=str(error)) from error
    return checked_checkpoint(whole, Trust(key))[0]


def _check(before: Checkpoint, now: Checkpoint, path: tuple[bytes, ...]) -> None:
    if now.size < before.size:
        raise Broken("older", size=now.size, previous=before.size)
    if not consistent(path, first=(before.size, before.root), second=(now.size, now.root)):
        what = "forked" if now.size == before.size else "rewritten"
        raise Broken(what, size=now.size, previous=before.size)


def _keep(state: Path, whole: str) -> None:
    aside = state.with_name(f".{state.name}.{os.getpid()}.part")
    with aside.open("w", encoding="utf-8") as file:
        file.write(whole)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(state)
