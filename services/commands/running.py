"""What the commands of `services.cli` do on a running Pilote, or to make it run."""

import asyncio
import contextlib
import secrets
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec
from redis.exceptions import RedisError
from rich.console import Console

from gateway import redis_clients
from gateway.activation.loading import canonical, load
from gateway.adapters.consents import ConsentStore
from gateway.adapters.policy_files import read
from gateway.adapters.revisions import Published, RevisionStore
from gateway.clock import clock_ms
from gateway.core.call import Facts
from gateway.core.record import subject_ref
from gateway.core.revision.compiled import Revision
from gateway.ending import ended
from gateway.key_files import pseudonym_key
from gateway.redis_clients import Client
from gateway.rpc.channels import channel_to
from gateway.rpc.probing import answering_probes, wellness
from gateway.settings import Settings, inherited
from pilote.decision.v1 import decision_service_pb2, decision_service_pb2_grpc
from services import up
from services.audit.proofs.log_key import KEY_FILE
from services.commands.fact_lines import read_line
from services.commands.user_texts import say as say_of_users
from services.control.access.accesses import Access
from services.control.access.administration import BOOTSTRAP
from services.supervisor import home as homes
from services.supervisor.home import HomeTaken, State
from services.supervisor.supervise import ChildFailed, Supervisor
from services.texts import say

ACTIVE_SECONDS: Final = 60
"""Longest wait until a published revision answers."""
DEMO_STORE_TIMEOUT_MS: Final = 5_000
"""The demonstration's load, and all that it is put on, share a machine: calls wait rather than fail."""


async def run_up(settings: Settings, *, workers: int | None, out: Console, language: str) -> int:
    """Start everything and stay until told to stop; returns the exit code."""
    if workers is not None:
        settings = msgspec.structs.replace(settings, workers=workers)
    supervisor = _supervisor(settings, out)
    return 2 if supervisor is None else await _supervised(supervisor, settings, out=out, language=language, then=None)


async def run_demo(settings: Settings, *, count: int, leave: bool, out: Console, language: str) -> int:
    """Start everything on a fresh home of its own and let the agents work; returns the exit code."""
    from services.demo.run import POLICY, Addresses, Keys, run

    home = settings.home / "demo"
    if homes.running(home.resolve()) is None:
        shutil.rmtree(home, ignore_errors=True)  # each demonstration begins with people whom nobody has written to yet
    key_file = settings.audit_key_file
    if settings.audit_url is not None and key_file is None:
        key_file = settings.home / KEY_FILE  # a database outlives the demonstration, and its log has one key
    settings = msgspec.structs.replace(
        settings,
        home=home,
        audit_key_file=key_file,
        store_timeout_ms=max(settings.store_timeout_ms, DEMO_STORE_TIMEOUT_MS),
    )
    supervisor = _supervisor(settings, out)
    if supervisor is None:
        return 2

    async def demonstrate() -> bool:
        try:
            return await work()
        except (OSError, RedisError, grpc.aio.AioRpcError) as error:  # a TimeoutError is an OSError
            values = {"error": type(error).__name__, "logs": up.logs(settings.home)}
            out.print(say("broken-off", language=language, **values), markup=False, soft_wrap=True)
            return False

    async def work() -> bool:
        data, lines = read(POLICY)
        # On a store that outlives the demonstration, a tenant of its own is what makes it begin anew.
        fresh = settings.redis_url is None and settings.audit_url is None
        keys = Keys("acme" if fresh else f"acme-{secrets.token_hex(3)}")
        keys.put_into(data)
        _put_addresses(data, settings)
        key = pseudonym_key(settings.pseudonym_key_file or home / "secrets" / "pseudonym.key")
        async with await redis_clients.connected(up.redis_url(settings)) as redis:
            number = await publish(redis, load(data, lines=lines), reason="demonstration")

            async def put(tenant: str, subject: str, known: Facts) -> None:
                ref = subject_ref(key, tenant=tenant, subject=subject)
                await ConsentStore(redis).know(tenant, ref, facts=known)

            await _active(settings, number, key=keys["import-bot"])
            at = Addresses(gateway=settings.gateway_listen, audit=settings.audit_listen)
            return await run(out, keys=keys, at=at, put_facts=put, count=count, language=language)

    return await _supervised(supervisor, settings, out=out, language=language, then=demonstrate, leave=leave)


async def publish(redis: Client, revision: Revision, *, reason: str = "", expected: int | None = None) -> int:
    """Store a checked policy as a revision and activate it; returns its number.

    Raises:
        RevisionConflict: another revision is active than `expected`.
        CellsFixed: a tenant has another number of cells already.
    """
    published = Published(
        sha256=revision.sha256,
        author="",
        created_ms=int(time.time() * 1000),
        reason=reason,
        document=msgspec.Raw(canonical(revision.document)),
    )
    return await RevisionStore(redis).publish(published, expected=expected)


class FactsDamaged(Exception):
    """What is stored of the customer on a line cannot be read; nothing of this line and those after it was stored."""

    def __init__(self, line: str) -> None:
        super().__init__(line)
        self.line = line


async def import_facts(redis: Client, file: Path, *, pseudonym_key: bytes, replace_damaged: bool = False) -> int:
    """Store the facts in a file of JSON Lines; returns how many subjects there were.

    Statements about consents are added to those that are stored: an import never forgets a refusal. `replace_damaged`:
    what is stored and cannot be read is replaced.

    Raises:
        ValueError: a line cannot be read; it names the line, and nothing after it was stored.
        FactsDamaged: what is stored cannot be read.
    """
    count = 0
    store = ConsentStore(redis)
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                known = read_line(line, pseudonym_key=pseudonym_key)
            except ValueError as error:
                raise ValueError(f"{file}:{number}: {error}") from error
            try:
                await store.know(known.tenant, known.subject_ref, facts=known.facts, replace_damaged=replace_damaged)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise FactsDamaged(f"{file}:{number}") from error
            count += 1
    return count


def _supervisor(settings: Settings, out: Console) -> Supervisor | None:
    try:
        running = homes.running(settings.home.resolve())
        if running is not None:
            raise HomeTaken(running.pid)
        return up.supervisor(settings, environment=inherited())
    except (ValueError, FileNotFoundError, HomeTaken) as error:
        out.print(str(error), markup=False)
        return None


async def _supervised(
    supervisor: Supervisor,
    settings: Settings,
    *,
    out: Console,
    language: str,
    then: Callable[[], Awaitable[bool]] | None,
    leave: bool = False,
) -> int:
    """Run the supervisor, tell what happens, and do the work once all is up; returns the exit code."""
    out.print(say("starting", language=language, home=settings.home), markup=False)
    telling = asyncio.create_task(_tell(supervisor, out, language))
    working = asyncio.create_task(_work(supervisor, settings, out=out, language=language, then=then, leave=leave))
    try:
        async with answering_probes(settings.health_listen):
            probed = asyncio.create_task(_probed(supervisor))
            try:
                await supervisor.run()
            finally:
                await ended(probed)
    except (ChildFailed, HomeTaken, OSError) as error:
        out.print(str(error), markup=False)
        return 1
    finally:
        working.cancel()
        await asyncio.wait({working, telling})
    out.print(say("stopped", language=language), markup=False)
    if working.cancelled():  # stopped by hand before the work was done
        return 0
    return 0 if working.result() else 1


async def _probed(supervisor: Supervisor) -> None:
    """Tell probes whether all of them are up: well once all have been, ready while none is being started anew."""

    async def all_are() -> bool:
        return all(each.state is State.READY for each in supervisor.state().children)

    await supervisor.all_ready.wait()
    own = wellness()
    own.started()
    with own.ready_while(all_are):
        await asyncio.Event().wait()


async def _work(
    supervisor: Supervisor,
    settings: Settings,
    *,
    out: Console,
    language: str,
    then: Callable[[], Awaitable[bool]] | None,
    leave: bool,
) -> bool:
    await supervisor.all_ready.wait()
    values = {"gateway": settings.gateway_listen, "logs": up.logs(settings.home)}
    out.print(say("ready", language=language, **values), markup=False, soft_wrap=True)
    complete = True
    if then is not None:
        try:
            complete = await then()
        except BaseException:
            supervisor.stop()
            raise
    else:
        await tell_without_policy(settings, out, language)
    if leave:
        supervisor.stop()
    else:
        await _first_account(settings, out, language)
        out.print(say("stop-hint", language=language), markup=False)
    return complete


async def tell_without_policy(settings: Settings, out: Console, language: str) -> None:
    """Say that every call is refused, where no policy is active."""
    async with await redis_clients.connected(up.redis_url(settings)) as redis:
        if not await RevisionStore(redis).active():
            out.print(say("no-policy", language=language), markup=False)


async def _first_account(settings: Settings, out: Console, language: str) -> None:
    """Where nobody may log in yet, make the first administrator, and say how to, once."""
    async with await redis_clients.connected(up.redis_url(settings)) as redis:
        access = Access(redis, keys=(), clock_ms=clock_ms)
        try:
            password = await access.administration.bootstrap(now_ms=clock_ms())
        finally:
            access.close()
    if password is not None:
        scheme = "http" if settings.tls_dir is None else "https"
        values = {"url": settings.control_url or f"{scheme}://{settings.control_listen}", "name": BOOTSTRAP}
        text = say_of_users("bootstrap", language=language, password=password, **values)
        out.print(text, markup=False, soft_wrap=True)


async def _tell(supervisor: Supervisor, out: Console, language: str) -> None:
    """What people want to know of children: starts are expected, restarts and failures are not."""
    stopping = False
    async for change in supervisor.changes():
        if change.state is State.DRAINING and not stopping:
            stopping = True
            out.print(say("stopping", language=language), markup=False)
        if change.state in (State.RESTARTING, State.FAILED):
            values = {"child": change.child, "state": change.state.value.lower(), "detail": change.detail}
            out.print(say("child", language=language, **values), markup=False, soft_wrap=True)


def _put_addresses(policy: Any, settings: Settings) -> None:
    """Point the demonstration's upstreams to where they listen here."""
    listens = {"crm": settings.crm_listen, "intake": settings.intake_grpc_listen}
    listens |= {f"lead-score-{version}": up.model_listen(settings, version) for version in up.MODEL_VERSIONS}
    for upstream in policy["upstreams"]:
        upstream["address"] = listens[upstream["name"]]
        if settings.tls_dir is not None:
            upstream["tls"] = "mutual"


async def _active(settings: Settings, number: int, *, key: str) -> None:
    """Wait until the gateway answers by that revision."""
    async with channel_to(settings.gateway_listen) as channel:
        evaluate = decision_service_pb2_grpc.DecisionServiceStub(channel).EvaluateCall
        request = decision_service_pb2.EvaluateCallRequest(method="/pilote.crm.v1.ContactService/ListContacts")
        async with asyncio.timeout(ACTIVE_SECONDS):
            while True:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    answer = await evaluate(request, metadata=[("x-api-key", key)], timeout=1)
                    if answer.decision.revision >= number:
                        return
                await asyncio.sleep(0.05)
