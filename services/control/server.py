"""`pilote control`: one process that answers over HTTP."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import uvicorn
from litestar import Litestar, Request, get
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components
from litestar.template import TemplateConfig
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
from gateway.watching.trace_context import TRACEPARENT, handling, parsed
from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceStub
from services.control.access.persons import Persons
from services.control.api import http_errors
from services.control.api.decisions import Decisions
from services.control.api.exporting import Exports
from services.control.api.flags import Flags
from services.control.api.personal import Personal
from services.control.api.proofs import Proofs
from services.control.api.proto_schemas import PERSON, SIGNED
from services.control.api.revisions import Revisions
from services.control.api.sums import Sums
from services.control.api.tailing import Tailing
from services.control.api.values import Values
from services.control.api.verbs import parting, plain_in
from services.control.api.views import Views
from services.control.audit_client import AuditClient
from services.control.console.console import Console
from services.control.console.failures import for_people
from services.control.console.page import Parts
from services.control.console.security import Headers
from services.control.policy import ActivePolicy

MAX_BODY_BYTES: Final = 64 * 1024
HEALTH: Final = "/healthz"
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
) -> AsyncIterator[int]:
    """Answer until the block ends; yields the port.

    `audit` is the address of the audit service. `pin_file` and `trusted_people` say which policies are trusted, see
    `gateway.adapters.trust`; `to` where metrics go. With `record_keys` people may read what calls
    were decided by.

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
        persons = Persons(policy, clock_ms=clock_ms)
        client = AuditClient(AuditServiceStub(channel), persons)
        tailing = Tailing(client.stub)
        parts = (
            *(flags, Revisions(redis, persons, clock_ms=clock_ms)),
            *(Decisions(client, tailing=tailing), Views(client), Exports(client)),
            *(Proofs(client), Sums(client), Personal(client)),
        )
        values = Values(client, sealer=Sealer(record_keys)).handlers() if record_keys else []
        console = Console(Parts(redis=redis, policy=policy, audit=client, clock_ms=clock_ms))
        handlers = [handler for part in (*parts, console) for handler in part.handlers()]
        app = _app([*handlers, *values], templates=console.templates())
        try:
            async with _serving(app, listen=listen, drain_seconds=drain_seconds, ending=tailing.drain) as port:
                yield port
        finally:
            await ended(*tasks)
            with contextlib.suppress(RedisError, OSError, TimeoutError):  # else it expires
                async with asyncio.timeout(1):
                    await workers.leave(standing.report.worker)


def _app(handlers: Sequence[HTTPRouteHandler], *, templates: TemplateConfig[Any] | None = None) -> Litestar:
    @get(HEALTH, include_in_schema=False)
    async def healthy() -> dict[str, str]:
        return {"status": "ok"}

    async def begin(request: Request[Any, Any, Any]) -> None:
        handling(parsed(request.headers.get(TRACEPARENT)))

    return Litestar(
        before_request=begin,
        before_send=[Headers(https=False).add],
        route_handlers=[healthy, *handlers],
        template_config=templates,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=OpenAPIConfig(
            title="Pilote", version="1", components=Components(security_schemes={PERSON: SIGNED})
        ),
        exception_handlers={
            CallEnded: for_people(http_errors.ended),
            HTTPException: for_people(http_errors.refused),
            Exception: for_people(http_errors.failed),
        },
        # The process logs as it was told to; Litestar's default would replace that, and keep a thread for it.
        logging_config=None,
        debug=False,
    )


@contextlib.asynccontextmanager
async def _serving(
    app: Litestar, *, listen: str, drain_seconds: float, ending: Callable[[], None]
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
