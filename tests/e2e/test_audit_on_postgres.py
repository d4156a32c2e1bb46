"""The audit service on PostgreSQL as operators meet it: it dies, its database is away, full of refusals or shared.

Whatever happens, each call that was answered is stored once, and the log proves it.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest

from services.audit.streams import GROUP
from tests import postgres
from tests.e2e.audit_process import AuditProcess
from tests.e2e.requests import get
from tests.e2e.waiting import eventually, until
from tests.e2e.world import Auditor, World, credential, told
from tests.postgres import PostgresProcess
from tests.services.test_cli import _listens, _run

pytestmark = [
    pytest.mark.skipif(postgres.programs() is None, reason="there is no PostgreSQL here"),
    pytest.mark.one_server,
    pytest.mark.timeout(180),
]
STREAM = "pilote:{acme/0}:decisions"
SALES = credential("sales-bot")


@pytest.fixture
def database() -> Iterator[PostgresProcess]:
    """A server for one test, already started."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def made(tmp_path: Path, redis_url: str, database: PostgresProcess) -> Iterator[Callable[[], AuditProcess]]:
    """Makes audit services on that database which sign with one key, each with a home of its own."""
    processes: list[AuditProcess] = []

    def make() -> AuditProcess:
        home, key = tmp_path / f"audit-{len(processes)}", tmp_path / "audit-0" / "secrets" / "log.key"
        settings = {"PILOTE_AUDIT_KEY_FILE": str(key)} if processes else {}
        processes.append(AuditProcess(home, redis_url=redis_url, url=database.url(), **settings))
        return processes[-1]

    yield make
    for each in processes:
        each.kill()


class Load:
    """Callers of the gateway, until the block ends, and what they were told."""

    def __init__(self, world: World) -> None:
        self._agent = world.agent()
        self.decisions: list[str] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Eight callers."""
        stop = asyncio.Event()

        async def calling(number: int) -> None:
            for turn in itertools.count():
                if stop.is_set():
                    return
                await self.call(f"contacts/c{number}-{turn}")

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(calling(number))
            yield
            stop.set()

    async def call(self, customer: str) -> None:
        ended = await told(self._agent.contacts.GetContact(get(customer), metadata=SALES))
        assert ended.code is grpc.StatusCode.OK
        self.decisions.append(ended.decision)

    async def more(self, count: int) -> None:
        """Wait for so many more answers."""
        target = len(self.decisions) + count
        await until(lambda: len(self.decisions) >= target, what=f"{count} more calls", within=60)


async def owed(world: World) -> int:
    """Entries that were not acknowledged, delivered or not."""
    groups: Any = await world.redis.xinfo_groups(STREAM)
    found = [each["pending"] + (each["lag"] or 0) for each in groups if each["name"] == GROUP.encode()]
    return int(sum(found))


async def until_at_least(audit: AuditProcess, metric: str, least: float) -> None:
    """Wait until a metric is so large."""

    async def look() -> bool | None:
        return await audit.metric(metric) >= least or None

    await eventually(look, what=f"{metric} at {least} or more")


async def reconciled(world: World, audit: AuditProcess, decisions: list[str]) -> None:
    """Wait until nothing is owed; then each of these decisions is stored once, and nothing else, as the log proves."""
    await audit.until_it_is("SERVING")
    async with grpc.aio.insecure_channel(audit.address) as channel:
        auditor = Auditor(channel)

        async def all_stored() -> list[str] | None:
            # A call may be answered before its entry is in the stream: nothing owed yet is not everything stored.
            if await owed(world):
                return None
            names = [each.name for each in await auditor.listed("state = SETTLED")]
            return names if len(names) >= len(decisions) else None

        found = await eventually(all_stored, what=f"{len(decisions)} decisions stored and acknowledged", within=90)
    assert sorted(found) == sorted(f"decisions/{each}" for each in decisions)
    code, out, err = await audit.run("audit", "verify")
    assert (code, err) == (0, "")
    assert f"{len(decisions)} decisions" in out.replace("\u202f", "").replace(",", "")


async def test_what_goes_through_a_gateway_is_found_by_the_service_and_by_commands(
    world: World, made: Callable[[], AuditProcess]
) -> None:
    audit, load = made(), Load(world)
    audit.start()
    await audit.until_it_is("SERVING")
    for number in range(20):
        await load.call(f"contacts/c{number}")
    await reconciled(world, audit, load.decisions)
    listed = await audit.run("decisions", "list", "agent = sales-bot", "--json", "--count", "50")
    explained = await audit.run("explain", load.decisions[3])

    assert (listed[0], listed[2], len(listed[1].splitlines())) == (0, "", 20)
    assert explained[0] == 0
    assert (await audit.health(""), audit.stop()) == ("SERVING", 0)


@pytest.mark.integration
async def test_a_service_that_is_killed_under_load_loses_nothing_and_stores_nothing_twice(
    world: World, made: Callable[[], AuditProcess]
) -> None:
    audit, load = made(), Load(world)
    async with load.running():
        for _ in range(4):
            audit.start()
            await audit.until_it_is("SERVING")
            await load.more(300)
            audit.kill()
            await load.more(50)
        audit.start()
        await audit.until_it_is("SERVING")
    await reconciled(world, audit, load.decisions)


@contextlib.contextmanager
def away(database: PostgresProcess) -> Iterator[None]:
    """The server is gone."""
    database.kill()
    yield
    database.start()


@contextlib.contextmanager
def read_only(database: PostgresProcess) -> Iterator[None]:
    """The server refuses whatever would change something, to whoever is connected and to who will be."""
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pilote-audit'"
    database.execute("ALTER DATABASE postgres SET default_transaction_read_only = on", ended)
    yield
    database.execute("SET default_transaction_read_only = off", "ALTER DATABASE postgres RESET ALL")


@contextlib.contextmanager
def frozen(database: PostgresProcess) -> Iterator[None]:
    """The server neither answers nor fails."""
    database.freeze()
    yield
    database.thaw()


@pytest.mark.integration
@pytest.mark.parametrize("hurt", [away, read_only, frozen])
async def test_a_database_that_refuses_is_said_nothing_is_acknowledged_and_all_is_stored_later(
    world: World,
    made: Callable[[], AuditProcess],
    database: PostgresProcess,
    hurt: Callable[[PostgresProcess], contextlib.AbstractContextManager[None]],
) -> None:
    audit, load = made(), Load(world)
    audit.start()
    await audit.until_it_is("SERVING")
    async with load.running():
        await load.more(100)
        await until_at_least(audit, "pilote_audit_entries_total", 100)
        assert await audit.metric("pilote_audit_failing") == 0
        with hurt(database):
            await audit.until_it_is("NOT_SERVING")
            before = len(load.decisions)
            await load.more(100)

            if hurt is not frozen:  # else the writer waits, and counts nothing
                await until_at_least(audit, "pilote_stream_lag", 100)
            failing, alive, waits = (
                await audit.metric("pilote_audit_failing"),
                await audit.health(""),
                await owed(world),
            )
            found = (1, "", "") if hurt is frozen else await audit.run("decisions", "list", "--count", "1")
        await load.more(100)
        await audit.until_it_is("SERVING")
    await reconciled(world, audit, load.decisions)
    said = "neither answers nor fails" if hurt is frozen else "decisions wait in their streams"
    warned = [each for each in audit.said() if said in str(each)]

    assert (failing, alive) == (1, "SERVING")
    assert waits >= len(load.decisions[before : before + 100])
    # One that only reads answers what it has: a line of headings, and one decision.
    assert (found[0], len(found[1].splitlines())) == ((0, 2) if hurt is read_only else (1, 0))
    assert [each["level"] for each in warned] == ["WARNING"]
    assert hurt is frozen or any("decisions are being stored again" in str(each) for each in audit.said())
    assert await audit.metric("pilote_audit_failing") == 0
    assert audit.stop() == 0


@pytest.mark.integration
async def test_of_two_services_on_one_database_either_does_the_work_of_one_that_is_killed(
    world: World, made: Callable[[], AuditProcess], database: PostgresProcess
) -> None:
    first, load = made(), Load(world)
    first.start()
    await first.until_it_is("SERVING")
    second = made()
    second.start()
    await second.until_it_is("SERVING")
    async with load.running():
        await load.more(500)
        while not all([await each.metric("pilote_audit_entries_total") for each in (first, second)]):  # both store
            await load.more(100)
        first.kill()
        await load.more(300)
    await reconciled(world, second, load.decisions)
    assert [each for each in second.said() if each["level"] == "ERROR"] == []
    with psycopg.connect(database.url()) as connection:
        notes = [note for (note,) in connection.execute("SELECT note FROM checkpoint")]
    assert len({note.splitlines()[0] for note in notes}) == 1
    assert second.stop() == 0


async def test_every_command_works_on_what_the_service_keeps_in_its_database(
    world: World, made: Callable[[], AuditProcess], database: PostgresProcess, tmp_path: Path
) -> None:
    audit, load, file = made(), Load(world), tmp_path / "all.jsonl"
    audit.start()
    await audit.until_it_is("SERVING")
    for _ in range(3):
        await load.call("contacts/c1")
    await reconciled(world, audit, load.decisions)
    key = (await audit.run("audit", "key"))[1].strip()
    there: dict[str, Any] = {
        "PILOTE_AUDIT_URL": database.url(database.new_database()),
        "PILOTE_HOME": str(tmp_path / "there"),
    }
    french: dict[str, Any] = {"PILOTE_LANG": "fr"}

    async def say(*arguments: str, wanted: str, code: int = 0, **settings: Any) -> None:
        done = await audit.run(*arguments, **settings)
        assert (done[0], wanted in " ".join((done[1] + done[2]).split())) == (code, True), done

    await say("audit", "export", str(file), wanted="3")
    await say("audit", "export", str(tmp_path / "all.csv"), wanted="3", **french)
    await say("verify", str(file), "--key", key, wanted="3")
    await say("audit", "checkpoint", str(tmp_path / "note"), wanted="note")
    await say("audit", "import", str(file), "--key", key, wanted="to the last hash", **there)
    await say("audit", "import", str(file), "--key", key, wanted="name an empty one", code=2, **there)
    await say("audit", "import", str(file), "--key", key, wanted="nommez-en une vide", code=2, **there, **french)
    await say("audit", "verify", "--key", key, wanted="Good: 3 decisions", **there)
    await say("audit", "stats", wanted="decisions: 3")
    await say("erase", "contacts/c1", "--reason", "asked us to", wanted="contacts/c1")
    await say("audit", "notes", wanted="asked us to")
    await say("audit", "notes", wanted="asked us to", **french)
    await say("audit", "rewrap", wanted="keys are wrapped")
    await say("audit", "verify", wanted="Conforme : 3 décisions", **french)


@pytest.mark.integration
def test_pilote_up_and_the_demonstration_keep_their_decisions_in_the_database(
    database: PostgresProcess, tmp_path: Path
) -> None:
    settings = {**_listens(), "PILOTE_AUDIT_URL": database.url(), "PILOTE_METRICS_LISTEN": "off"}
    for _ in range(2):  # each begins with an empty home, and a database that the one before has left
        done = _run("demo", "--exit", "--contacts", "20", home=tmp_path, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
    verified = _run("audit", "verify", home=tmp_path, **settings)
    with psycopg.connect(database.url()) as connection:
        notes = {note.splitlines()[0] for (note,) in connection.execute("SELECT note FROM checkpoint")}

    assert (verified.returncode, verified.stdout[:6], len(notes)) == (0, "Good: ", 1), verified
    assert not list((tmp_path / "demo" / "audit").glob("*.sqlite"))
