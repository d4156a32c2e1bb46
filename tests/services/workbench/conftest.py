"""A log of decisions, served as the audit service does."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc
import pytest

from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.entries import Entry
from services.audit.objectives import ObjectiveBook
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.queries import Queries
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore
from services.audit.tails import Tails
from tests.services.audit.conftest import KEY, NOW_MS, SIGNER

Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"


@dataclass(slots=True)
class Log:
    """What is in the log, and who answers for it."""

    store: DecisionStore
    checkpoints: Checkpoints
    stub: Stub
    address: str

    async def add(self, entries: Sequence[Entry], *, signed: bool = True) -> None:
        """Store entries, and sign the log as it is then."""
        await self.store.write(entries)
        if signed:
            await self.checkpoints.now()


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    """An empty one."""
    store = SqliteStore(tmp_path / "audit")
    tails = Tails()
    checkpoints = Checkpoints(store.log, signer=SIGNER, clock_ms=lambda: NOW_MS)
    queries = Queries(
        store,
        tails=tails,
        objectives=ObjectiveBook(store, clock_ms=lambda: NOW_MS),
        checkpoints=checkpoints,
        pseudonym_key=KEY,
        clock_ms=lambda: NOW_MS,
    )

    def add(server: grpc.aio.Server) -> None:
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(queries, server)

    async with (
        serving(add, listen="127.0.0.1:0", names=(), drain_seconds=0) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Log(store, checkpoints, audit_service_pb2_grpc.AuditServiceStub(channel), f"127.0.0.1:{port}")
        tails.drain()
    await store.close()
