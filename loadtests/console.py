"""What pages of the console cost: part of `make bench`, or `python -m loadtests.console`.

There are 1,000 rules and a million decisions of two days, in an embedded store and sealed, as in `loadtests.audit`.
Somebody logs in at a control plane beside the audit service, both in this process, and opens pages one after the other:
from the request to the last byte, without what a browser loads besides. What a page loads afterwards, such as counts,
has the same budget. The first time is shown beside: it finds nothing prepared.
"""

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import argon2
import msgspec
import requests
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.redis_clients import Client, connected
from gateway.rpc.serving import collect_rarely
from loadtests.audit import SPAN_MS, START_MS, filled
from services import redis_server
from services.audit.filters.filter import parse
from services.audit.server import running as auditing
from services.audit.sqlite.segments.hours import HOUR_MS
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore
from services.control.access.accesses import Access
from services.control.access.accounts import Account
from services.control.access.rights import Role
from services.control.console.console import PAGES
from services.control.options import Options
from services.control.server import running

RESULT: Final = Path(".bench/console.json")
LONGEST_MS: Final = 200.0
"""Budget of the 95th percentile of a page, and of what it loads afterwards."""
RULES: Final = 1_000
_TIMES: Final = 20
KEY: Final = bytes(range(32))
"""The control plane's own, and of pseudonyms."""
_WORDS: Final = "seven green umbrellas"
_START_SECONDS: Final = 30.0
_METHODS: Final = ("ContactService/GetContact", "MessageService/SendMessage", "DealService/UpdateDeal")


def pages(decision: str) -> dict[str, str]:
    """Paths of pages by what they are called, all of which have the budget; `decision` is the id of one."""
    sections = {page.name: f"/{page.name}" for page in PAGES if page.icon}
    found = "/decisions?since=all"
    return {
        **sections,
        "decisions, all": found,
        "decisions, by rule": f"{found}&filter=rule+%3D+%22rare-3%22",
        "decisions, by customer": f"{found}&filter=subject_ref+%3D+%22{7:032x}%22",
        "decisions, slowest of an hour": f"/decisions?from={_at(0)}&to={_at(HOUR_MS)}&order=latency+desc",
        "one decision": f"/decisions/{decision}",
    }


def later(decision: str) -> dict[str, str]:
    """What pages load afterwards."""
    return {
        "chart, all": "/decisions/chart?since=all",
        "facets, all": "/decisions/facets?since=all",
        "facets, an hour": f"/decisions/facets?from={_at(0)}&to={_at(HOUR_MS)}",
        "what follows from one": f"/decisions/{decision}/followed",
        "proof of one": f"/decisions/{decision}/proof",
    }


def policy() -> dict[str, Any]:
    """A policy with many rules."""
    when = 'agent.labels["team"] == "team-{0}" && call.request_bytes > {0}'
    rules = [
        {
            "name": f"rule-{number}",
            "effect": "deny",
            "methods": [f"/pilote.crm.v1.{_METHODS[number % len(_METHODS)]}"],
            "when": when.format(number),
        }
        for number in range(RULES - 1)
    ]
    return {
        "agents": [
            {"name": f"agent-{n}", "tenant": "acme", "keys": [{"id": "k", "sha256": f"{n:064x}"}]} for n in range(40)
        ],
        "upstreams": [{"name": "crm", "address": "127.0.0.1:1"}],
        "routes": [{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [{"name": "main", "upstream": "crm"}]}],
        "rules": [{"name": "open", "effect": "allow"}, *rules],
    }


@contextlib.asynccontextmanager
async def console_running(home: Path, decisions: int) -> AsyncIterator[tuple[requests.Session, str, str]]:
    """A console with so many decisions: a browser in which somebody is logged in, where it is, and one of them."""
    decision = await _store(home, decisions)
    server = await asyncio.create_subprocess_exec(
        *redis_server.command(home, append_only=False), stdout=subprocess.DEVNULL
    )
    url = redis_server.url_of(home)
    options: dict[str, Any] = {"redis_url": url, "pseudonym_key": KEY, "drain_seconds": 1.0}
    try:
        async with (
            _answering(url) as redis,
            auditing(listen="127.0.0.1:0", home=home, **options) as audit,
            running(
                Options(
                    listen="127.0.0.1:0",
                    audit=f"127.0.0.1:{audit}",
                    control_keys=(KEY,),
                    hashing=argon2.profiles.CHEAPEST,
                    **options,
                )
            ) as port,
        ):
            await _publish(redis)
            at = f"http://127.0.0.1:{port}"
            yield await logged_in(redis, at), at, decision
    finally:
        server.terminate()
        await server.wait()


async def measure(home: Path, decisions: int, *, times: int) -> dict[str, Any]:
    """All figures of one run, in milliseconds."""
    found: dict[str, Any] = {"decisions": decisions, "rules": RULES, "pages": {}, "later": {}}
    async with console_running(home, decisions) as (browser, at, decision):
        # As every process of ours does. What filled the store would else be looked through once, for 300 ms, in
        # the middle of some page.
        collect_rarely()
        for part, paths in (("pages", pages(decision)), ("later", later(decision))):
            for name, path in paths.items():
                found[part][name] = await asyncio.to_thread(opened, browser, at + path, times, part=part)
    return found


def opened(browser: requests.Session, url: str, times: int, *, part: str) -> dict[str, float]:
    """What opening a page so many times takes, in milliseconds; `part` is "pages", or "later" for what follows."""
    headers = {"hx-request": "true"} if part == "later" else {"accept": "text/html"}
    took, cpu = [], []
    for _ in range(times + 1):
        began, before = time.perf_counter(), time.process_time()
        answer = browser.get(url, headers=headers, timeout=60)
        took.append((time.perf_counter() - began) * 1_000)
        cpu.append((time.process_time() - before) * 1_000)  # of all that runs in this process, who asks included
        if answer.status_code != 200:
            raise SystemExit(f"{url} answered {answer.status_code}: {answer.text[:300]}")
    cuts = statistics.quantiles(took[1:], n=20)  # the first one finds nothing prepared
    figures = {"first_ms": took[0], "p50_ms": statistics.median(took[1:]), "p95_ms": cuts[18]}
    figures["p50_cpu_ms"] = statistics.median(cpu[1:])
    return {name: round(ms, 1) for name, ms in figures.items()} | {"bytes": len(answer.content)}


async def _store(home: Path, decisions: int) -> str:
    draw = random.Random(7)  # noqa: S311 - the same decisions every time
    store = SqliteStore(home, keeping=Keeping(grace_ms=0, hot_ms=HOUR_MS))
    now_ms = START_MS + SPAN_MS + HOUR_MS
    try:
        await filled(store, decisions, draw=draw)
        for hours in range(3):
            await store.tend(now_ms=now_ms + hours * HOUR_MS)
        (one,) = await store.page(parse(""), now_ms=now_ms, before="", size=1)
    finally:
        await store.close()
    return one.record.id


@contextlib.asynccontextmanager
async def _answering(url: str) -> AsyncIterator[Client]:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            async with await connected(url) as redis:
                await redis.ping()
                yield redis
                return
        except (RedisError, OSError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def _publish(redis: Client) -> None:
    revision = await asyncio.to_thread(load, policy())
    document = msgspec.Raw(canonical(revision.document))
    created_ms = time.time_ns() // 1_000_000
    await RevisionStore(redis).publish(
        Published(sha256=revision.sha256, author="", created_ms=created_ms, document=document)
    )


async def logged_in(redis: Client, url: str) -> requests.Session:
    """A browser in which somebody may do everything."""
    now_ms = time.time_ns() // 1_000_000
    access = Access(redis, keys=(KEY,), clock_ms=lambda: now_ms, profile=argon2.profiles.CHEAPEST)
    try:
        account = Account(name="bench", grants={"*": tuple(Role)}, created_ms=now_ms)
        _, once = await access.administration.add(account, now_ms=now_ms)
    finally:
        access.close()
    browser = requests.Session()
    for path, body in (
        ("/v1/session", {"name": "bench", "password": once}),
        ("/v1/session/password", {"old": once, "new": _WORDS}),
    ):
        token = {"x-csrf-token": browser.headers.get("x-csrf-token", "")}
        answer = await asyncio.to_thread(browser.post, f"{url}{path}", json=body, headers=token, timeout=20)
        answer.raise_for_status()
        browser.headers["x-csrf-token"] = answer.json()["csrfToken"]
    return browser


def _at(after_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime((START_MS + after_ms) / 1_000))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.console", description="What pages of the console cost.")
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=_TIMES, help="how often each page is opened")
    parser.add_argument("--strict", action="store_true", help="fail when a budget is missed")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    options = parser.parse_args(arguments)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = asyncio.run(measure(Path(name), options.decisions, times=options.times))
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(found, indent=2) + "\n")
    table = Table("page", "first", "p50", "p95", "KiB", title=f"milliseconds, {options.decisions} decisions")
    for part in ("pages", "later"):
        for page, figures in found[part].items():
            times = (str(figures[key]) for key in ("first_ms", "p50_ms", "p95_ms"))
            table.add_row(page, *times, f"{figures['bytes'] / 1024:.0f}", end_section=page == list(found[part])[-1])
    console.print(table)
    slow = [
        page for part in ("pages", "later") for page, figures in found[part].items() if figures["p95_ms"] > LONGEST_MS
    ]
    if slow:
        console.print(f"[red]over {LONGEST_MS:.0f} ms: {', '.join(slow)}[/]")
    return 1 if options.strict and slow else 0


if __name__ == "__main__":
    sys.exit(main())
