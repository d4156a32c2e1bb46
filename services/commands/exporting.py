"""Asks the audit service for an export and writes it to a file; asks it for checkpoints."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from gateway.rpc.channels import channel_to
from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
from services.commands.export_writing import Writer, writing
from services.proof.exports import Entry, Head, read_head
from services.proof.leaves import Leaf

_OPTIONS: Final = (("grpc.max_receive_message_length", 64 << 20),)


class CutOff(Exception):
    """The service has ended before it had told everything."""


class Written(msgspec.Struct, frozen=True):
    """What was written."""

    head: Head
    rows: int
    unreadable: tuple[str, ...] = ()
    """Names of the parts of the store that cannot be read: the decisions in them are missing."""


class Wanted(msgspec.Struct, frozen=True):
    """What to export, and how."""

    query: str
    form: str
    proofs: bool
    previous_size: int
    witnessed: bool = False


async def export(address: str, path: Path, wanted: Wanted, *, progress: Callable[[int, int], None]) -> Written:
    """Write an export. `progress` is told how many entries were written, and how many the log has.

    Raises:
        grpc.aio.AioRpcError: the service does not answer, or takes the filter for none.
        CutOff, OSError: it was not written, and nothing is left of it.
        Malformed: another version of Pilote answers.
    """
    request = audit_service_pb2.ExportDecisionsRequest(
        filter=wanted.query,
        proofs=wanted.proofs,
        previous_tree_size=wanted.previous_size,
        entries_only=True,
        cosigned=wanted.witnessed,
    )
    async with channel_to(address, options=_OPTIONS) as channel:
        answers = audit_service_pb2_grpc.AuditServiceStub(channel).ExportDecisions(request)
        first = await anext(aiter(answers), None)
        if first is None:
            raise CutOff
        head = read_head(first.head)
        rows = entries = 0
        unreadable: tuple[str, ...] = ()
        with writing(path, wanted.form, head) as writer:
            manifest = ""
            async for answer in answers:
                manifest = manifest or answer.manifest
                unreadable = tuple(answer.unreadable_segments)
                if answer.entries:
                    writer.row(tuple(entry_of(each) for each in answer.entries))
                    rows, entries = rows + 1, entries + len(answer.entries)
                    if rows % 500 == 0:
                        progress(entries, head.tree_size)
            await _end(writer, manifest)
    progress(head.tree_size, head.tree_size)
    return Written(head, rows, unreadable)


async def newest_checkpoint(address: str) -> audit_service_pb2.Checkpoint:
    """The newest checkpoint of the log.

    Raises:
        grpc.aio.AioRpcError: the service does not answer.
    """
    async with channel_to(address) as channel:
        stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        return (await stub.GetCheckpoint(audit_service_pb2.GetCheckpointRequest(), timeout=10)).checkpoint


async def _end(writer: Writer, manifest: str) -> None:
    if not manifest:
        raise CutOff
    await asyncio.to_thread(writer.end, manifest)


def entry_of(told: audit_service_pb2.ExportEntry) -> Entry:
    """An entry as the service has told it."""
    return Entry(
        kind=told.kind,
        place=told.leaf_index if told.HasField("leaf_index") else None,
        hash=told.leaf_hash,
        leaf=Leaf(told.kind, tuple(told.parts)) if told.parts else None,
        path=tuple(told.path),
    )
