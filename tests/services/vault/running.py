"""The vault as the process of the statistics serves it."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from gateway.clock import clock_ms
from gateway.rpc.serving import serving
from pilote.vault.v1 import vault_service_pb2 as pb
from pilote.vault.v1.vault_service_pb2_grpc import add_VaultServiceServicer_to_server
from services.vault.serving import SERVICE, VaultServicer
from services.vault.store import Vault


@contextlib.asynccontextmanager
async def vault_running(folder: Path, *, weeks: Sequence[pb.Week] = ()) -> AsyncIterator[str]:
    """The address of one whose statistics have compared that."""
    vault = Vault(folder / "vault", [bytes(32)])
    servicer = VaultServicer(vault, compared=lambda: pb.ListComparisonsResponse(weeks=weeks), clock_ms=clock_ms)
    async with serving(
        lambda server: add_VaultServiceServicer_to_server(servicer, server),
        listen="127.0.0.1:0",
        names=(SERVICE,),
        drain_seconds=0,
    ) as port:
        yield f"127.0.0.1:{port}"
    vault.close()
