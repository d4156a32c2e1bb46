"""What it costs to look at a million decisions: part of `make bench`, or `python -m loadtests.insights`.

Decisions of five weeks up to now, with the facts they were decided by (sealed), their ends, and what customers did
after them, are written to an embedded store. Then
`pilote insights look` reads the log from its beginning, holding each entry against the signed root, and everything that
is looked for looks at it: from the start of the command to its end, beside the audit service in this process. A second
run, which finds all but nothing read, is what a round costs afterwards.
"""

import argparse
import asyncio
import ctypes
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console

from gateway import freed_memory
from gateway.adapters.sealing import Sealer
from gateway.adapters.subject_keys import SubjectKeys
from gateway.clock import clock_ms
from gateway.core.record import CustomerOutcome, Outcome, Record, RuleLook, Settlement, Verdict, decision_id
from gateway.core.used import WrappedKey, packed
from gateway.rpc.serving import collect_rarely
from loadtests.audit import BATCH, CUSTOMERS
from loadtests.processes import pilote
from services import redis_server
from services.audit.entries import Admitted, Entry, Reported, Settled
from services.audit.server import running as auditing
from services.audit.sqlite.segments.hours import HOUR_MS
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore

_PR_SET_CHILD_SUBREAPER: Final = 36  # linux/prctl.h
RESULT: Final = Path(".bench/insights.json")
LONGEST_SECONDS: Final = 60.0
"""Budget of the first look at a million decisions, on two cores."""
SPAN_MS: Final = 35 * 24 * HOUR_MS
_encode: Final = msgspec.json.encode
_CHANNELS: Final = ("email", "sms", "push")
_KEY: Final = bytes(range(32))
_TIERS: Final = ("free", "plus", "pro")
_ZONES: Final = ("Europe/Paris", "Europe/Berlin", "America/New_York")
_wrapped: Final = msgspec.json.Decoder(WrappedKey)


def _facts(customer: int, draw: random.Random) -> bytes:
    """What conditions read of a customer."""
    return packed(
        (
            ('facts.traits["tier"]', _TIERS[customer % 3]),
            ("facts.time_zone", _ZONES[customer % 3]),
            ('facts.scores["churn"]', round(draw.betavariate(2, 5), 3)),
            ("facts.segments", ["new" if customer % 4 else "known"]),
        )
    )


def _entries(at_ms: int, draw: random.Random, seals: SubjectKeys) -> list[Entry]:
    """One decision with its end, and of one contact in fifty what its customer did."""
    refused, agent, customer = draw.random() < 0.1, draw.randrange(40), draw.randrange(CUSTOMERS)
    subject, number = f"{customer:032x}", decision_id(now_ms=at_ms, random=draw.randbytes(10))
    values, beside = seals.seal(
        _facts(customer, draw), tenant="acme", subject_ref=subject, decision=number, now_ms=at_ms
    )
    record = Record(
        id=number,
        received_ms=at_ms,
        decided_ms=at_ms + 1,
        verdict=Verdict.DENY if refused else Verdict.ALLOW,
        reason="CAP_EXCEEDED" if refused else "",
        rule="weekly" if refused else f"allow-{agent % 8}",
        rules=(RuleLook("weekly" if refused else f"allow-{agent % 8}", "allow"), RuleLook("quiet", "deny", "monitor")),
        tenant="acme",
        agent=f"agent-{agent}",
        method="/pilote.crm.v1.MessageService/SendMessage",
        operation="CONTACT",
        channel=draw.choice(_CHANNELS),
        category="marketing",
        subject_ref=subject,
        values=values,
        version=f"score@{1 + draw.randrange(3)}",
        route="crm",
        arm="main",
        request_bytes=draw.randrange(200, 900),
        revision=7,
        expires_ms=0 if refused else at_ms + 30_000,
    )
    granted = Outcome(granted=not refused)
    took_us = int(draw.lognormvariate(9, 0.5))
    end = Settlement(id=record.id, settled_ms=at_ms + 9, status="OK", total_us=took_us + 900, upstream_us=took_us)
    found: list[Entry] = [Admitted(record, granted, _encode(record), _encode(granted), _wrapped.decode(beside))]
    if refused:
        return found
    found.append(Settled(end, _encode(end)))
    if draw.random() < 0.02:
        kind, later_ms = draw.choice(("opened", "unsubscribed", "converted")), at_ms + draw.randrange(10, HOUR_MS)
        told = CustomerOutcome(
            decision=record.id, type=kind, occurred_ms=later_ms, reported_ms=later_ms, reporter="crm"
        )
        found.append(Reported(told, "acme", _encode(told)))
    return found


async def _filled(home: Path, decisions: int, *, until_ms: int) -> int:
    """Write them; returns how many entries of the log that makes."""
    draw = random.Random(7)  # noqa: S311 - the same decisions every time
    store = SqliteStore(home, keeping=Keeping(grace_ms=0, hot_ms=HOUR_MS))
    batch, entries, seals = list[Entry](), 0, SubjectKeys(Sealer([_KEY]))
    try:
        for number in range(decisions):
            batch += _entries(until_ms - SPAN_MS + number * SPAN_MS // decisions, draw, seals)
            if len(batch) >= BATCH or number + 1 == decisions:
                await store.write(batch)
                entries, batch = entries + len(batch), []
        for hours in (2, 4, 6):  # sealed, and then only so, as hours that are over are where the service always runs
            await store.tend(now_ms=until_ms + hours * HOUR_MS)
    finally:
        await store.close()
    return entries


async def _looked(home: Path, audit: int) -> dict[str, float]:
    """Seconds and seconds of CPU of one `pilote insights look`, and what it saw."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    key_file = home / "record.key"
    key_file.write_text(_KEY.hex() + "\n", "ascii")
    ours = {
        "PILOTE_AUDIT_LISTEN": f"127.0.0.1:{audit}",
        "PILOTE_HOME": str(home),
        "PILOTE_RECORD_KEY_FILE": str(key_file),
    }
    environment = os.environ | ours  # noqa: TID251 - what it is started with goes on to its children
    command = pilote("insights", "look", "--json", "--folder", str(home / "columns"))
    looking = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)
    told, _ = await looking.communicate()
    if looking.returncode:
        sys.exit("The look failed: see above.")
    await asyncio.to_thread(_ended_all)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "seen": len(json.loads(told))}


def _adopt() -> None:
    """Have processes that outlive the command become ours, so that what they used is counted."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _ended_all() -> None:
    """Wait for those that are ours and of no command of ours: what the look has started ends with it."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if told.get("PPid") == str(os.getpid()) and told.get("Name", "").startswith("python"):
            os.waitpid(int(told["Pid"]), 0)


async def measure(home: Path, decisions: int, *, console: Console) -> dict[str, Any]:
    """All figures of one run."""
    until_ms = clock_ms() // HOUR_MS * HOUR_MS
    entries = await _filled(home, decisions, until_ms=until_ms)
    console.print(f"{decisions} decisions written, {entries} entries of the log")
    own = home / "redis"  # where the command looks for it
    own.mkdir()
    server = await asyncio.create_subprocess_exec(
        *redis_server.command(own, append_only=False), stdout=asyncio.subprocess.DEVNULL
    )
    options: dict[str, Any] = {"redis_url": redis_server.url_of(own), "pseudonym_key": _KEY, "drain_seconds": 1.0}
    try:
        async with auditing(listen="127.0.0.1:0", home=home, **options) as audit:
            first = await _looked(home, audit)
            again = await _looked(home, audit)
    finally:
        server.terminate()
        await server.wait()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    return {"decisions": decisions, "entries": entries, "first": first, "again": again, "peak_rss_mb": peak}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.insights", description="What looking at all decisions costs.")
    parser.add_argument("--decisions", type=int, default=1_000_000)
    parser.add_argument("--strict", action="store_true", help="fail when the budget is missed")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    options = parser.parse_args(arguments)
    _adopt()
    freed_memory.stay()  # as the process of the audit service has it, which is this one here
    collect_rarely()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        found = asyncio.run(measure(Path(name), options.decisions, console=console))
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(found, indent=2) + "\n")
    console.print(found)
    missed = found["first"]["seconds"] > LONGEST_SECONDS
    if missed:
        console.print(f"[red]over {LONGEST_SECONDS:.0f} s[/]")
    return 1 if options.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
