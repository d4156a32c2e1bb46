"""What days of KPIs cost: working them out of a million contacts, and answering for a quarter of them.

`python -m loadtests.kpis` writes a quarter of contacts into the columns that `pilote insights` keeps, works its days
out for the first time and again, and asks for the quarter as `/v1/kpis` does. Then somebody logs in at a control plane
on that store, in this process, and opens the pages *Cockpit*, by each dimension, and *Objectives* over HTTP.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import argon2
import duckdb
import msgspec
from redis.exceptions import RedisError

from gateway import redis_clients
from gateway.activation.loading import canonical, load
from gateway.adapters.progress import ObjectiveStore
from gateway.adapters.revisions import Published, RevisionStore
from gateway.core.progress import GuardrailLook, Progress
from gateway.redis_clients import Client
from gateway.rpc.serving import collect_rarely
from loadtests import console
from services import redis_server
from services.cockpit.days import DAY_MS
from services.cockpit.dimensions import DIMENSIONS
from services.cockpit.standing import Aims
from services.cockpit.store import KpiStore
from services.cockpit.viewing import Span, date_of, view
from services.control.findings.kpis import shown
from services.control.options import Options
from services.control.server import running
from services.workbench.columns.database import FILE, Columns
from services.workbench.kpis.keeping import KpiKeeper

RESULT: Final = Path(".bench/kpis.json")
LONGEST_MS: Final = 300.0
"""Within which a dashboard answers."""
DAYS: Final = 91
FIRST: Final = 20_600
CUSTOMERS: Final = 200_000
ASKED: Final = 40
OBJECTIVES: Final = 40
_DRAWN: Final = "CREATE TEMP MACRO drawn(n, seed, most) AS CAST(hash(n, seed) % most AS BIGINT)"
_ADMITTED: Final = f"""INSERT INTO admitted BY NAME SELECT n AS leaf, CAST(md5(n::VARCHAR) AS UUID) AS id,
  {FIRST * DAY_MS} + CAST(n * {DAYS * DAY_MS}::HUGEINT // $n AS BIGINT) AS at_ms, {(FIRST + 400) * DAY_MS} AS until_ms,
  'acme' AS tenant, 'agent-' || drawn(n, 1, 8) AS agent, '' AS agent_version, 'score/' || drawn(n, 2, 3) AS led_by,
  'CONTACT' AS operation, CAST(md5('c' || customer) AS UUID) AS subject,
  ['email', 'sms', 'push', 'letter'][1 + drawn(n, 3, 4)] AS channel, 'marketing' AS category,
  'campaign-' || drawn(n, 4, 12) AS campaign, 'objective-' || drawn(n, 4, 3) AS objective,
  CASE WHEN held OR refused THEN 'DENY' ELSE 'ALLOW' END AS verdict,
  CASE WHEN held THEN 'HELD_OUT' WHEN refused THEN 'CAP_EXCEEDED' ELSE '' END AS reason,
  'rule-' || drawn(n, 5, 30) AS rule, held AS held_out, true AS weighed, false AS repeats, false AS standby
 FROM (SELECT range AS n, drawn(range, 6, {CUSTOMERS}) AS customer, customer % 20 = 0 AS held,
  drawn(range, 7, 10) = 0 AS refused FROM range($n))"""  # noqa: S608 - our own numbers
_SETTLED: Final = """INSERT INTO settled BY NAME SELECT leaf, id, at_ms, 'OK' AS status, false AS in_doubt,
  false AS gave_back FROM admitted WHERE verdict = 'ALLOW'"""
_FOLLOWED: Final = """INSERT INTO followed BY NAME SELECT leaf, id, 'acme' AS tenant,
  at_ms + drawn(leaf, 8, 864000000) AS at_ms,
  at_ms + 864000000 AS reported_ms, type, CASE WHEN type = 'answered' THEN 'nps' ELSE '' END AS question,
  CASE WHEN type = 'answered' THEN (drawn(leaf, 9, 11))::VARCHAR ELSE '' END AS answer,
  CASE WHEN type = 'converted' THEN 500 + drawn(leaf, 10, 20000) ELSE 0 END AS revenue_cents,
  CASE WHEN type = 'converted' THEN 'EUR' ELSE '' END AS currency
 FROM (SELECT *, ['clicked', 'converted', 'answered', 'unsubscribed'][1 + drawn(leaf, 11, 4)] AS type FROM admitted
  WHERE verdict = 'ALLOW' OR held_out) WHERE drawn(leaf, 12, 5) = 0"""


async def nobody(_tenant: str, people: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Ten segments, by pseudonym."""
    return {each: (f"segment-{int(each[:4], 16) % 10}",) for each in people}


async def measure(home: Path, decisions: int, *, times: int) -> dict[str, Any]:
    """All figures of one run."""
    Columns(home / "insights").close()
    with duckdb.connect(str(home / "insights" / FILE)) as engine:
        engine.execute(_DRAWN)
        engine.execute(_ADMITTED, {"n": decisions})
        engine.execute(_SETTLED)
        engine.execute(_FOLLOWED)
    columns = Columns(home / "insights")
    server = await asyncio.create_subprocess_exec(
        *redis_server.command(home, append_only=False), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with await _answering(redis_server.url_of(home)) as redis:
            found = await _worked_out(columns, redis) | await _asked(KpiStore(redis))
            found["pages"] = await _pages(redis, redis_server.url_of(home), times)
            found["stored_kb"] = (await redis.info("memory"))["used_memory"] // 1024
    finally:
        columns.close()
        server.terminate()
        await server.wait()
    return {"decisions": decisions, "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} | found


async def _pages(redis: Client, url: str, times: int) -> dict[str, dict[str, float]]:
    """What pages take, from the request to the last byte, without what a browser loads besides."""
    await _stated(redis)
    options = Options(
        listen="127.0.0.1:0",
        redis_url=url,
        audit="127.0.0.1:1",  # none of these pages asks it
        pseudonym_key=console.KEY,
        control_keys=(console.KEY,),
        hashing=argon2.profiles.CHEAPEST,
        drain_seconds=1.0,
    )
    first, last = (date_of(day) for day in (FIRST, FIRST + DAYS - 1))
    paths = {f"cockpit by {by}": f"/cockpit?from={first}&to={last}&by={by}" for by in DIMENSIONS}
    found = {}
    async with running(options) as port:
        at = f"http://127.0.0.1:{port}"
        browser = await console.logged_in(redis, at)
        collect_rarely()
        for name, path in (paths | {"objectives": "/objectives"}).items():
            found[name] = await asyncio.to_thread(console.opened, browser, at + path, times, part="pages")
    return found


async def _stated(redis: Client) -> None:
    """Make a policy active that states the objectives of these contacts, and say how each of them stands."""
    period = {"first": date_of(FIRST), "last": date_of(FIRST + DAYS - 1)}
    guardrails: list[dict[str, Any]] = [
        {"measure": "opt_out_rate", "most": 0.05},
        {"measure": "complaint_rate", "most": 0.01},
    ]
    objectives: list[dict[str, Any]] = [
        {
            "name": f"objective-{number}",
            "tenant": "acme",
            "campaign": f"campaign-{number}",
            "kpi": "conversion_rate",
            "target": 0.05,
            "period": period,
            "guardrails": guardrails,
        }
        for number in range(OBJECTIVES)
    ]
    revision = await asyncio.to_thread(load, console.policy() | {"objectives": objectives})
    document = msgspec.Raw(canonical(revision.document))
    created_ms = time.time_ns() // 1_000_000
    await RevisionStore(redis).publish(
        Published(sha256=revision.sha256, author="", created_ms=created_ms, document=document)
    )
    looks = tuple(
        GuardrailLook(measure=each["measure"], value=0.002, low=0.001, high=0.003, n=9_000) for each in guardrails
    )
    standing = Progress(at_ms=created_ms, value=0.03, low=0.02, high=0.04, n=9_000, contacts=9_000, guardrails=looks)
    await ObjectiveStore(redis).put("acme", {each["name"]: standing for each in objectives})


async def _answering(url: str) -> Client:
    """A connection to a store that was just started."""
    while True:
        try:
            return await redis_clients.connected(url)
        except (RedisError, OSError):
            await asyncio.sleep(0.05)


async def _worked_out(columns: Columns, redis: Client) -> dict[str, Any]:
    async def wanted() -> Aims:
        return Aims()

    keeper, found = KpiKeeper(redis, belonging=nobody, wanted=wanted), {}
    for name in ("first", "again"):
        began, before = time.perf_counter(), time.process_time()
        days = await keeper.keep(columns, now_ms=(FIRST + DAYS) * DAY_MS)
        found[name] = {
            "days": days,
            "seconds": round(time.perf_counter() - began, 1),
            "cpu_seconds": round(time.process_time() - before, 1),
        }
    return found


async def _asked(store: KpiStore) -> dict[str, Any]:
    took, cpu = [], []
    span = Span(first=FIRST, last=FIRST + DAYS - 1)
    for number in range(ASKED):
        began, before = time.perf_counter(), time.process_time()
        told = shown(await view(store, "acme", span, by=DIMENSIONS[number % len(DIMENSIONS)]))
        msgspec.json.encode(told)
        took.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - before) * 1000)
    return {
        "quarter_p50_ms": round(statistics.median(took), 1),
        "quarter_max_ms": round(max(took), 1),
        "quarter_p50_cpu_ms": round(statistics.median(cpu), 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.kpis", description="What days of KPIs cost.")
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20, help="how often each page is opened")
    parser.add_argument("--strict", action="store_true", help="fail when the budget is missed")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = asyncio.run(measure(Path(name), options.decisions, times=options.times))
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(json.dumps(found) + "\n")
    slowest = max(each["p95_ms"] for each in found["pages"].values())
    return 1 if options.strict and max(slowest, found["quarter_max_ms"]) > LONGEST_MS else 0


if __name__ == "__main__":
    sys.exit(main())
