"""What only PostgreSQL can do, or suffer: it is away, read-only or killed; two write at once; days are partitions."""

import asyncio
import contextlib
import random
import re
import traceback
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeAlias

import grpc
import pytest
from redis.asyncio import Redis

from gateway.core.errors import CallEnded, Reason
from gateway.core.record import CustomerOutcome, Exposure, Record
from gateway.core.shadows import CopyEnd, ShadowResult
from gateway.records.conclusion import State
from pilote.audit.v1 import audit_service_pb2 as pb
from pilote.audit.v1 import audit_service_pb2_grpc
from services.audit.arms import ArmsQuery
from services.audit.entries import Admitted, Copied, Entry, Reported
from services.audit.filters.filter import parse
from services.audit.postgres import lanes, schema
from services.audit.postgres.address import parameters
from services.audit.postgres.partitions import DAY_MS
from services.audit.postgres.rows import page
from services.audit.postgres.store import PostgresStore
from services.audit.proofs.log import Place
from services.audit.server import running
from services.audit.store import DecisionStore
from services.proof.merkle import root_of
from tests import postgres
from tests.e2e.waiting import eventually
from tests.postgres import PostgresProcess
from tests.services.audit.conftest import KEY, NOW_MS, Audit, a_record, a_settlement, admit, an_id, append, settle
from tests.services.audit.kinds import Postgres
from tests.services.audit.test_log import admitted, encode, settled
from tests.services.audit.test_personal import contents
from tests.services.audit.test_writer import _pending, _seen

pytestmark = [
    pytest.mark.skipif(postgres.programs() is None, reason="there is no PostgreSQL here"),
    pytest.mark.one_server,
]

SECRET: Final = "swordfish"
PARTS: Final = """SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
 WHERE i.inhparent = %s::regclass ORDER BY 1"""
Stub: TypeAlias = "audit_service_pb2_grpc.AuditServiceAsyncStub"
"""Known to type checkers only."""


@pytest.fixture
async def database(postgres_process: PostgresProcess) -> AsyncIterator[Postgres]:
    """An empty database."""
    made = Postgres(postgres_process)
    await made.new().close()
    yield made
    made.close()


@pytest.fixture
async def own_store(own_postgres: PostgresProcess) -> AsyncIterator[PostgresStore]:
    """An empty store on a server that the test may hurt."""
    store = PostgresStore(own_postgres.url(), lock_ms=20)
    yield store
    await store.close()


def of(record: Record) -> Admitted:
    outcome = admitted(0).outcome
    return Admitted(record, outcome, encode(record), encode(outcome))


def names(database: Postgres, table: str = "decision") -> list[str]:
    """The partitions of a table, without the default one."""
    with lanes.connected(parameters(database.url)) as connection:
        found = [name for (name,) in connection.execute(PARTS, (table,))]
    return [name.removeprefix(f"{table}_") for name in found if name != f"{table}_other"]


async def whole(store: DecisionStore) -> int:
    """How many entries the log has, once it is proved that all of them are kept, and hashed in their order."""
    size = await store.log.size()
    places = await store.log.places(0, end=size)
    assert all(place.leaf is not None and place.leaf.hash == place.hash for place in places)
    assert await store.log.root(size) == root_of([place.hash for place in places])
    return size


async def test_nothing_is_lost_or_doubled_when_the_server_is_killed_in_the_middle(
    redis: Redis, redis_url: str, own_postgres: PostgresProcess, own_store: PostgresStore
) -> None:
    audit, stop = Audit(redis, redis_url, own_store), asyncio.Event()
    with audit.tails.follow() as tail:
        async with asyncio.TaskGroup() as group:
            group.create_task(audit.writer().run(stop))
            await append(redis, *(e for n in range(3_000) for e in (admit(a_record(n)), settle(a_settlement(n)))))
            seen = await _seen(tail, 200)
            for _ in range(2):
                own_postgres.kill()
                with pytest.raises(CallEnded) as away:
                    await own_store.count()
                own_postgres.start()
                seen = await _seen(tail, len(seen) + 300, before=seen)
            more = range(3_000, 3_200)
            await append(redis, *(entry for n in more for entry in (settle(a_settlement(n)), admit(a_record(n)))))
            async with asyncio.timeout(60):
                while await _pending(redis) or await _count(own_store) < 3_200:
                    pass  # a batch whose answer was lost is told to nobody
            stop.set()
    await audit.catch_up()
    states = {found.conclusion.state for n in range(3_200) if (found := await own_store.get(an_id(n), now_ms=NOW_MS))}
    (counted,) = await own_store.counts("acme", start_ms=0, end_ms=1 << 53)

    assert away.value.reason is Reason.STORE_UNAVAILABLE
    assert (await own_store.count(), states, await _pending(redis)) == (3_200, {State.SETTLED}, 0)
    assert (await whole(own_store), counted.decisions) == (6_400, 3_200)


async def _count(store: PostgresStore) -> int:
    try:
        return await store.count()
    except CallEnded:
        return 0


async def test_a_restarted_server_is_asked_again_and_nobody_notices(
    own_postgres: PostgresProcess, own_store: PostgresStore
) -> None:
    await own_store.write([admitted(0)])
    before = await own_store.get(an_id(0), now_ms=NOW_MS), await own_store.count()
    own_postgres.kill()
    own_postgres.start()

    assert (await own_store.get(an_id(0), now_ms=NOW_MS), await own_store.count()) == before
    with pytest.raises(CallEnded):  # whether the batch was stored nobody can know, so the writer must take it again
        await own_store.write([admitted(1)])
    await own_store.write([admitted(1)])
    assert await own_store.count() == 2


async def test_a_server_that_only_reads_stores_nothing_and_still_answers(
    own_postgres: PostgresProcess, own_store: PostgresStore
) -> None:
    await own_store.write([admitted(0)])
    own_postgres.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    own_postgres.kill()
    own_postgres.start()
    for _ in range(2):
        with pytest.raises(CallEnded) as refused:
            await own_store.write([admitted(1), settled(0)])
        assert refused.value.reason is Reason.STORE_UNAVAILABLE
    query = ArmsQuery(tenant="acme", kind="route", name="", start_ms=0, end_ms=1, measures=("click_rate",))
    answers = await own_store.get(an_id(0), now_ms=NOW_MS), await own_store.arms(query)
    own_postgres.execute("SET default_transaction_read_only = off", "ALTER DATABASE postgres RESET ALL")
    await own_store.write([admitted(1), settled(0)])

    assert answers[0] is not None
    assert await own_store.count() == 2


@pytest.mark.parametrize("place", ["127.0.0.1:1/pilote", "/pilote?host=/nowhere"])
async def test_a_server_that_cannot_be_reached_is_said_without_its_password_or_place(place: str) -> None:
    store = PostgresStore(f"postgresql://pilote:{SECRET}@{place}")
    with pytest.raises(CallEnded) as ended:
        await store.write([admitted(0)])
    await store.close()

    assert (ended.value.reason, ended.value.message) == (
        *(Reason.STORE_UNAVAILABLE, "The decision store does not answer."),
    )
    assert SECRET not in f"{ended.value} {ended.value.__cause__}"


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://pilote:{SECRET}@db/pilote",
        f"postgresql://pilote:{SECRET}/x@db/pilote",
        f"postgresql://pilote:x@db:{SECRET}/pilote",
        f"postgresql://pilote@db/pilote?{SECRET}=1",
        f"postgresql://pilote:%{SECRET}@db/pilote",
        f"host=db password={SECRET}",
    ],
)
def test_a_url_with_a_mistake_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="postgresql://ROLE@HOST") as refused:
        PostgresStore(url)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://pilote@db.example.com/pilote", "verify-full"),
        ("postgresql://pilote@127.0.0.1,db.example.com/pilote", "verify-full"),
        ("postgresql://pilote@db.example.com/pilote?sslmode=require", "require"),
        ("postgresql://pilote@127.0.0.1/pilote", None),
        ("postgresql://pilote@/pilote?host=/run/postgresql", None),
        ("postgresql:///pilote", None),
    ],
)
def test_what_leaves_the_machine_is_encrypted_unless_the_url_says_otherwise(url: str, mode: str | None) -> None:
    assert parameters(url).get("sslmode") == mode


async def test_two_writers_at_once_store_everything_once(database: Postgres) -> None:
    rng = random.Random(0)  # noqa: S311
    everything: list[Entry] = [entry for n in range(1_000) for entry in (admitted(n), settled(n))]
    stores = [PostgresStore(database.url, lock_ms=60_000) for _ in range(2)]  # see test_shared_tails

    async def write(store: PostgresStore) -> list[str]:
        mine = rng.sample(everything, len(everything))
        return [each for start in range(0, len(mine), 90) for each in await store.write(mine[start : start + 90])]

    told = [each for changed in await asyncio.gather(*map(write, stores)) for each in changed]
    (counted,) = await stores[0].counts("acme", start_ms=0, end_ms=1 << 53)

    assert (await stores[0].count(), counted.decisions, await whole(stores[1])) == (1_000, 1_000, 2_000)
    assert set(told) == {an_id(n) for n in range(1_000)}
    assert len(told) <= 2_000  # once when it is admitted, and once when it ends
    for store in stores:
        await store.close()


async def test_of_many_who_open_an_empty_database_one_makes_its_tables(own_postgres: PostgresProcess) -> None:
    def open_it() -> None:
        with lanes.connected(parameters(own_postgres.url())) as connection:
            schema.bring_up_to_date(connection)

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(open_it) for _ in range(8)]:
            done.result()
    with lanes.connected(parameters(own_postgres.url())) as connection:
        steps = connection.execute("SELECT number FROM schema_step ORDER BY number").fetchall()

    assert steps == [(number,) for number in range(1, len(schema.steps()) + 1)]


async def test_a_database_of_a_newer_version_is_not_touched(database: Postgres) -> None:
    with lanes.connected(parameters(database.url)) as connection:
        connection.execute("INSERT INTO schema_step (number) VALUES (99)")
    store = PostgresStore(database.url)
    with pytest.raises(CallEnded, match="newer version"):
        await store.write([admitted(0)])
    with pytest.raises(CallEnded, match="newer version"):
        await store.count()
    await store.close()


async def test_a_database_that_cannot_hold_every_text_is_refused(own_postgres: PostgresProcess) -> None:
    own_postgres.execute("CREATE DATABASE ascii TEMPLATE template0 ENCODING SQL_ASCII LOCALE 'C' LOCALE_PROVIDER libc")
    store = PostgresStore(own_postgres.url("ascii"))
    with pytest.raises(CallEnded, match="ENCODING 'UTF8'"):
        await store.write([admitted(0)])
    await store.close()


async def test_decisions_lie_in_a_partition_of_their_day_and_late_ones_get_theirs(database: Postgres) -> None:
    store = PostgresStore(database.url)
    await store.write([admitted(0)])
    first = names(database)
    await store.write([of(a_record(id=an_id(1, at_ms=NOW_MS - 3 * DAY_MS), received_ms=NOW_MS - 3 * DAY_MS))])
    await store.close()

    assert first == ["20261124", "20261125"]  # the next day's is made ahead
    assert names(database) == names(database, "decision_rule") == ["20261121", "20261122", "20261124", "20261125"]
    with lanes.connected(parameters(database.url)) as connection:
        assert connection.execute("SELECT count(*) FROM decision_other").fetchone() == (0,)


async def test_what_has_no_partition_is_kept_and_moves_once_there_is_one(database: Postgres) -> None:
    store = PostgresStore(database.url)
    # An id that is not of the time of its call makes no partitions: else anybody could make thousands.
    strange = [of(a_record(id=an_id(n, at_ms=NOW_MS + n * DAY_MS))) for n in range(2, 400)]
    await store.write(strange)
    before = names(database)
    await store.write([of(a_record(id=an_id(7, at_ms=NOW_MS + 5 * DAY_MS), received_ms=NOW_MS + 5 * DAY_MS))])
    found = await store.page(parse(""), now_ms=NOW_MS, before="", size=1_000)
    await store.close()

    assert (before, names(database)) == ([], ["20261129", "20261130"])
    assert [each.record.id for each in found] == sorted((each.record.id for each in found), reverse=True)
    assert len(found) == len(strange) + 1
    with lanes.connected(parameters(database.url)) as connection:
        assert connection.execute("SELECT count(*) FROM decision_20261129").fetchone() == (2,)


async def test_somebody_who_reads_for_long_keeps_nothing_from_being_stored(database: Postgres) -> None:
    store = PostgresStore(database.url, lock_ms=20)
    with lanes.connected(parameters(database.url)) as connection, connection.transaction():
        connection.execute("SELECT * FROM decision")
        await store.write([admitted(0)])
        during = await store.count(), names(database)
    await store.write([admitted(1)])

    assert during == (1, [])
    assert (await store.count(), names(database)) == (2, ["20261124", "20261125"])
    await store.close()


async def test_a_question_about_one_day_reads_that_day_alone(database: Postgres) -> None:
    store, days = PostgresStore(database.url), [NOW_MS + n * DAY_MS for n in range(10)]
    await store.write([of(a_record(id=an_id(0, at_ms=day), received_ms=day, rule="r")) for day in days])
    await store.close()
    between = "receive_time >= 2026-11-26T00:00:00Z receive_time < 2026-11-27T00:00:00Z"
    plans = []
    with lanes.connected(parameters(database.url)) as connection:
        for text in ("", "rule = r ", "agent = sales-bot "):
            query = page(parse(text + between), now_ms=NOW_MS, span=("", ""), size=10, skew_ms=0)
            rows = connection.execute(f"EXPLAIN {query.text}".encode(), query.parameters)
            plans.append("\n".join(line for (line,) in rows))

    assert len(plans) == 3
    for plan in plans:
        assert "20261126" in plan
        assert "20261125" not in plan
        assert "20261128" not in plan


async def test_pages_over_many_days_show_every_decision_once(database: Postgres) -> None:
    store, days = PostgresStore(database.url), [NOW_MS + n * DAY_MS for n in range(0, 60, 3)]
    records = [a_record(id=an_id(n, at_ms=day), received_ms=day, rule=f"r{n % 3}") for day in days for n in range(5)]
    strange = [a_record(id=an_id(n, at_ms=NOW_MS - n * DAY_MS), received_ms=NOW_MS) for n in range(90, 95)]
    await store.write([of(record) for record in (*records, *strange)])
    for text in ("", "rule = r1", "rule = nothing"):
        shown: list[str] = []
        while page := await store.page(parse(text), now_ms=NOW_MS, before=shown[-1] if shown else "", size=7):
            shown += [each.record.id for each in page]
        wanted = [each for each in (*records, *strange) if not text or text.endswith(f" {each.rule}")]
        assert shown == sorted((each.id for each in wanted), reverse=True)
    await store.close()


async def test_a_day_goes_once_all_of_it_is_over_and_what_is_kept_for_less_goes_before(database: Postgres) -> None:
    store = PostgresStore(database.url)
    kept = [of(a_record(n, route="crm", rule="r", keep_days=days)) for n, days in enumerate((1, 30, 30, 0, 1 << 45))]
    await store.write(kept[:3])
    size, root = await store.log.size(), await store.log.root(3)

    async def left(days: int) -> tuple[int, list[str]]:
        await store.tend(now_ms=NOW_MS + days * DAY_MS)
        return await store.count(), names(database)

    seen = [await left(days) for days in (0, 1, 2, 29, 31)]
    (counted,) = await store.counts("acme", start_ms=0, end_ms=1 << 53)
    places = await store.log.places(0, end=size)
    await store.write(kept[3:])  # late ones make their partition anew
    later = [await left(days) for days in (182, 184, 100_000)]
    await store.close()

    assert seen == [
        *((3, ["20261124", "20261125"]), (2, ["20261124", "20261125"]), (2, ["20261124", "20261125"])),
        *((2, ["20261124"]), (0, [])),
    ]
    assert later == [(2, ["20261124"]), (1, ["20261124"]), (1, ["20261124"])]
    assert (counted.decisions, root_over(places)) == (3, root)
    assert [place.leaf for place in places] == [None] * 3


def root_over(places: Sequence[Place]) -> bytes:
    return root_of([place.hash for place in places])


async def test_a_day_that_somebody_reads_stays_until_the_next_time(database: Postgres) -> None:
    store = PostgresStore(database.url)
    await store.write([of(a_record(0, keep_days=1))])
    with lanes.connected(parameters(database.url)) as connection, connection.transaction():
        connection.execute("SELECT * FROM decision")
        await store.tend(now_ms=NOW_MS + 10 * DAY_MS)
        during = await store.count(), names(database)[0]
    await store.tend(now_ms=NOW_MS + 11 * DAY_MS)

    assert during == (0, "20261124")  # it is not shown any more, whatever becomes of its partition
    assert names(database) == []
    await store.close()


NUL: Final = "a\0b"
LONG: Final = random.Random(1).randbytes(4_000).hex()  # noqa: S311


@pytest.mark.parametrize("text", [NUL, LONG, "é" * 3_000, "\U0001f600" * 200])
async def test_no_text_whatever_keeps_an_entry_from_being_stored(database: Postgres, text: str) -> None:
    store = PostgresStore(database.url)
    strange: dict[str, Any] = dict.fromkeys(
        ("tenant", "agent", "method", "subject_ref", "channel", "model", "version", "route", "arm", "rule", "reason"),
        text,
    )
    record = a_record(**strange, topics=(text,), citation=text, exposures=(Exposure(text, text),))
    told = CustomerOutcome(
        *(), decision=an_id(0), type=text, event=text, reporter=text, occurred_ms=NOW_MS, reported_ms=NOW_MS
    )
    copy = ShadowResult(
        id=an_id(0), kind="shadow", received_ms=NOW_MS, route=text, arm=text, upstream=text, end=CopyEnd.AGREED
    )
    entries: list[Entry] = [of(record), of(a_record(1)), Reported(told, text, encode(told))]
    await store.write([*entries, Copied(copy, encode(copy), text)])
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    wanted = [f"agent = {quoted}", f"topic = {quoted}", f"rule = {quoted}"] if len(quoted) < 4_000 else ["topic:*"]
    found = [await store.page(parse(each), now_ms=NOW_MS, before="", size=5) for each in wanted]
    (arm,) = await store.arms(ArmsQuery(tenant=text, kind="route", name=text, start_ms=0, end_ms=1 << 53, measures=()))

    assert [[each.record for each in page] for page in found] == [[record]] * len(wanted)
    assert (arm.calls, await whole(store)) == (1, 4)
    await store.close()


async def test_the_service_waits_for_its_database_and_goes_on_once_it_is_there(
    redis_url: str, redis: Redis, tmp_path: Path, own_postgres: PostgresProcess
) -> None:
    own_postgres.kill()
    async with (
        running(
            listen="127.0.0.1:0",
            redis_url=redis_url,
            home=tmp_path,
            store_url=own_postgres.url(),
            pseudonym_key=KEY,
            drain_seconds=1,
        ) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub: Stub = audit_service_pb2_grpc.AuditServiceStub(channel)
        await append(redis, admit(a_record()))
        asked = pb.GetDecisionRequest(name=f"decisions/{an_id(0)}")
        away = []
        for call in (stub.GetDecision(asked), stub.TailDecisions(pb.TailDecisionsRequest()).read()):
            with pytest.raises(grpc.aio.AioRpcError) as ended:
                await call
            away.append((ended.value.code().name, ended.value.details()))
        own_postgres.start()

        async def stored() -> str | None:
            with contextlib.suppress(grpc.aio.AioRpcError):
                return str((await stub.GetDecision(asked)).decision.name)
            return None

        got = await eventually(stored, what="it goes on")

    assert away == [("UNAVAILABLE", "The decision store does not answer.")] * 2
    assert got == asked.name
    assert [name for name in contents(tmp_path) if name.endswith(".sqlite")] == []


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ('subject_ref = "s-7"', "subject_ref_id"),
        ('subject_ref = "s-7" receive_time < 2026-11-24T11:00:00Z', "subject_ref_id"),
        ('rule = "r-7"', "decision_rule_20261124_pkey"),
        (
            'rule = "r-7" verdict = DENY latency > 200ms subject_ref = "s-7"',
            "(subject_ref_id|decision_rule_20261124_pkey)",
        ),
        ('model_version = "v-7"', "version_id"),
        ('agent = "a-7"', "agent_id"),
        ("verdict = HOLD", "verdict_id"),
        (f'trace_id = "{7:032x}"', "trace_id"),
        ('subject_ref = "s-7" OR agent = "a-7"', "agent_id"),
        ("receive_time < 2026-11-24T10:00:01Z", "decision_20261124_pkey"),
        ("seldom", "string_to_array"),
    ],
)
async def test_what_people_ask_for_is_found_by_an_index(database: Postgres, text: str, index: str) -> None:
    store = PostgresStore(database.url)
    names = [{"subject_ref": f"s-{n}", "rule": f"r-{n}", "version": f"v-{n}", "agent": f"a-{n}"} for n in range(3_000)]
    said = ["often"] * 2_999 + ["seldom"]
    await store.write([of(a_record(n, **names[n], message=said[n], trace_id=f"{n:032x}")) for n in range(3_000)])
    await store.close()
    query = page(parse(text), now_ms=NOW_MS, span=("", ""), size=50, skew_ms=0)
    with lanes.connected(parameters(database.url)) as connection:
        connection.execute("VACUUM ANALYZE")  # as the server does by itself
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {query.text}".encode(), query.parameters))

    assert re.search(index, plan), plan
    assert "Seq Scan on decision_20261124" not in plan
    assert "Seq Scan on decision_rule_20261124" not in plan
