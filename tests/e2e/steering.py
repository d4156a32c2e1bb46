"""People who steer what runs over HTTP, each with the roles that a test gives them, and no account."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import grpc
import httpx

from gateway.activation.standing import Standing
from gateway.adapters.revisions import RevisionStore
from gateway.clock import clock_ms
from gateway.instance import instance
from gateway.signing import Signer
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.vault.v1.vault_service_pb2_grpc import VaultServiceStub
from services.control.access.account_store import AccountStore
from services.control.access.principals import Asked, Door, Principal
from services.control.access.rights import Role, rights_of
from services.control.api.drafts import PolicyDrafts
from services.control.api.idempotency import Once
from services.control.api.jobs import JobsApi
from services.control.api.managed import managed
from services.control.api.operations import Operations
from services.control.api.verbs import parting, plain_in
from services.control.app import application
from services.control.changes import Changes
from services.control.drafts.making import drafting
from services.control.drafts.working import Sources
from services.control.owing import Owing
from services.control.policy import ActivePolicy
from services.control.proposing import Proposing
from services.control.vault.desk import VaultDesk
from services.revisions.revising import Revising
from tests.e2e.world import HOLD_KEY, KEY, World

_WHO: Final = "x-who"
_ROLES: Final = "x-roles"
ZOE: Final = {"acme": [Role.MODERATOR]}
EVERYWHERE: Final = {"*": [Role.MODERATOR, Role.OFFICER]}


class Steering:
    """A control plane without a server around it."""

    def __init__(self, client: httpx.AsyncClient, policy: ActivePolicy, world: World) -> None:
        self._client = client
        self._policy = policy
        self._world = world

    async def follow(self) -> None:
        """Go by the revision that is active."""
        store = RevisionStore(self._world.redis)
        number = await store.active()
        published = await store.read(number)
        assert published is not None
        await self._policy.swap(number, published)

    async def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        who: str = "zoe",
        roles: Mapping[str, Sequence[Role]] = ZOE,
        **headers: str,
    ) -> tuple[int, Any]:
        """Status and answer."""
        granted = ",".join(f"{tenant}={role.value}" for tenant, of in roles.items() for role in of)
        given = {_WHO: who, _ROLES: granted, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = await self._client.request(method, target, json=body, headers=given)
        return answer.status_code, answer.json() if answer.content else None


async def _known(request: Asked) -> Principal | None:
    grants: dict[str, list[Role]] = {}
    for each in request.headers.get(_ROLES, "").split(","):
        tenant, _, role = each.partition("=")
        if role:
            grants.setdefault(tenant, []).append(Role(role))
    return Principal(name=request.headers[_WHO], kind="session", rights=rights_of(grants))


@contextlib.asynccontextmanager
async def steering(
    world: World, *, audit: str = "127.0.0.1:1", signers: Mapping[str, Signer] | None = None
) -> AsyncIterator[Steering]:
    """A control plane on the world's store, going by its active revision.

    By default no audit service answers, and nobody has a key to sign with; `signers` are those of some.
    """
    policy = ActivePolicy(Standing(instance("control"), clock_ms=clock_ms, told=lambda _, __: None))
    sources = Sources(audit=audit, redis_url=world.redis_url, pseudonym_key=KEY, replay_keys=())
    async with contextlib.AsyncExitStack() as stack:
        stub = AuditServiceStub(await stack.enter_async_context(grpc.aio.insecure_channel(audit)))
        changes = Changes(stub, owing=Owing(world.redis, stub, clock_ms=world.clock))
        accounts, proposing = AccountStore(world.redis), Proposing(Revising(world.redis, clock_ms=world.clock), changes)
        making = drafting(world.redis, accounts, proposing, sources=sources, changes=changes, clock_ms=world.clock)
        drafts = await stack.enter_async_context(making)

        nobody = await stack.enter_async_context(grpc.aio.insecure_channel("127.0.0.1:1"))

        def signer(request: Asked) -> Signer | None:
            return (signers or {}).get(request.headers[_WHO])

        operations = Operations(
            world.redis,
            stub,
            policy,
            changes,
            drafts=drafts,
            vault=VaultDesk(VaultServiceStub(nobody), changes, pseudonym_key=KEY),
            hold_keys=(HOLD_KEY,),
            signers=signer,
            clock_ms=world.clock,
        )
        hand = managed(lambda request: (signers or {})[request.headers[_WHO]])
        handlers = [
            *operations.handlers(),
            *PolicyDrafts(drafts, hand=hand).handlers(),
            *JobsApi(drafts.questions.jobs).handlers(),
        ]
        app = application(handlers, Door((_known,)), once=Once(world.redis))
        asked: Any = parting(app, plain_in(app))
        transport = httpx.ASGITransport(app=asked)
        async with httpx.AsyncClient(transport=transport, base_url="http://control") as client:
            found = Steering(client, policy, world)
            if await RevisionStore(world.redis).active():
                await found.follow()
            yield found
