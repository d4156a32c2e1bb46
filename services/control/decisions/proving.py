"""Proofs of one decision, looked at: whether they lead to the root that the log has signed."""

import asyncio

import grpc
import msgspec

from pilote.audit.v1 import audit_service_pb2
from services.control.access.principals import Asked
from services.control.audit_client import AuditClient
from services.proof.merkle import root_by_inclusion


class Proved(msgspec.Struct, frozen=True, kw_only=True):
    """The proof of a decision's admission, or of its call's end."""

    of: str
    """"admission" or "settlement"."""
    answer: audit_service_pb2.GetInclusionProofResponse
    leads: bool
    """Whether the path leads from the leaf to the checkpoint's root."""

    @property
    def leaf_hash(self) -> str:
        """In hexadecimal digits."""
        return self.answer.leaf_hash.hex()

    @property
    def root_hash(self) -> str:
        """Of the checkpoint, in hexadecimal digits; empty without one."""
        return self.answer.checkpoint.root_hash.hex()


async def proofs_of(client: AuditClient, request: Asked, decision: str) -> tuple[Proved, ...]:
    """What proves a decision, by its id: its admission and, where the call has ended, its end.

    Raises:
        grpc.aio.AioRpcError: there is no such decision, it is in no log, or the audit service does not answer.
    """
    name = f"decisions/{decision}"
    admission, settlement = await asyncio.gather(
        *(_proved(client, request, name, settlement=settlement) for settlement in (False, True)), return_exceptions=True
    )
    if isinstance(admission, BaseException):
        raise admission
    if isinstance(settlement, Proved):
        return admission, settlement
    if isinstance(settlement, grpc.aio.AioRpcError) and settlement.code() is grpc.StatusCode.NOT_FOUND:
        return (admission,)  # it runs, or was refused
    raise settlement


async def _proved(client: AuditClient, request: Asked, name: str, *, settlement: bool) -> Proved:
    asked = audit_service_pb2.GetInclusionProofRequest(name=name, settlement=settlement)
    answer: audit_service_pb2.GetInclusionProofResponse = await client.answer(
        request, client.stub.GetInclusionProof, asked
    )
    signed = answer.checkpoint
    found = root_by_inclusion(answer.leaf_hash, answer.path, index=answer.leaf_index, size=signed.tree_size)
    leads = found is not None and found == signed.root_hash
    return Proved(of="settlement" if settlement else "admission", answer=answer, leads=leads)
