"""A store in a temporary folder, a writer that tests step by hand, and entries as a gateway writes them."""

import functools
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import grpc
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from redis.asyncio import RedisCluster

from gateway.core import keys
from gateway.core.record import CustomerOutcome, Outcome, Record, Settlement, Verdict, decision_id
from gateway.redis_clients import Client
from gateway.rpc.serving import serving
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.cluster import ClusterStreams
from services.audit.objectives import ObjectiveBook
from services.audit.proofs.checkpoints import Checkpoints
from services.audit.queries import Queries
from services.audit.server import shard_client
from services.audit.store import DecisionStore
from services.audit.streams import DecisionStreams, Streams
from services.audit.tails import Tails
from services.audit.writer import Writer
from services.proof.notes import Signer
from tests import postgres
from tests.postgres import PostgresProcess
from tests.services.audit.kinds import KINDS, Kind, Postgres, Sqlite, make_template

NOW_MS = 1_795_514_400_000
_patient = functools.partial(shard_client, patience_s=30)  # a busy machine is no server that is away
KEY = b"k" * 32
Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"
"""Known to type checkers only."""
SIGNER = Signer("log.example/acme", Ed25519PrivateKey.from_private_bytes(b"l" * 32))
GRANTED = Outcome(granted=True)


def an_id(number: int, *, at_ms: int = NOW_MS) -> str:
    """The id of a decision made `number` milliseconds after `at_ms`."""
    return decision_id(now_ms=at_ms + number, random=number.to_bytes(10))


def a_record(number: int = 0, **changes: Any) -> Record:
    """An admitted contact that expires after 30 seconds, with what a test wants changed."""
    wanted: dict[str, Any] = {
        "id": an_id(number),
        "received_ms": NOW_MS + number,
        "decided_ms": NOW_MS + number,
        "verdict": Verdict.ALLOW,
        "rule": "allow-sales",
        "tenant": "acme",
        "agent": "sales-bot",
        "method": "/pilote.crm.v1.MessageService/SendMessage",
        "operation": "CONTACT",
        "revision": 7,
        "expires_ms": NOW_MS + number + 30_000,
    }
    return Record(**(wanted | changes))


def a_settlement(number: int = 0, **changes: Any) -> Settlement:
    """The end of that contact, 5 ms later."""
    wanted: dict[str, Any] = {"id": an_id(number), "settled_ms": NOW_MS + number + 5, "status": "OK", "total_us": 5_000}
    return Settlement(**(wanted | changes))


def admit(record: Record, outcome: Outcome = GRANTED) -> dict[Any, Any]:
    """Fields of the entry that admission writes."""
    return {"k": "admit", "r": msgspec.json.encode(record), "o": msgspec.json.encode(outcome)}


def settle(settlement: Settlement) -> dict[Any, Any]:
    """Fields of the entry that settling writes."""
    return {"k": "settle", "r": msgspec.json.encode(settlement)}


def told(outcome: CustomerOutcome) -> dict[Any, Any]:
    """Fields of the entry that a report writes."""
    return {"k": "outcome", "r": msgspec.json.encode(outcome)}


async def append(redis: Client, *entries: dict[Any, Any], tenant: str = "acme") -> None:
    """Append entries as a gateway does."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.sadd(keys.STREAMS, keys.decisions(keys.cell(tenant)))
        for entry in entries:
            pipe.xadd(keys.decisions(keys.cell(tenant)), entry)
        await pipe.execute()


@dataclass(slots=True)
class Audit:
    """A writer and its parts; time stands still until a test moves it."""

    redis: Client
    url: str
    store: DecisionStore
    tails: Tails = field(default_factory=Tails)
    now_ms: int = NOW_MS
    clusters: list[ClusterStreams] = field(default_factory=list)
    book: ObjectiveBook = field(init=False)
    checkpoints: Checkpoints = field(init=False)

    def __post_init__(self) -> None:
        self.book = ObjectiveBook(self.store, clock_ms=lambda: self.now_ms)
        self.checkpoints = Checkpoints(self.store.log, signer=SIGNER, clock_ms=lambda: self.now_ms)

    def queries(self) -> Queries:
        """The servicer over the store."""
        return Queries(
            self.store,
            tails=self.tails,
            objectives=self.book,
            checkpoints=self.checkpoints,
            pseudonym_key=KEY,
            clock_ms=lambda: self.now_ms,
        )

    def writer(self, *, consumer: str = "one", **settings: Any) -> Writer:
        """A writer that looks for new streams at every step."""
        streams: DecisionStreams
        if isinstance(self.redis, RedisCluster):
            streams = ClusterStreams(self.url, consumer=consumer, connect=_patient, pause_seconds=0.001)
            self.clusters.append(streams)
        else:
            streams = Streams(self.redis, consumer=consumer, block_ms=1)
        settings = {"discover_seconds": 0.0, "trim_seconds": 0.0} | settings
        return Writer(streams, store=self.store, tails=self.tails, clock_ms=lambda: self.now_ms, **settings)

    async def close(self) -> None:
        """Close the connections of all writers."""
        while self.clusters:
            await self.clusters.pop().close()

    async def catch_up(self) -> Writer:
        """Write all that is there, with a new writer."""
        writer = self.writer()
        while await writer.step():
            pass
        return writer


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let every test that needs a store of decisions run on each kind: the same promises, the same tests."""
    if "stores" in metafunc.fixturenames:
        metafunc.parametrize("stores", KINDS, indirect=True)


_ALWAYS: Final = frozenset(
    f"test_{about}"
    for about in (
        *("postgres", "writer", "log", "checkpoints", "matching", "outcomes", "copies", "arms", "shadows", "counts"),
        *("inputs", "personal", "changes", "views", "objectives", "activity"),
    )
)
"""What is about the store itself; other tests ask by way of a service or a command."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep for `make test-integration` what is slow on PostgreSQL, or differs in the store of limits as well."""
    for item in items:
        called = getattr(item, "callspec", None)
        if called is None or "postgres" not in called.params.values():
            continue
        made_up = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
        if made_up or item.path.stem not in _ALWAYS or "valkey-cluster" in called.params.values():
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def postgres_process() -> Iterator[PostgresProcess]:
    """One server for the whole run. Tests that hurt it start their own with `own_postgres`."""
    with postgres.running() as server:
        make_template(server)
        yield server


@pytest.fixture
def own_postgres() -> Iterator[PostgresProcess]:
    """A server for one test, already started."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    """Makes stores of one kind."""
    server = request.getfixturevalue("postgres_process") if request.param == "postgres" else None
    made = Sqlite(tmp_path) if server is None else Postgres(server)
    yield made
    made.close()


@pytest.fixture
async def store(stores: Kind) -> AsyncIterator[DecisionStore]:
    """An empty store."""
    opened = stores.new()
    yield opened
    await opened.close()


@pytest.fixture
async def audit(redis: Client, redis_url: str, store: DecisionStore) -> AsyncIterator[Audit]:
    """A writer's parts over an empty Redis and an empty store."""
    audit = Audit(redis, redis_url, store)
    yield audit
    await audit.close()


@pytest.fixture
async def stub(audit: Audit) -> AsyncIterator[Stub]:
    """The service over the store of `audit`."""
    queries = audit.queries()
    async with (
        serving(
            lambda server: audit_service_pb2_grpc.add_AuditServiceServicer_to_server(queries, server),
            listen="127.0.0.1:0",
            names=(),
            drain_seconds=0,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield audit_service_pb2_grpc.AuditServiceStub(channel)
        audit.tails.drain()
