"""Agents as people see them: who they are, what proves it, how far they go by themselves, and what they did lately."""

import asyncio
import datetime as dt
import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import grpc
import msgspec

from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.call import Operation
from gateway.core.errors import Reason
from gateway.core.policy.callers import Agent
from gateway.redis_clients import Client
from pilote.audit.v1.audit_service_pb2 import ListDecisionsRequest
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.audit.v1.summaries_pb2 import SummarizeDecisionsRequest
from services.control.changes import Changes, Who
from services.control.filters import both, is_, since
from services.control.policy import ActivePolicy
from services.control.times import at, known
from services.control.undone import Undone, storing
from services.since import since_each

LATELY_MS: Final = 24 * 3_600_000
ASK_SECONDS: Final = 2.0
"""How long the audit service may take for what an agent did; then that is not known."""
_AT_ONCE: Final = 8
"""Questions to the audit service at a time."""
_FINGERPRINT: Final = 16


class KeyShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A key of an agent; of the key itself nothing is kept."""

    id: str
    fingerprint: str
    """The first 16 hexadecimal digits of its SHA-256."""
    create_time: dt.datetime | None
    """When the first revision became active that has it; `null` where that is longer ago than is looked back."""


class TokenShown(msgspec.Struct, frozen=True, kw_only=True):
    """A token that proves to be this agent."""

    issuer: str
    subject: str


class Lately(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an agent did in the last 24 hours."""

    calls: int
    refusals: int
    contacts: int
    """Contacts that were let through."""
    last_call_time: dt.datetime | None
    """Of all time; `null` where it has never called."""


class AgentShown(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One agent of the active policy."""

    name: str
    """`agents/{agent}`."""
    tenant: str
    version: str
    description: str
    priority: int
    prompt: str
    """The prompt that it works by, `name@version`; empty for none."""
    labels: Mapping[str, str]
    autonomy: Mapping[str, str]
    """By operation: "observe", "suggest", "approve" or "autonomous"."""
    keys: tuple[KeyShown, ...]
    tokens: tuple[TokenShown, ...]
    lately: Lately | None = None
    """`null` where the audit service does not say."""


class NewKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A key that was just made. It is told once and kept nowhere; with its hash in the policy it counts."""

    agent: str
    id: str
    key: str
    sha256: str
    """What goes into the agent's `keys`, beside those that it has: with both it can be changed without a pause."""


class AgentBook:
    """Shows agents, and makes keys for them. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self,
        redis: Client,
        audit: AuditServiceStub,
        policy: ActivePolicy,
        changes: Changes,
        *,
        clock_ms: Callable[[], int],
    ) -> None:
        self._revisions = RevisionStore(redis)
        self._audit: Any = audit
        self._policy = policy
        self._changes = changes
        self._clock_ms = clock_ms
        self._asking = asyncio.Semaphore(_AT_ONCE)
        self._since: dict[str, int] = {}

    def list(self, tenants: Sequence[str]) -> tuple[Agent, ...]:
        """The agents of these tenants, by name; none without a policy."""
        revision = self._policy.revision
        found = revision.document.agents if revision else ()
        return tuple(sorted((each for each in found if each.tenant in tenants), key=lambda each: each.name))

    async def shown(self, agents: Sequence[Agent], *, lately: bool = True) -> tuple[AgentShown, ...]:
        """These agents, and unless that is left out what they did lately.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with storing():
            await self._look_up(key.sha256 for agent in agents for key in agent.keys)
        shown = [self._one(agent) for agent in agents]
        if not lately:
            return tuple(shown)
        did = await asyncio.gather(*(self._lately(agent) for agent in agents))
        return tuple(msgspec.structs.replace(each, lately=one) for each, one in zip(shown, did, strict=True))

    def find(self, tenants: Sequence[str], name: str) -> Agent:
        """One agent of these tenants.

        Raises:
            Undone: NOT_FOUND.
        """
        for agent in self.list(tenants):
            if agent.name == name:
                return agent
        raise Undone(Reason.NOT_FOUND, "agent-none", agent=name)

    async def new_key(self, agent: Agent, *, who: Who) -> NewKey:
        """A new key for an agent, and what goes into the policy. No call can be made with it before.

        Raises:
            Undone: STORE_UNAVAILABLE where it cannot be noted who has made it.
        """
        key = f"pilote_{agent.name}_{secrets.token_urlsafe(32)}"
        taken = {each.id for each in agent.keys}
        stamp = f"k{at(self._clock_ms()):%Y%m%d}"
        names = (stamp, *(f"{stamp}-{number}" for number in range(2, len(taken) + 3)))
        free = next(name for name in names if name not in taken)
        name, sha256 = f"agents/{agent.name}", hashlib.sha256(key.encode()).hexdigest()
        made = {"id": free, "sha256": sha256}
        async with self._changes.recording(who, operation="new-key", resource=name, tenant=agent.tenant, after=made):
            return NewKey(agent=name, id=free, key=key, sha256=sha256)

    def _one(self, agent: Agent) -> AgentShown:
        keys = [
            KeyShown(
                id=key.id, fingerprint=key.sha256[:_FINGERPRINT], create_time=known(self._since.get(key.sha256, 0))
            )
            for key in agent.keys
        ]
        return AgentShown(
            name=f"agents/{agent.name}",
            tenant=agent.tenant,
            version=agent.version,
            description=agent.description,
            priority=agent.priority,
            prompt=str(agent.prompt) if agent.prompt else "",
            labels=agent.labels,
            autonomy={operation.value: self._level(agent, operation) for operation in Operation},
            keys=tuple(keys),
            tokens=tuple(TokenShown(issuer=each.issuer, subject=each.subject) for each in agent.tokens),
        )

    def _level(self, agent: Agent, operation: Operation) -> str:
        revision = self._policy.revision
        general = revision.document.autonomy.of(operation) if revision else None
        return agent.autonomy.of(operation) or general or "autonomous"

    async def _look_up(self, hashes: Iterable[str]) -> None:
        """Find when keys came into the policy: once for each, since that does not change while it stays."""
        revision = self._policy.revision
        wanted = {each: _with(each) for each in hashes if each not in self._since}
        if wanted and revision is not None:
            self._since |= await since_each(self._revisions, revision.number, wanted)

    async def _lately(self, agent: Agent) -> Lately | None:
        who = both(is_("tenant", agent.tenant), is_("agent", agent.name))
        span = both(who, since(self._clock_ms() - LATELY_MS))
        try:
            calls, contacts, last = await asyncio.gather(
                self._counted(span, "verdict"),
                self._counted(both(span, "operation = CONTACT", "verdict = ALLOW"), "verdict"),
                self._last(who),
            )
        except grpc.aio.AioRpcError:
            return None
        return Lately(
            calls=sum(calls.values()),
            refusals=calls.get("DENY", 0),
            contacts=sum(contacts.values()),
            last_call_time=last,
        )

    async def _counted(self, filter_: str, field: str) -> Mapping[str, int]:
        asked = SummarizeDecisionsRequest(filter=filter_, fields=[field])
        async with self._asking:
            answer = await self._audit.SummarizeDecisions(asked, timeout=ASK_SECONDS)
        return {each.value: each.count for each in answer.facets[0].values}

    async def _last(self, who: str) -> dt.datetime | None:
        async with self._asking:
            answer = await self._audit.ListDecisions(ListDecisionsRequest(filter=who, page_size=1), timeout=ASK_SECONDS)
        return answer.decisions[0].receive_time.ToDatetime(tzinfo=dt.UTC) if answer.decisions else None


def _with(sha256: str) -> Callable[[Published], bool]:
    # A hash stands nowhere but among keys; to decode hundreds of long policies would take the page seconds.
    wanted = sha256.encode()

    def same(published: Published) -> bool:
        return wanted in bytes(published.document)

    return same
