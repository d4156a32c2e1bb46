"""What questions about a million decisions cost, hot and cold: part of `make bench`, or `python -m loadtests.audit`.

Decisions of two days are written to an embedded store as the writer does, in batches of 500; then questions are asked
one after the other, first of SQLite's files, then of nothing but Parquet. Each question asks for the first page of 50.
With `--url` the same is written to a database of PostgreSQL, which must be empty, and asked of it.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from gateway.core.record import Outcome, Record, RuleLook, Settlement, Verdict, decision_id
from services.audit.entries import Admitted, Entry, Settled
from services.audit.filters.filter import parse
from services.audit.postgres.store import PostgresStore
from services.audit.sqlite.segments.hours import HOUR_MS
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.audit.store import DecisionStore

RESULT: Final = Path(".bench/audit.json")
LONGEST_MS: Final = 100.0
"""Budget of the 95th percentile."""
BUDGETED: Final = ("customer", "rule", "frequent rule", "version", "rare version", "time", "customer and time")
"""Free text in hours that are cold reads all of them."""
PARTS: Final = ("hot", "cold", "database")
"""Where what is asked lies."""
BATCH: Final = 500
PAGE: Final = 50
SPAN_MS: Final = 48 * HOUR_MS
START_MS: Final = 1_795_500_000_000
CUSTOMERS: Final = 50_000
_encode: Final = msgspec.json.encode
_GRANTED: Final = Outcome(granted=True)


def _entries(number: int, *, of: int, draw: random.Random) -> tuple[Entry, Entry]:
    """One decision and its end; one of a thousand is refused by a rare rule."""
    at_ms = START_MS + number * SPAN_MS // of
    rare, version = draw.random() < 0.001, f"score@{draw.randrange(12)}"
    rule = f"rare-{draw.randrange(20)}" if rare else f"allow-{draw.randrange(8)}"
    record = Record(
        id=decision_id(now_ms=at_ms, random=draw.randbytes(10)),
        received_ms=at_ms,
        decided_ms=at_ms + 1,
        verdict=Verdict.DENY if rare else Verdict.ALLOW,
        reason="POLICY_DENIED" if rare else "",
        message="This customer has objected to being written to." if rare else "",
        rule=rule,
        rules=(RuleLook(rule, "deny" if rare else "allow"), RuleLook("quiet-hours", "deny", "monitor")),
        tenant="acme",
        agent=f"agent-{draw.randrange(40)}",
        method="/pilote.crm.v1.MessageService/SendMessage",
        operation="CONTACT",
        subject_ref=f"{draw.randrange(CUSTOMERS):032x}",
        version=version if draw.random() < 0.999 else f"canary@{draw.randrange(10)}",
        route="crm",
        arm="main",
        revision=7,
        trace_id=draw.randbytes(16).hex(),
        expires_ms=0 if rare else at_ms + 30_000,
    )
    end = Settlement(id=record.id, settled_ms=at_ms + 9, status="OK", total_us=9_000, upstream_us=7_000)
    return Admitted(record, _GRANTED, _encode(record), _encode(_GRANTED)), Settled(end, _encode(end))


def _questions(draw: random.Random) -> dict[str, list[str]]:
    def at() -> str:
        moment = (START_MS + draw.randrange(SPAN_MS)) / 1_000
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))

    return {
        "customer": [f'subject_ref = "{draw.randrange(CUSTOMERS):032x}"' for _ in range(40)],
        "rule": [f'rule = "rare-{draw.randrange(20)}"' for _ in range(40)],
        "frequent rule": [f'rule = "allow-{draw.randrange(8)}"' for _ in range(40)],
        "version": [f'model_version = "score@{draw.randrange(12)}"' for _ in range(40)],
        "rare version": [f'model_version = "canary@{draw.randrange(10)}"' for _ in range(40)],
        "time": [f'receive_time < "{at()}"' for _ in range(40)],
        "words": ["objected written" for _ in range(20)],
        "customer and time": [
            f'subject_ref = "{draw.randrange(CUSTOMERS):032x}" AND receive_time < "{at()}"' for _ in range(40)
        ],
    }


async def filled(store: DecisionStore, decisions: int, *, draw: random.Random) -> float:
    """Write so many decisions; returns how many seconds the store took."""
    wrote, batch = 0.0, list[Entry]()
    for number in range(decisions):
        batch += _entries(number, of=decisions, draw=draw)
        if len(batch) >= BATCH or number + 1 == decisions:
            began = time.perf_counter()
            await store.write(batch)
            wrote, batch = wrote + time.perf_counter() - began, []
    return wrote


async def _asked(store: DecisionStore, questions: dict[str, list[str]], *, now_ms: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, texts in questions.items():
        times = []
        for text in texts:
            began = time.perf_counter()
            await store.page(parse(text), now_ms=now_ms, before="", size=PAGE)
            times.append((time.perf_counter() - began) * 1_000)
        cuts = statistics.quantiles(times, n=20)
        found[kind] = {"p50_ms": round(statistics.median(times), 1), "p95_ms": round(cuts[18], 1)}
    return found


async def measure(home: Path, decisions: int, *, console: Console) -> dict[str, Any]:
    """All figures of one run."""
    draw = random.Random(7)  # noqa: S311 - the same decisions every time
    store = SqliteStore(home, keeping=Keeping(grace_ms=0, hot_ms=HOUR_MS))
    now_ms = START_MS + SPAN_MS + HOUR_MS
    try:
        wrote = await filled(store, decisions, draw=draw)
        console.print(f"{decisions} decisions written: {decisions / wrote:.0f} a second")
        questions = _questions(draw)
        hot = await _asked(store, questions, now_ms=now_ms)
        began = time.perf_counter()
        await store.tend(now_ms=now_ms)
        sealed = time.perf_counter() - began
        for _ in range(2):
            await store.tend(now_ms=now_ms + HOUR_MS)
        cold = await _asked(store, questions, now_ms=now_ms)
    finally:
        await store.close()
    sizes = {
        kind: sum(path.stat().st_size for path in (home / "audit" / "sealed").glob(f"*.{kind}"))
        for kind in ("parquet", "lookup")
    }
    return {
        "decisions": decisions,
        "written_per_s": round(decisions / wrote),
        "sealed_per_s": round(decisions / sealed),
        **{f"{kind}_bytes_each": round(size / decisions) for kind, size in sizes.items()},
        "hot": hot,
        "cold": cold,
    }


async def measure_database(url: str, decisions: int, *, console: Console) -> dict[str, Any]:
    """All figures of one run on a database."""
    draw = random.Random(7)  # noqa: S311 - the same decisions every time
    store = PostgresStore(url)
    try:
        if await store.count():
            sys.exit("The database has decisions already: name an empty one.")
        wrote = await filled(store, decisions, draw=draw)
        console.print(f"{decisions} decisions written: {decisions / wrote:.0f} a second")
        asked = await _asked(store, _questions(draw), now_ms=START_MS + SPAN_MS + HOUR_MS)
    finally:
        await store.close()
    return {"decisions": decisions, "written_per_s": round(decisions / wrote), "database": asked}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.audit", description="What questions about decisions cost.")
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--strict", action="store_true", help="fail when a budget is missed")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    parser.add_argument("--url", default="", help="an empty database of PostgreSQL to measure, instead of files")
    options = parser.parse_args(arguments)
    console = Console()
    if options.url:
        found = asyncio.run(measure_database(options.url, options.decisions, console=console))
    else:
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            found = asyncio.run(measure(Path(name), options.decisions, console=console))
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(found, indent=2) + "\n")
    parts = [part for part in PARTS if part in found]
    columns = [f"{part} {p}" for part in parts for p in ("p50", "p95")]
    table = Table("question", *columns, title="milliseconds, first page of 50")
    for kind in found[parts[0]]:
        table.add_row(kind, *(str(found[part][kind][p]) for part in parts for p in ("p50_ms", "p95_ms")))
    console.print(table)
    console.print({name: value for name, value in found.items() if name not in PARTS})
    slow = [kind for part in parts for kind in BUDGETED if found[part][kind]["p95_ms"] > LONGEST_MS]
    if slow:
        console.print(f"[red]over {LONGEST_MS:.0f} ms: {', '.join(slow)}[/]")
    return 1 if options.strict and slow else 0


if __name__ == "__main__":
    sys.exit(main())
