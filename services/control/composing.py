"""What a control plane consists of: its parts, made once, and the application that REST and pages make of them."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

from litestar import Litestar
from redis.exceptions import RedisError

from gateway.adapters.consents import ConsentStore
from gateway.adapters.sealing import Sealer
from gateway.core.call import Facts
from gateway.core.errors import CallEnded, Reason
from gateway.redis_clients import Client
from gateway.rpc.channels import channel_to
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from pilote.vault.v1.vault_service_pb2_grpc import VaultServiceStub
from services.control.access.accesses import Access
from services.control.access.persons import Persons
from services.control.access.principals import Door
from services.control.api.accounts import AccountsApi
from services.control.api.approvals import ApprovalsApi
from services.control.api.columns import OwnColumns
from services.control.api.decisions import Decisions
from services.control.api.digests import DigestsApi
from services.control.api.drafts import PolicyDrafts
from services.control.api.exporting import Exports
from services.control.api.flags import Flags
from services.control.api.idempotency import Once
from services.control.api.jobs import JobsApi
from services.control.api.managed import managed
from services.control.api.now import Happening
from services.control.api.operations import Operations
from services.control.api.personal import Personal
from services.control.api.proofs import Proofs
from services.control.api.proposals import ProposalsApi
from services.control.api.replays import ReplaysApi
from services.control.api.reports import ReportsApi
from services.control.api.revisions import Revisions
from services.control.api.sentences import PolicySentences
from services.control.api.sessions import OwnSessions
from services.control.api.sums import Sums
from services.control.api.tailing import Tailing
from services.control.api.tokens import OwnTokens
from services.control.api.values import Values
from services.control.api.views import Views
from services.control.api.what_if import WhatIfApi
from services.control.app import application
from services.control.approvals.deciding import Approvals
from services.control.audit_client import AuditClient
from services.control.changes import Changes
from services.control.console.console import Console
from services.control.console.page import Parts
from services.control.decisions.replaying import Replaying
from services.control.digests.desk import DigestDesk
from services.control.drafts.drafting import Drafting
from services.control.drafts.making import drafting
from services.control.drafts.working import Sources
from services.control.live.following import Following
from services.control.live.gathering import Gathering
from services.control.options import Options
from services.control.owing import Owing
from services.control.people import People
from services.control.policy import ActivePolicy
from services.control.proposing import Proposing
from services.control.reports.desk import ReportDesk
from services.control.reports.persons import PersonFiles
from services.control.vault.desk import VaultDesk
from services.control.viewing import SavedViews
from services.revisions.revising import Revising


@contextlib.asynccontextmanager
async def composed(
    options: Options,
    redis: Client,
    stub: AuditServiceStub,
    *,
    owing: Owing,
    policy: ActivePolicy,
    clock_ms: Callable[[], int],
) -> AsyncIterator["Composed"]:
    """All of it, until the block ends. `owing` is what the log gets later."""
    access = Access(
        redis,
        keys=options.control_keys or (secrets.token_bytes(32),),
        url=options.url,
        clock_ms=clock_ms,
        profile=options.hashing,
        oidc=options.oidc,
    )
    changes = Changes(stub, owing=owing)
    sources = Sources(
        audit=options.audit,
        redis_url=options.redis_url,
        pseudonym_key=options.pseudonym_key,
        replay_keys=tuple(options.replay_keys),
    )
    proposing = Proposing(Revising(redis, clock_ms=clock_ms), changes)
    async with (
        drafting(redis, access.accounts, proposing, sources=sources, changes=changes, clock_ms=clock_ms) as drafts,
        channel_to(options.insights) as insights,
    ):
        made = Composed(
            options,
            redis,
            AuditClient(stub),
            changes=changes,
            access=access,
            policy=policy,
            proposing=proposing,
            drafts=drafts,
            vault=VaultDesk(VaultServiceStub(insights), changes, pseudonym_key=options.pseudonym_key),
            clock_ms=clock_ms,
        )
        try:
            yield made
        finally:
            await made.close()
            access.close()


class Composed:
    """The parts of one control plane. `clock_ms` is milliseconds since the epoch."""

    def __init__(
        self,
        options: Options,
        redis: Client,
        audit: AuditClient,
        *,
        changes: Changes,
        access: Access,
        policy: ActivePolicy,
        proposing: Proposing,
        drafts: Drafting,
        vault: VaultDesk,
        clock_ms: Callable[[], int],
    ) -> None:
        self._options = options
        self._redis = redis
        self._audit = audit
        self._access = access
        self._policy = policy
        self._proposing = proposing
        self._drafts = drafts
        self._clock_ms = clock_ms
        key = options.pseudonym_key
        self._changes = changes
        self._tailing = Tailing(audit.stub)
        self.following = Following(Gathering(redis, audit.stub, policy, clock_ms=clock_ms))
        self._views, self._exports = SavedViews(audit, changes), Exports(audit)
        self._approvals = Approvals(redis, audit.stub, changes, pseudonym_key=key, clock_ms=clock_ms)
        self._person_files = PersonFiles(audit)
        self._digests = DigestDesk(redis, policy, console=options.url, clock_ms=clock_ms)
        self._reports = ReportDesk(
            redis,
            drafts.questions.jobs,
            policy,
            audit=options.audit,
            redis_url=options.redis_url,
            clock_ms=clock_ms,
        )
        self._people = People(access, changes, clock_ms=clock_ms)
        self._hand = managed(access.knowing.signer)
        self._operations = Operations(
            redis,
            audit.stub,
            policy,
            changes,
            drafts=drafts,
            vault=vault,
            hold_keys=options.hold_keys,
            signers=access.knowing.signer,
            clock_ms=clock_ms,
        )
        self._values = Values(audit, sealer=Sealer(options.record_keys)) if options.record_keys else None
        self._replaying = (
            Replaying(audit, redis, replay_keys=options.replay_keys, pseudonym_key=key, clock_ms=clock_ms)
            if options.replay_keys
            else None
        )

    def application(self) -> Litestar:
        """What answers over HTTP: the REST interface, feature flags, and the pages."""
        console, access = Console(self._shown()), self._access
        parts = (*self._flags_and_rest(), *self._steering(), console)
        ways = (
            Persons(self._policy, clock_ms=self._clock_ms).knows,
            access.knowing.by_token,
            access.knowing.by_cookie,
        )
        return application(
            [handler for part in parts for handler in part.handlers()],
            Door(ways),
            once=Once(self._redis),
            templates=console.templates(),
            https=access.cookies.secure,
        )

    async def close(self) -> None:
        """End what goes on by itself."""
        await self.following.gathering.close()
        await self._approvals.carrying_out.close()
        self._person_files.close()
        self._digests.close()

    def drain(self) -> None:
        """End the streams that people follow: they would otherwise keep the server from stopping."""
        self._tailing.drain()
        self.following.drain()

    def _flags_and_rest(self) -> list[Any]:
        """What is asked about, mostly of the audit service."""
        audit, key = self._audit, self._options.pseudonym_key
        return [
            Flags(self._policy, facts=facts_of(self._redis), pseudonym_key=key, clock_ms=self._clock_ms),
            Decisions(audit, tailing=self._tailing),
            Views(audit, self._views),
            OwnColumns(self._redis),
            self._exports,
            Proofs(audit),
            Sums(audit),
            Happening(audit, self.following),
            Personal(
                audit,
                self._changes,
                self._approvals,
                files=self._person_files,
                pseudonym_key=key,
                policy=self._policy,
            ),
            *([self._values] if self._values else []),
            *([ReplaysApi(self._replaying)] if self._replaying else []),
        ]

    def _steering(self) -> list[Any]:
        """What is changed: policies, people, and everything that runs."""
        access, people, hand, drafts = self._access, self._people, self._hand, self._drafts
        return [
            Revisions(self._redis, self._proposing),
            PolicyDrafts(drafts, hand=hand),
            PolicySentences(drafts),
            WhatIfApi(self._operations.what_if),
            ProposalsApi(drafts, hand=hand),
            JobsApi(drafts.questions.jobs),
            ReportsApi(self._reports),
            DigestsApi(self._digests, self._policy),
            self._operations,
            ApprovalsApi(self._approvals, sure=access.knowing.sure),
            OwnSessions(access, people, clock_ms=self._clock_ms),
            OwnTokens(access, people),
            AccountsApi(access, people, clock_ms=self._clock_ms),
        ]

    def _shown(self) -> Parts:
        return Parts(
            redis=self._redis,
            policy=self._policy,
            audit=self._audit,
            tailing=self._tailing,
            values=self._values,
            replaying=self._replaying,
            trace_url=self._options.trace_url,
            gateway=self._options.gateway,
            views=self._views,
            exports=self._exports,
            operations=self._operations,
            drafts=self._drafts,
            hand=self._hand,
            access=self._access,
            following=self.following,
            people=self._people,
            reports=self._reports,
            person_files=self._person_files,
            digests=self._digests,
            approvals=self._approvals,
            clock_ms=self._clock_ms,
            https=self._access.cookies.secure,
        )


def facts_of(redis: Client) -> Callable[[str, str], Any]:
    """Reads what is known of a customer, by tenant and pseudonym."""
    consents = ConsentStore(redis)

    async def facts(tenant: str, subject_ref: str) -> Facts | None:
        try:
            return await consents.read(tenant, subject_ref)
        except (RedisError, OSError, TimeoutError) as error:
            text = "What is known of the customer cannot be read now; retry."
            raise CallEnded(Reason.STORE_UNAVAILABLE, text) from error

    return facts
