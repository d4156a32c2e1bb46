"""People who ask the control plane over HTTP, with keys of their own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import requests

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import RevisionStore
from gateway.clock import clock_ms
from gateway.core.authority import Statement, Vote
from gateway.rpc.serving import serving
from pilote.audit.v1.audit_service_pb2_grpc import add_AuditServiceServicer_to_server
from services.audit.objectives import ObjectiveBook
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.proofs.log_key import KEY_FILE, log_signer
from services.audit.queries import Queries
from services.audit.sqlite.store import SqliteStore
from services.audit.tails import Tails
from services.control.access.asking import header, to_sign
from services.control.options import Options
from services.control.server import running
from tests.e2e.policy import Data
from tests.e2e.waiting import eventually
from tests.e2e.world import KEY, World
from tests.signatures import entry, published, signer


class Person:
    """Somebody with a key and an HTTP client."""

    def __init__(self, name: str, url: str, *, key: str = "") -> None:
        self.name = name
        self.url = url
        self.signer = signer(key or name)

    async def ask(
        self, method: str, target: str, body: Any = None, *, skew_ms: int = 0, lang: str = "en", signing: str = ""
    ) -> tuple[int, Any]:
        """Status and answer of a signed request."""
        sent = b"" if body is None else msgspec.json.encode(body)
        created = time.time_ns() // 1_000_000 + skew_ms
        signature = self.signer.sign(to_sign(method, signing or target, sent, created_ms=created))
        headers = {"authorization": header(self.name, signature, created_ms=created), "accept-language": lang}
        done = await asyncio.to_thread(
            lambda: requests.request(method, f"{self.url}{target}", data=sent, headers=headers, timeout=10)
        )
        return done.status_code, done.json()

    async def draft(self, document: Data, **more: Any) -> tuple[int, Any]:
        return await self.ask("POST", "/v1/drafts", {"document": document, "reason": "why"} | more)

    async def propose(self, drafted: Any, *, key: str = "") -> tuple[int, Any]:
        """Sign a draft, having looked whether it is what one wrote, and send it."""
        statement = msgspec.convert(drafted["statement"], Statement)
        signature = (signer(key) if key else self.signer).sign(statement.signed)
        body = {"statement": drafted["statement"], "document": drafted["document"], "signature": signature}
        return await self.ask("POST", "/v1/proposals", body)

    async def vote(self, number: int, statement: Any, act: Any = "approve") -> tuple[int, Any]:
        said = Vote(
            act=act, statement=msgspec.convert(statement, Statement).sha256, person=self.name, comment="", created_ms=5
        )
        body = {"vote": said, "signature": self.signer.sign(said.signed)}
        return await self.ask("POST", f"/v1/proposals/{number}/votes", body)


class Office:
    """A control plane whose active policy names people."""

    def __init__(self, url: str, data: Data) -> None:
        self.url = url
        self.data = data

    def __getitem__(self, name: str) -> Person:
        return Person(name, self.url)

    async def follows(self, number: int) -> None:
        """Wait until the control plane goes by that revision."""

        async def look() -> bool | None:
            status, answer = await self["ada"].ask("GET", "/v1/workers")
            return True if status == 200 and answer["active"] == number else None

        await eventually(look, what=f"revision {number}")

    async def runs(self, number: int) -> None:
        """Wait until the control plane says that it goes by that revision."""

        async def look() -> bool | None:
            _, answer = await self["ada"].ask("GET", "/v1/workers")
            said = [(each["worker"].partition("-")[0], each["revision"]) for each in answer["workers"]]
            return ("control", number) in said or None

        await eventually(look, what=f"the control plane runs {number}")

    async def change(self, **sections: Any) -> int:
        """Have a change approved, all over HTTP; returns the revision."""
        _, drafted = await self["ada"].draft(self.data | sections)
        _, proposed = await self["ada"].propose(drafted)
        _, done = await self["bob"].vote(proposed["number"], proposed["statement"])
        return int(done["revision"])


@asynccontextmanager
async def opened(world: World, data: Data, *, audit: str = "", **more: Any) -> AsyncIterator[Office]:
    """A control plane, with that policy active as revision 1. `audit` is its audit service; by default one of its own.

    That one has a log, in which changes are noted, and reads no streams.
    """
    first = published(canonical(load(data).document), author="ada")
    await RevisionStore(world.redis).add(first, entry(first, "bob"))
    options = {"pseudonym_key": KEY, "drain_seconds": 0.5, **more}
    async with AsyncExitStack() as stack:
        address = audit or await stack.enter_async_context(logging(world.home / "office-log"))
        parts = running(Options(listen="127.0.0.1:0", redis_url=world.redis_url, audit=address, **options))
        office = Office(f"http://127.0.0.1:{await stack.enter_async_context(parts)}", data)
        await office.follows(1)
        yield office


@asynccontextmanager
async def logging(home: Path) -> AsyncIterator[str]:
    """An audit service that only answers; gives its address."""
    store, tails = SqliteStore(home), Tails()
    queries = Queries(
        store,
        tails=tails,
        objectives=ObjectiveBook(store, clock_ms=clock_ms),
        checkpoints=Checkpoints(store.log, signer=log_signer(home / KEY_FILE), clock_ms=clock_ms),
        pseudonym_key=KEY,
        clock_ms=clock_ms,
    )
    try:
        async with serving(
            lambda server: add_AuditServiceServicer_to_server(queries, server),
            listen="127.0.0.1:0",
            names=(),
            drain_seconds=0,
        ) as port:
            yield f"127.0.0.1:{port}"
            tails.drain()
    finally:
        await store.close()
