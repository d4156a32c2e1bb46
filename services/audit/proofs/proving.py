"""Answers for checkpoints and proofs, as the contract has them."""

from gateway.core.errors import CallEnded, Reason, invalid
from gateway.rpc.times import timestamp
from pilote.audit.v1 import audit_service_pb2
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log import Log, Signed
from services.audit.store import Stored
from services.proof.exports import Entry


def checkpoint(signed: Signed) -> audit_service_pb2.Checkpoint:
    """A checkpoint as the contract has it."""
    return audit_service_pb2.Checkpoint(
        note=signed.note, tree_size=signed.size, root_hash=signed.root, sign_time=timestamp(signed.signed_ms)
    )


def entry(exported: Entry) -> audit_service_pb2.ExportEntry:
    """An entry of an export as the contract has it."""
    return audit_service_pb2.ExportEntry(
        kind=exported.kind,
        leaf_index=exported.place,
        parts=() if exported.leaf is None else exported.leaf.parts,
        leaf_hash=exported.hash,
        path=exported.path,
    )


def earlier(size: int) -> int:
    """The size of an earlier log that somebody asks with.

    Raises:
        CallEnded: ARGUMENT_INVALID when it is negative.
    """
    if size < 0:
        raise invalid("previous_tree_size", "previous_tree_size is the size of a log: 0 or more.")
    return size


async def inclusion(
    request: audit_service_pb2.GetInclusionProofRequest, stored: Stored, *, log: Log, checkpoints: Checkpoints
) -> audit_service_pb2.GetInclusionProofResponse:
    """The proof that a decision, or its end, is in the log.

    Raises:
        CallEnded: NOT_FOUND or ARGUMENT_INVALID where there can be no such proof.
    """
    index = stored.settled_leaf if request.settlement else stored.leaf
    if index is None:
        what = "end of this call" if request.settlement else "decision"
        text = f"The {what} is not in the log: it has not come yet, or was stored before there was one."
        raise CallEnded(Reason.NOT_FOUND, text, metadata={"name": request.name})
    size = await _size(request.tree_size, least=index + 1, log=log, checkpoints=checkpoints)
    (place,) = await log.places(index, end=index + 1)
    (proved,) = await log.inclusion([index], size=size)
    return audit_service_pb2.GetInclusionProofResponse(
        leaf_index=index,
        leaf_hash=proved.hash,
        path=proved.path,
        leaf_data=b"" if place.leaf is None else place.leaf.data,
        checkpoint=await _of_size(size, log),
    )


async def consistency(
    request: audit_service_pb2.GetConsistencyProofRequest, *, log: Log, checkpoints: Checkpoints
) -> audit_service_pb2.GetConsistencyProofResponse:
    """The proof that the log only grew.

    Raises:
        CallEnded: ARGUMENT_INVALID for sizes that the log never had, or in the wrong order.
    """
    first = request.first_tree_size
    if first < 1:
        raise invalid("first_tree_size", "first_tree_size must be 1 or more: every log continues the empty one.")
    second = await _size(request.second_tree_size, least=first, log=log, checkpoints=checkpoints)
    return audit_service_pb2.GetConsistencyProofResponse(
        path=await log.consistency(first, second=second), checkpoint=await _of_size(second, log)
    )


async def _size(asked: int, *, least: int, log: Log, checkpoints: Checkpoints) -> int:
    """The size to prove against: what was asked for, else that of a checkpoint which covers enough."""
    if asked:
        most = await log.size()
        if not least <= asked <= most:
            raise invalid(
                "tree_size", f"The size is {asked}; a proof needs {least} or more, and the log has {most} entries."
            )
        return asked
    size = (await checkpoints.newest()).size
    size = size if size >= least else (await checkpoints.now()).size
    if size < least:
        raise invalid("tree_size", f"The log has {size} entries, and never had {least}.")
    return size


async def _of_size(size: int, log: Log) -> audit_service_pb2.Checkpoint | None:
    signed = await log.checkpoint(size)
    return None if signed is None else checkpoint(signed)
