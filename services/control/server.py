"""`pilote control`: one process that answers over HTTP."""

import asyncio
import contextlib
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import argon2
import grpc
import uvicorn
from litestar import Litestar
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.activation.standing import Standing
from gateway.adapters.consents import ConsentStore
from gateway.adapters.revisions import RevisionStore
from gateway.adapters.sealing import Sealer
from gateway.adapters.trust import Trust
from gateway.adapters.workers import Workers, reporting
from gateway.clock import clock_ms
from gateway.core.authority import Authority
from gateway.core.call import Facts
from gateway.core.errors import CallEnded, Reason
from gateway.ending import ended
from gateway.instance import instance
from gateway.rpc.serving import until_told_to_stop
from gateway.watching.exposing import NOWHERE, Metering, metering
from gateway.watching.metrics import RevisionMetrics
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.access.accesses import Access
from services.control.access.oidc.configuration import Oidc
from services.control.access.passwords import PROFILE
from services.control.access.persons import Persons
from services.control.access.principals import Door
from services.control.api.accounts import AccountsApi
from services.control.api.approvals import ApprovalsApi
from services.control.api.decisions import Decisions
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
from services.control.api.revisions import Revisions
from services.control.api.sessions import OwnSessions
from services.control.api.sums import Sums
from services.control.api.tailing import Tailing
from services.control.api.tokens import OwnTokens
from services.control.api.values import Values
from services.control.api.verbs import parting, plain_in
from services.control.api.views import Views
from services.control.app import application
from services.control.approvals.deciding import Approvals
from services.control.audit_client import AuditClient
from services.control.changes import Changes
from services.control.console.console import Console
from services.control.console.page import Parts
from services.control.decisions.replaying import Replaying
from services.control.drafts.making import drafting
from services.control.drafts.working import Sources
from services.control.live.following import Following
from services.control.live.gathering import Gathering
from services.control.people import People
from services.control.policy import ActivePolicy
from services.control.proposing import Proposing
from services.control.viewing import SavedViews

_log = logging.getLogger(__name__)


async def serve(
    *,
    listen: str,
    redis_url: str,
    audit: str,
    pseudonym_key: bytes,
    drain_seconds: float,
    pin_file: Path | None = None,
    trusted_people: Authority | None = None,
    to: Metering = NOWHERE,
    record_keys: Sequence[bytes] = (),
    control_keys: Sequence[bytes] = (),
    url: str = "",
    proxies: str = "",
    oidc: Oidc | None = None,
    hold_keys: Sequence[bytes] = (),
    replay_keys: Sequence[bytes] = (),
    trace_url: str = "",
) -> None:
    """Answer until SIGTERM or SIGINT, then drain.

    Raises:
        OSError: the address is taken.
    """
    async with (
        until_told_to_stop() as stop,
        running(
            listen=listen,
            redis_url=redis_url,
            audit=audit,
            pseudonym_key=pseudonym_key,
            drain_seconds=drain_seconds,
            pin_file=pin_file,
            trusted_people=trusted_people,
            to=to,
            record_keys=record_keys,
            control_keys=control_keys,
            url=url,
            proxies=proxies,
            oidc=oidc,
            hold_keys=hold_keys,
            replay_keys=replay_keys,
            trace_url=trace_url,
        ) as port,
    ):
        _log.info("the control plane answers", extra={"port": port})
        await stop.wait()


@contextlib.asynccontextmanager
async def running(
    *,
    listen: str,
    redis_url: str,
    audit: str,
    pseudonym_key: bytes,
    drain_seconds: float,
    pin_file: Path | None = None,
    trusted_people: Authority | None = None,
    to: Metering = NOWHERE,
    record_keys: Sequence[bytes] = (),
    control_keys: Sequence[bytes] = (),
    url: str = "",
    proxies: str = "",
    hashing: argon2.Parameters = PROFILE,
    oidc: Oidc | None = None,
    hold_keys: Sequence[bytes] = (),
    replay_keys: Sequence[bytes] = (),
    trace_url: str = "",
) -> AsyncIterator[int]:
    """Answer until the block ends; yields the port.

    `audit` is the address of the audit service. `pin_file` and `trusted_people` say which policies are trusted, see
    `gateway.adapters.trust`; `to` where metrics go. With `record_keys` people may read what calls
    were decided by, with `hold_keys` calls that wait for them, and with `replay_keys` have calls decided upon once
    more, by other policies too. `control_keys` are its own, the same for all control planes; with none it makes one,
    and once it has ended no browser is known any more. `url` is where browsers reach it, `proxies` are those whose word
    counts for where a request comes from, `trace_url` is where traces are shown: see `Settings`.
    With `oidc` people may log in through a provider, which needs `url`.
    `hashing` is what a password costs; only tests make it cheap.

    Raises:
        ValueError: the file cannot be read.
        OSError: the address is taken.
    """
    options: dict[str, Any] = {"retry": Retry(NoBackoff(), 1), "socket_connect_timeout": 1, "socket_timeout": 2}
    own = instance("control")
    async with (
        await redis_clients.connected(redis_url, **options) as redis,
        metering(own, to) as meters,
        # A whole export's entry may be larger than what a client takes by default.
        grpc.aio.insecure_channel(audit, options=(("grpc.max_receive_message_length", 64 << 20),)) as channel,
        contextlib.AsyncExitStack() as stack,
    ):
        standing = Standing(own, clock_ms=clock_ms, told=RevisionMetrics(meters).tell)
        policy, workers = ActivePolicy(standing), Workers(redis)
        consents = ConsentStore(redis)

        async def facts(tenant: str, subject_ref: str) -> Facts | None:
            try:
                return await consents.read(tenant, subject_ref)
            except (RedisError, OSError, TimeoutError) as error:
                text = "What is known of the customer cannot be read now; retry."
                raise CallEnded(Reason.STORE_UNAVAILABLE, text) from error

        flags = Flags(policy, facts=facts, pseudonym_key=pseudonym_key, clock_ms=clock_ms)
        store = RevisionStore(redis)
        trust = Trust(store, root=trusted_people, pin_file=pin_file)
        tasks = (
            asyncio.create_task(store.follow(policy.swap, judge=trust.judge, refused=standing.refuses)),
            asyncio.create_task(reporting(workers, lambda: standing.report, standing.changed)),
        )
        access = Access(
            redis,
            keys=control_keys or (secrets.token_bytes(32),),
            url=url,
            clock_ms=clock_ms,
            profile=hashing,
            oidc=oidc,
        )
        ways = (Persons(policy, clock_ms=clock_ms).knows, access.knowing.by_token, access.knowing.by_cookie)
        client = AuditClient(AuditServiceStub(channel))
        tailing, changes = Tailing(client.stub), Changes(client.stub)
        views, exports = SavedViews(client, changes), Exports(client)
        approvals = Approvals(redis, client.stub, changes, pseudonym_key=pseudonym_key, clock_ms=clock_ms)
        following = Following(Gathering(redis, client.stub, policy, clock_ms=clock_ms))
        sources = Sources(audit=audit, redis_url=redis_url, pseudonym_key=pseudonym_key, replay_keys=tuple(replay_keys))
        made = drafting(redis, access.accounts, sources=sources, changes=changes, clock_ms=clock_ms)
        drafts = await stack.enter_async_context(made)
        hand = managed(access.knowing.signer)
        operations = Operations(
            redis, client.stub, policy, hold_keys=hold_keys, signers=access.knowing.signer, clock_ms=clock_ms
        )
        people = People(access, changes, clock_ms=clock_ms)
        parts = (
            *(flags, Revisions(redis, Proposing(redis, changes, clock_ms=clock_ms))),
            *(Decisions(client, tailing=tailing), Views(client, views), exports),
            *(Proofs(client), Sums(client), ApprovalsApi(approvals)),
            Personal(client, changes, approvals, pseudonym_key=pseudonym_key, policy=policy),
            operations,
            *(OwnSessions(access, clock_ms=clock_ms), OwnTokens(access, people)),
            AccountsApi(access, people, clock_ms=clock_ms),
            *(PolicyDrafts(drafts, hand=hand), ProposalsApi(drafts, hand=hand), JobsApi(drafts.jobs)),
            Happening(client, following),
        )
        values = Values(client, sealer=Sealer(record_keys)) if record_keys else None
        replaying = (
            Replaying(client, redis, replay_keys=replay_keys, pseudonym_key=pseudonym_key, clock_ms=clock_ms)
            if replay_keys
            else None
        )
        console = Console(
            Parts(
                redis=redis,
                policy=policy,
                audit=client,
                tailing=tailing,
                values=values,
                replaying=replaying,
                trace_url=trace_url,
                views=views,
                exports=exports,
                operations=operations,
                drafts=drafts,
                hand=hand,
                access=access,
                following=following,
                people=people,
                approvals=approvals,
                clock_ms=clock_ms,
                https=access.cookies.secure,
            )
        )
        optional: list[Any] = [part for part in (values, replaying and ReplaysApi(replaying)) if part]
        handlers = [handler for part in (*parts, *optional, console) for handler in part.handlers()]
        app = application(
            handlers,
            Door(ways),
            once=Once(redis),
            templates=console.templates(),
            https=access.cookies.secure,
        )

        def drain() -> None:
            tailing.drain()
            following.drain()

        try:
            async with _serving(app, listen=listen, drain_seconds=drain_seconds, ending=drain, proxies=proxies) as port:
                yield port
        finally:
            await ended(*tasks)
            await following.gathering.close()
            access.close()
            with contextlib.suppress(RedisError, OSError, TimeoutError):  # else it expires
                async with asyncio.timeout(1):
                    await workers.leave(standing.report.worker)


@contextlib.asynccontextmanager
async def _serving(
    app: Litestar, *, listen: str, drain_seconds: float, ending: Callable[[], None], proxies: str = ""
) -> AsyncIterator[int]:
    host, _, port = listen.rpartition(":")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    with socket.create_server((host.strip("[]"), int(port)), family=family) as taken:
        config = uvicorn.Config(
            parting(app, plain_in(app)),
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=max(1, int(drain_seconds)),
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[taken]))
        try:
            yield int(taken.getsockname()[1])
        finally:
            ending()
            server.should_exit = True
            await task


class _Server(uvicorn.Server):
    """Whoever runs us hears the signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield
