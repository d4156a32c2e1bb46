"""From nothing to the first governed call: how far somebody is, and the smallest policy to begin with."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Any, Final

import grpc
import msgspec
from redis.exceptions import RedisError

from gateway.adapters.workers import GATEWAY, Workers
from gateway.core.errors import Reason
from gateway.redis_clients import Client
from pilote.audit.v1 import audit_service_pb2, explaining_pb2
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.access.accounts import Account
from services.control.access.rights import Right, rights_of
from services.control.filters import either, is_
from services.control.live.scope import Scope
from services.control.times import at
from services.control.undone import Undone

STEPS: Final = ("people", "policy", "approval", "gateway", "call")
PATIENCE_SECONDS: Final = 2.0
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
_ADDRESS: Final = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")


class Progress(msgspec.Struct, frozen=True):
    """How far it has come."""

    approvers: tuple[str, ...]
    """Who else may agree to a policy, and has chosen a password."""
    proposal: int
    """The newest policy that waits for somebody; 0 for none."""
    author: str
    """Who has proposed it."""
    revision: int
    """The active one; 0 for none."""
    gateways: int
    """How many run it."""
    decision: str
    """The first one, `decisions/{decision}`; empty for none."""

    @property
    def step(self) -> str:
        """The one of `STEPS` to take now; empty once all are done."""
        if self.decision:
            return ""
        if self.revision:
            return "call" if self.gateways else "gateway"
        if self.proposal:
            return "approval"
        return "policy" if self.approvers else "people"

    @property
    def token(self) -> str:
        """Changes whenever anything of it does."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


def approvers(accounts: Sequence[Account], *, but: str) -> tuple[str, ...]:
    """Who else may agree to a policy, and can sign."""
    found = (
        account.name
        for account in accounts
        if account.name != but
        and account.state == "active"
        and account.public_key
        and rights_of(account.grants).may(Right.POLICY_APPROVE)
    )
    return tuple(sorted(found))


async def gateways(redis: Client, revision: int) -> int:
    """How many gateways run the revision; 0 where nobody can say."""
    try:
        reports = await Workers(redis).all()
    except (RedisError, OSError, TimeoutError):
        return 0
    return sum(report.kind == GATEWAY and report.revision == revision for report in reports)


async def first_decision(audit: AuditServiceStub, scope: Scope) -> str:
    """The oldest decision in these tenants; empty where there is none, or nobody can say."""
    text = "" if scope.tenants is None else either(*(is_("tenant", each) for each in scope.tenants))
    asked = audit_service_pb2.ListDecisionsRequest(filter=text, order_by="receive_time asc", page_size=1)
    stub: Any = audit
    try:
        found = await stub.ListDecisions(asked, timeout=PATIENCE_SECONDS)
    except grpc.aio.AioRpcError:
        return ""
    return str(found.decisions[0].name) if found.decisions else ""


async def explanation(audit: AuditServiceStub, decision: str, *, language: str) -> tuple[str, ...]:
    """What there is to say of a decision; nothing where nobody can say."""
    asked = explaining_pb2.ExplainDecisionRequest(name=decision, language_code=language)
    stub: Any = audit
    try:
        answer = await stub.ExplainDecision(asked, timeout=PATIENCE_SECONDS)
    except grpc.aio.AioRpcError:
        return ()
    return tuple(answer.sentences)


def new_key(agent: str) -> str:
    """A key for an agent; only its hash goes into the policy."""
    return f"pilote_{agent}_{secrets.token_urlsafe(32)}"


def smallest_policy(*, tenant: str, agent: str, address: str, key: str, now_ms: int) -> str:
    """A policy of one agent that may read what one CRM has, and do nothing else.

    Raises:
        Undone: ARGUMENT_INVALID for names or an address that cannot be; `field` says which.
    """
    for field, value in (("tenant", tenant), ("agent", agent)):
        if not _NAME.fullmatch(value):
            raise Undone(Reason.ARGUMENT_INVALID, "guide-name", field=field)
    if not _ADDRESS.fullmatch(address):
        raise Undone(Reason.ARGUMENT_INVALID, "guide-address", field="address")
    stamp = f"{at(now_ms):%Y%m%d}"
    return f"""description: One agent reads what the CRM has. Begin here, and allow more rule by rule.

agents:
  - name: {agent}
    tenant: {tenant}
    version: "1"
    keys: [{{id: k{stamp}, sha256: "{hashlib.sha256(key.encode()).hexdigest()}"}}]

upstreams:
  - {{name: crm, address: "{address}", timeout: 10s}}

routes:
  - name: crm
    methods: ["/pilote.crm.v1.*"]
    arms: [{{name: crm, upstream: crm}}]

rules:
  - {{name: allow-reads, effect: allow, operations: [READ]}}
"""
