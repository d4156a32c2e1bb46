"""The drill: a backup while calls go on, everything destroyed, restored, and every promise still holds."""

import asyncio
import contextlib
import itertools
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
import pytest

from gateway.clock import clock_ms
from gateway.redis_clients import connected
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageResponse
from services.control.access.accesses import Access
from services.control.access.entrance import LoggedIn
from tests import stores
from tests.e2e.audit_process import AuditProcess
from tests.e2e.holding import SALES, Desk
from tests.e2e.policy import allow_all, cap, policy
from tests.e2e.requests import send
from tests.e2e.waiting import until
from tests.e2e.world import HOLD_KEY, RECORD_KEY, REPLAY_KEY, Auditor, Told, World, told
from tests.fakes.upstream import FakeUpstream, answering
from tests.stores import RedisProcess

CAPPED: Final = "contacts/capped"
HOLD_SERVICE: Final = {
    "name": "two-eyes",
    "effect": "hold",
    "operations": ["CONTACT"],
    "when": 'call.category == "service"',
}
CONTROL_KEY: Final = b"c" * 32
PHRASE: Final = "correct horse battery staple"
SENT: Final = SendMessageResponse(message=Message(name="messages/m-1")).SerializeToString()


@dataclass
class Before:
    """What was promised before the backup began."""

    revision: int
    held: str
    """A call that waits for a person."""
    password: str
    """Of an account."""
    decisions: list[str] = field(default_factory=list)


@contextlib.asynccontextmanager
async def asking(audit: AuditProcess) -> AsyncIterator[Auditor]:
    """Questions to a running audit service."""
    await audit.until_it_is("SERVING")
    async with grpc.aio.insecure_channel(audit.address) as channel:
        yield Auditor(channel)


@contextlib.asynccontextmanager
async def world_on(url: str, home: Path) -> AsyncIterator[World]:
    """A gateway on a store."""
    async with contextlib.AsyncExitStack() as stack:
        redis: Any = await stack.enter_async_context(await connected(url))
        world = World(redis, url, home, stack, keeping=False)
        await world.gateway()
        yield world


def keep_keys(home: Path) -> None:
    """The keys of these tests, as files of a home."""
    (home / "secrets").mkdir(mode=0o700)
    keys = {"holds": HOLD_KEY, "replays": REPLAY_KEY, "records": RECORD_KEY, "control": CONTROL_KEY}
    for name, key in keys.items():
        (home / "secrets" / f"{name}.key").write_text(f"{key.hex()}\n")


async def contact(world: World, customer: str, **fields: str) -> Told:
    """How a message to a customer ends."""
    return await told(world.agent().messages.SendMessage(send(customer, **fields), metadata=SALES))


async def promised(world: World, audit: AuditProcess, crm: str) -> Before:
    """A policy, a customer who was contacted as often as they may be, a call that waits, an account."""
    sections = {"caps": [cap(2)], "rules": [HOLD_SERVICE, allow_all()]}
    number = await world.publish(policy(crm, **sections))
    ended = [await contact(world, CAPPED) for _ in range(3)]
    assert [each.reason for each in ended] == ["", "", "CAP_EXCEEDED"]
    held = await Desk(world).held(request=send("contacts/held", category="service"))
    code, password, wrong = await audit.run("users", "add", "ada", "--role", "moderator")
    assert code == 0, wrong
    async with asking(audit) as auditor:
        await auditor.decision(ended[2].decision)
    return Before(number, held, password.strip(), [each.decision for each in ended])


async def backed_up(world: World, audit: AuditProcess, file: Path, phrase: Path) -> tuple[list[str], float]:
    """Take a backup while calls go on; the decisions before it began, and the seconds that it took."""
    made: list[str] = []

    async def load() -> None:
        for count in itertools.count():
            ended = await contact(world, f"contacts/{count}")
            assert ended.code is grpc.StatusCode.OK
            made.append(ended.decision)

    calls = asyncio.ensure_future(load())
    await until(lambda: len(made) > 20, what="calls")
    earlier, begun = list(made), time.monotonic()
    code, _, wrong = await audit.run("backup", str(file), "--passphrase-file", str(phrase))
    took = time.monotonic() - begun
    assert code == 0, wrong
    assert len(made) > len(earlier), "calls went on meanwhile"
    calls.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await calls
    return earlier, took


async def held_up(world: World, before: Before, upstream: FakeUpstream) -> str:
    """See that every promise holds; the decision that shows that the customer is capped."""
    await world.wait_for(before.revision)
    refused = await contact(world, CAPPED)
    assert refused.reason == "CAP_EXCEEDED"
    upstream.asked.clear()
    assert await Desk(world).decide(before.held)
    await until(lambda: bool(upstream.asked), what="the held call is made")
    assert len(upstream.asked) == 1
    access = Access(world.redis, keys=(CONTROL_KEY,), clock_ms=clock_ms)
    entered = await access.entrance.log_in("ada", before.password, network="::1", now_ms=clock_ms())
    assert isinstance(entered, LoggedIn)
    return refused.decision


@pytest.mark.one_server
async def test_after_everything_is_destroyed_a_backup_brings_back_every_promise(
    request: pytest.FixtureRequest, own_redis: RedisProcess, upstream: FakeUpstream, tmp_path: Path
) -> None:
    upstream.behave = answering(SENT)
    phrase, file = tmp_path / "phrase", tmp_path / "backup"
    phrase.write_text(PHRASE)
    phrase.chmod(0o600)
    audit = AuditProcess(tmp_path / "home", redis_url=own_redis.url)
    keep_keys(audit.home)
    audit.start()
    async with world_on(own_redis.url, tmp_path) as world:
        before = await promised(world, audit, upstream.address)
        earlier, backup_seconds = await backed_up(world, audit, file, phrase)
    audit.kill()
    own_redis.kill()
    for lost in (audit.home, own_redis.home):
        shutil.rmtree(lost)
        lost.mkdir()

    kind = request.node.callspec.params["own_redis"]  # another kind of server does not read its keys
    anew: Any = stores.store(kind, tmp_path / "store", append_only=True)
    anew.start()
    back = AuditProcess(tmp_path / "back", redis_url=anew.url)
    (back.home / "pseudonym.key").unlink()  # it comes back with the backup
    try:
        begun = time.monotonic()
        code, said, wrong = await back.run(
            *("restore", str(file), "--passphrase-file", str(phrase)),
            PILOTE_PSEUDONYM_KEY_FILE=str(back.home / "secrets" / "unset"),
        )
        restore_seconds = time.monotonic() - begun
        assert code == 0, wrong
        assert f"revision {before.revision}" in said
        async with world_on(anew.url, tmp_path / "w") as world:
            again = await held_up(world, before, upstream)
            back.start()
            async with asking(back) as auditor:
                for decision in (*before.decisions, *earlier, again):
                    assert (await auditor.decision(decision)).name == f"decisions/{decision}"
                names = [each.name for each in await auditor.listed()]
        assert len(names) == len(set(names)), "nothing is stored twice"
        back.stop()
        code, _, wrong = await back.run("audit", "verify")
        assert code == 0, wrong
    finally:
        back.kill()
        anew.kill()
    print(f"backup {backup_seconds:.1f} s, restore {restore_seconds:.1f} s, {len(names)} decisions")  # noqa: T201
