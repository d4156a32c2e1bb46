"""What an end-to-end test works with: gateways on one Redis, their stubs, their records."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
import msgspec
from google.rpc import status_pb2
from redis.exceptions import ResponseError

from gateway.activation.loading import canonical, load
from gateway.adapters.cells import CellBook
from gateway.adapters.revisions import Published, RevisionStore
from gateway.adapters.workers import Workers
from gateway.core import keys
from gateway.core.authority import Authority
from gateway.core.record import Outcome, Record, Settlement
from gateway.core.shadows import ShadowResult
from gateway.key_files import Keys
from gateway.redis_clients import Client
from gateway.rpc.status import reason_from, status_from
from gateway.server import Gateway, gateway
from gateway.settings import Settings
from pilote.audit.v1 import audit_service_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceStub
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub
from pilote.decision.v1 import decision_pb2
from services.audit.server import running as audit_running
from services.commands.policies import published
from services.commands.promises import following
from tests.e2e.policy import Data, key_of
from tests.e2e.seen import Seen
from tests.e2e.waiting import eventually, until
from tests.services.audit.conftest import append

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub
    from pilote.crm.v1.activity_service_pb2_grpc import ActivityServiceAsyncStub
    from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceAsyncStub
    from pilote.crm.v1.message_service_pb2_grpc import MessageServiceAsyncStub

KEY: Final = b"pseudonym key of the e2e tests.."
HOLD_KEY: Final = b"h" * 32
REPLAY_KEY: Final = b"r" * 32
RECORD_KEY: Final = b"v" * 32
KEYS: Final = Keys(pseudonym=KEY, hold=(HOLD_KEY,), replay=(REPLAY_KEY,), record=(RECORD_KEY,))
LONGEST_SECONDS: Final = 10.0
_OURS: Final = "tests"
Metadata = tuple[tuple[str, str | bytes], ...]

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)
_result: Final = msgspec.json.Decoder(ShadowResult)


def credential(agent: str, *more: tuple[str, str | bytes]) -> Metadata:
    """Metadata by which a call is this agent's."""
    return (("x-api-key", key_of(agent)), *more)


@dataclass(slots=True)
class Told:
    """How a call ended, as its caller was told."""

    code: grpc.StatusCode
    reason: str
    text: str
    status: status_pb2.Status
    trailers: dict[str, str | bytes]
    response: Any = None

    @property
    def decision(self) -> str:
        """Decision id."""
        return str(self.trailers["pilote-decision-id"])

    def detail(self, kind: type[Any]) -> Any:
        """The one detail of that type; fails when there is none, or more than one."""
        found = [each for each in self.status.details if each.Is(kind.DESCRIPTOR)]
        assert len(found) == 1, f"{len(found)} details {kind.__name__}"
        message = kind()
        found[0].Unpack(message)
        return message

    @property
    def kinds(self) -> list[str]:
        """Short names of the details, in order."""
        return [each.type_url.rsplit(".", 1)[1] for each in self.status.details]


async def told(call: Any) -> Told:
    """Await a call, or read it to its end; refusals are values. Fails where no end comes."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            response = [each async for each in call] if hasattr(call, "__aiter__") else await call
    except grpc.aio.AioRpcError as error:
        trailers = dict(tuple(error.trailing_metadata() or ()))
        text = error.details() or ""
        return Told(error.code(), reason_from(error), text, status_from(error), trailers)
    trailers = dict(tuple(await call.trailing_metadata() or ()))
    return Told(grpc.StatusCode.OK, "", "", status_pb2.Status(), trailers, response)


@dataclass(slots=True)
class Kept:
    """One decision in the stream: what was admitted or refused, and how it was settled."""

    record: Record
    outcome: Outcome
    settlement: Settlement | None = None
    times: int = 1
    """How often it was written."""

    @property
    def reason(self) -> str:
        """Why it ended, as `GetDecision` would say."""
        return self.outcome.reason or self.record.reason or (self.settlement.reason if self.settlement else "")


class Agent:
    """Stubs over one connection."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.contacts: ContactServiceAsyncStub = ContactServiceStub(channel)
        self.activities: ActivityServiceAsyncStub = ActivityServiceStub(channel)
        self.messages: MessageServiceAsyncStub = MessageServiceStub(channel)


@dataclass
class World:
    """One Redis, and everything that a test starts around it."""

    redis: Client
    redis_url: str
    home: Path
    stack: contextlib.AsyncExitStack
    seen: Seen = field(default_factory=Seen)
    gateways: list[Gateway] = field(default_factory=list)
    engine: str = "in-process"
    """What carries the calls of its gateways' agents."""
    replaying: bool = False
    """Whether the inputs of all calls are kept."""
    documents: dict[int, bytes] = field(default_factory=dict)
    """Those of its revisions, by number, which a store may forget."""
    keeping: bool = True
    """Whether all records stay in the streams until the test ends."""
    by_hand: set[str] = field(default_factory=set)
    """Decisions that the test itself makes or records, step by step, and no gateway."""
    killed: bool = False
    """Whether it kills a gateway's process, whose last writes are lost."""
    own_share: bool = False
    """Whether the test says itself of how many calls they are."""
    store_timeout_ms: int = 10_000
    """How long its gateways wait for the store: the longest that there is, for of two suites on two cores each waits
    for the other."""
    ahead_ms: int = 0
    """How far the clocks of those who make kept calls, and of what guards upstreams, are ahead of the time."""

    def clock(self) -> int:
        """Their clock, milliseconds since the epoch."""
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def monotonic(self) -> int:
        """The clock of what guards upstreams, milliseconds."""
        return time.monotonic_ns() // 1_000_000 + self.ahead_ms

    @contextlib.asynccontextmanager
    async def started(self, *, trusted_people: Authority | None = None, **settings: Any) -> AsyncIterator[Gateway]:
        """A gateway until the block ends."""
        home = self.home / f"gateway-{len(self.gateways)}"
        chosen: dict[str, Any] = {
            "gateway_listen": "127.0.0.1:0",
            "engine": self.engine,
            "home": home,
            "drain_seconds": 2.0,
            "store_timeout_ms": self.store_timeout_ms,
            "metrics_listen": "off",
        }
        running_gateway = gateway(
            Settings(**(chosen | settings)),
            redis_url=self.redis_url,
            keys=KEYS,
            clock=self.clock,
            trusted_people=trusted_people,
            monotonic=self.monotonic,
        )
        async with running_gateway as running:
            self.gateways.append(running)
            yield running

    async def gateway(self, **settings: Any) -> Gateway:
        """A gateway until the test ends."""
        return await self.stack.enter_async_context(self.started(**settings))

    async def publish(self, data: Data) -> int:
        """Publish and activate a policy, and wait until every gateway answers by it."""
        self.own_share = self.own_share or not self.replaying or "replay" in data
        number = await self.publish_raw(self.document(data))
        await self.wait_for(number)
        return number

    def document(self, data: Data) -> bytes:
        """A policy as it is stored; the inputs of all calls are kept, where it does not say of how many they are."""
        return canonical(load(({"replay": {"share": 10_000}} if self.replaying else {}) | data).document)

    async def record_by_hand(self, *entries: dict[Any, Any], tenant: str = "acme") -> None:
        """Append entries by hand, as a gateway does; nothing is asked of what decided them."""
        self.by_hand |= {msgspec.json.decode(each["r"])["id"] for each in entries}
        await self.keep_records(keys.decisions(keys.cell(tenant)))  # an audit service may trim before a revision is out
        await append(self.redis, *entries, tenant=tenant)

    async def keep_records(self, *streams: str) -> None:
        """See that the audit service trims no record: none that another group of readers has not read yet."""
        for stream in {*streams, *await self._streams()}:
            with contextlib.suppress(ResponseError):  # it is kept already
                await self.redis.xgroup_create(stream, _OURS, id="0", mkstream=True)

    async def let_trim(self) -> None:
        """Let the audit service trim what it has stored, as it does when nobody else reads the streams."""
        self.keeping = False
        for stream in await self._streams():
            with contextlib.suppress(ResponseError):  # there is none yet
                await self.redis.xgroup_destroy(stream, _OURS)

    async def _streams(self) -> list[str]:
        names: Any = await self.redis.smembers(keys.STREAMS)
        return [name.decode() for name in names if name.endswith(b":decisions")]

    async def publish_raw(self, document: bytes) -> int:
        """Publish bytes as a revision's document; does not wait."""
        published = Published(
            sha256="0" * 64, author="e2e", created_ms=time.time_ns() // 1_000_000, document=msgspec.Raw(document)
        )
        number = await RevisionStore(self.redis).publish(published)
        self.documents[number] = document
        return number

    async def wait_for(self, number: int) -> None:
        """Wait until every gateway answers by that revision."""

        def live() -> bool:
            return all(each.pipeline.revision and each.pipeline.revision.number == number for each in self.gateways)

        await until(live, what=f"revision {number}")
        if self.keeping:
            await self.keep_records()

    async def run_by(self, kind: str, number: int) -> None:
        """Wait until a process of another kind, such as "intake", runs that revision too."""

        async def runs() -> bool | None:
            said = await Workers(self.redis).all()
            return any(each.worker.startswith(f"{kind}-") and each.revision == number for each in said) or None

        await eventually(runs, what=f"revision {number} at {kind}")

    def agent(self, to: Gateway | None = None) -> Agent:
        """Stubs to a gateway, by default the first, over a connection of their own."""
        return Agent(self.channel(to))

    def channel(self, to: Gateway | None = None) -> grpc.aio.Channel:
        """A connection of its own to a gateway."""
        target = to or self.gateways[0]
        options = (
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", 65_536),
        )
        channel = grpc.aio.insecure_channel(
            f"127.0.0.1:{target.port}", options=options, interceptors=self.seen.interceptors()
        )
        self.stack.push_async_callback(channel.close)
        return channel

    def raw(self, to: Gateway | None = None) -> Any:
        """The same, for calls on raw bytes."""
        return self.channel(to)

    async def entries(self, tenant: str = "acme") -> list[dict[bytes, bytes]]:
        """All that is in the streams of a tenant's cells."""
        cells = await CellBook(self.redis).all_of(tenant)
        read: Any = [await self.redis.xrange(keys.decisions(cell)) for cell in cells]
        return [entry for stream in read for _, entry in stream]

    async def trimmed(self, tenant: str) -> int:
        """How many entries the audit service has taken out of the streams of a tenant's cells, having stored them."""
        count = 0
        for cell in await CellBook(self.redis).all_of(tenant):
            with contextlib.suppress(ResponseError):  # there was none
                found: Any = await self.redis.xinfo_stream(keys.decisions(cell))
                count += found["entries-added"] - found["length"]
        return count

    async def kept(self, tenant: str = "acme") -> dict[str, Kept]:
        """Every decision in a tenant's streams, by id."""
        found: dict[str, Kept] = {}
        ends: dict[str, Settlement] = {}
        for entry in await self.entries(tenant):
            if entry[b"k"] == b"admit":
                record = _record.decode(entry[b"r"])
                times = found[record.id].times + 1 if record.id in found else 1
                first = found.get(record.id, Kept(record, _outcome.decode(entry[b"o"])))
                first.times = times
                found[record.id] = first
            elif entry[b"k"] == b"settle":
                settlement = _settlement.decode(entry[b"r"])
                ends.setdefault(settlement.id, settlement)
        for decision, settlement in ends.items():
            if decision in found:  # else its record still waits on disk
                found[decision].settlement = settlement
        return found

    async def copied(self, count: int, *, tenant: str = "acme") -> list[ShadowResult]:
        """What came of the copies of a tenant's calls, oldest first, once there are so many. More are a failure."""

        async def look() -> list[ShadowResult] | None:
            entries = [entry for entry in await self.entries(tenant) if entry[b"k"] == b"copy"]
            return [_result.decode(entry[b"r"]) for entry in entries] if len(entries) >= count else None

        found = await eventually(look, what=f"{count} copies")
        assert len(found) == count
        return found

    async def settled(self, count: int, *, tenant: str = "acme") -> list[Kept]:
        """The tenant's decisions, oldest first, once there are so many and all have ended. More are a failure."""

        async def look() -> list[Kept] | None:
            kept = list((await self.kept(tenant)).values())
            over = [each for each in kept if each.settlement or not each.outcome.granted]
            return kept if len(over) == len(kept) >= count else None

        found = await eventually(look, what=f"{count} settled records")
        assert len(found) == count
        return found

    async def taken(self, limit: str = "pressure") -> int:
        """How many slots of a cap are taken, over all customers."""
        found = [key async for key in self.redis.scan_iter(f"*:bucket:cap:{limit}:*")]
        return sum([int(await self.redis.zcard(key)) for key in found])


class Auditor:
    """Asks the audit service."""

    def __init__(self, channel: grpc.aio.Channel, *, address: str = "") -> None:
        self.stub: AuditServiceAsyncStub = AuditServiceStub(channel)
        self.address = address

    async def decision(self, decision_id: str) -> decision_pb2.Decision:
        """The decision of that id, once it has ended."""

        async def look() -> decision_pb2.Decision | None:
            try:
                request = audit_service_pb2.GetDecisionRequest(name=f"decisions/{decision_id}")
                found = (await self.stub.GetDecision(request)).decision
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    return None
                raise
            return found if found.state != decision_pb2.DECISION_STATE_RUNNING else None

        return await eventually(look, what=f"decision {decision_id}")

    async def with_copies(self, decision_id: str, *, count: int = 1) -> decision_pb2.Decision:
        """The decision of that id, once so many copies of it have ended."""

        async def look() -> decision_pb2.Decision | None:
            found = await self.decision(decision_id)
            return found if len(found.copies) >= count else None

        return await eventually(look, what=f"copies of {decision_id}")

    async def listed(self, text: str = "") -> list[decision_pb2.Decision]:
        """The decisions that match the filter, newest first, all pages of them."""
        found: list[decision_pb2.Decision] = []
        token = ""
        while True:
            request = audit_service_pb2.ListDecisionsRequest(filter=text, page_size=1000, page_token=token)
            page = await self.stub.ListDecisions(request)
            found += page.decisions
            token = page.next_page_token
            if not token:
                return found


@contextlib.asynccontextmanager
async def auditing(redis_url: str, home: Path, **settings: Any) -> AsyncIterator[Auditor]:
    """A real audit service until the block ends."""
    async with (
        audit_running(
            listen="127.0.0.1:0",
            redis_url=redis_url,
            home=home,
            pseudonym_key=KEY,
            drain_seconds=0.5,
            follow=following(redis_url),
            policies=published(redis_url),
            **settings,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield Auditor(channel, address=f"127.0.0.1:{port}")


async def together(*calls: Any) -> list[Told]:
    """How all these calls ended that run at once."""
    return list(await asyncio.gather(*(told(call) for call in calls)))
