"""A connector that ships before a real system."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import grpc

from services.crm.connectors.conformance import System
from services.crm.connectors.reading import read, shipped
from services.crm.connectors.serving import running
from services.crm.connectors.trying import BetweenUs


@contextlib.asynccontextmanager
async def before(
    name: str,
    environment: Mapping[str, str],
    home: Path,
    *,
    changed: Mapping[str, str] | None = None,
    contact_point: str = "",
    messages_by: str = "email",
    sent: Callable[[], int] | None = None,
) -> AsyncIterator[System]:
    """The connector of that name with that environment. `changed`: what its file says otherwise."""
    text = shipped(name).read_text(encoding="utf-8")
    for old, new in (changed or {}).items():
        assert old in text
        text = text.replace(old, new)
    loaded, faults = read(text), BetweenUs()
    async with (
        running(
            loaded,
            environment=environment,
            listen="127.0.0.1:0",
            home=home,
            drain_seconds=1,
            allow_private=True,
            fault=faults,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield System(
            channel,
            frozenset(loaded.methods),
            faults=faults,
            contact_point=contact_point,
            messages_by=messages_by,
            sent=sent or (lambda: faults.changes),
        )
