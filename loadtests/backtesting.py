"""What a backtest costs: `python -m loadtests.backtesting [--calls N]` prints it as JSON.

Recorded calls, 33,000 a day, each with its inputs sealed, its record and its settlement, in the embedded store as
the audit service writes it: contacts with a twentieth as many customers, by two agents, under 20 rules, a weekly cap, a
daily limit and quiet hours; one in 50 is followed by something the customer did. Hours that are over are sealed, and
read from Parquet files alone: of thirty days nearly all are. The draft has another cap, one rule more and a budget.
Then `pilote audit` serves, and `pilote backtest` is timed from its start to its end, with all of its processes. What a
call costs in CPU is the difference to a run over a tenth of them, so that no start is in it.
"""

import argparse
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec
import yaml
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from gateway.activation.loading import canonical, load
from gateway.adapters.revisions import Published, RevisionStore
from gateway.adapters.sealing import Sealer
from gateway.core.call import Facts
from gateway.core.inputs import Inputs, bound_to, packed
from gateway.core.record import BucketLook, CustomerOutcome, Outcome, Record, SealedInputs, Settlement, decision_id
from gateway.core.revision.compiled import Revision
from gateway.redis_clients import connected
from gateway.replays.replaying import replayed
from loadtests.governed import free_port
from loadtests.processes import cpu_seconds_of
from pilote.crm.v1 import message_pb2, message_service_pb2
from services import redis_server
from services.audit.entries import Admitted, Entry, Recorded, Reported, Settled
from services.audit.sqlite.segments.sealing import Keeping
from services.audit.sqlite.store import SqliteStore

METHOD: Final = "/pilote.crm.v1.MessageService/SendMessage"
A_DAY: Final = 33_000
"""Calls; a million last thirty days, and fewer are as close to each other."""
DAY_MS: Final = 86_400_000
BATCH: Final = 2_000
FEW: Final = 4_000
"""Least calls of the run that is taken off: fewer are judged in the command's own process."""
_KEY: Final = bytes(range(32))
_START_SECONDS: Final = 30.0
_encode: Final = msgspec.json.Encoder().encode


def policy(*, draft: bool) -> dict[str, Any]:
    """The policy under which the calls were made, or the draft."""
    rules: list[dict[str, Any]] = [{"name": "open", "effect": "allow"}]
    rules += [
        {"name": f"r{n}", "effect": "deny", "when": f'call.category == "x{n}" && facts.scores["churn"] > 0.{n % 9 + 1}'}
        for n in range(18 + draft)
    ]
    rules.append({"name": "no-promo", "effect": "deny", "when": f'call.category == "promo" && {str(draft).lower()}'})
    limits: list[dict[str, Any]] = [
        {"name": "daily", "by": ["agent"], "max": 1_000_000, "calendar": {"unit": "day", "zone": "UTC"}}
    ]
    if draft:
        spend = {"unit": "cents", "estimate": "7"}
        limits.append({"name": "spend", "by": ["agent"], "max": 100_000, "window": "1d", "cost": spend})
    return {
        "agents": [
            {"name": name, "tenant": "acme", "keys": [{"id": "k", "sha256": f"{n:064x}"}]}
            for n, name in enumerate(("sales-bot", "service-bot"), start=1)
        ],
        "upstreams": [{"name": "crm", "address": "127.0.0.1:1"}],
        "routes": [{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [{"name": "crm", "upstream": "crm"}]}],
        "rules": rules,
        "limits": limits,
        "caps": [{"name": "weekly", "max": 3 if draft else 100, "window": "7d"}],
        "quiet_hours": [{"name": "nights", "zone": "Europe/Paris", "open": [{"from": "00:00", "to": "24:00"}]}],
        "replay": {"share": 10_000, "keep": "90d"},
    }


def entries(calls: int, revision: Revision, *, now_ms: int) -> Iterator[Entry]:
    """The calls as the gateway writes them, oldest first."""
    sealer = Sealer((_KEY,))
    rng = random.Random(7)  # noqa: S311 - synthetic calls
    kinds = [(agent, category) for agent in ("sales-bot", "service-bot") for category in ("service", "promo", "news")]
    step = DAY_MS / A_DAY
    for number in range(calls):
        kind, customer = kinds[rng.randrange(len(kinds))], rng.randrange(calls // 20 + 1)
        at_ms = now_ms - int((calls - number) * step)
        decision = decision_id(now_ms=at_ms, random=rng.randbytes(10))
        request = message_service_pb2.SendMessageRequest(
            message=message_pb2.Message(
                customer=f"contacts/c-{customer}", channel="email", category=kind[1], body="x" * 200
            )
        ).SerializeToString()
        inputs = Inputs(
            id=decision, revision=1, tenant="acme", agent=kind[0], method=METHOD, received_ms=at_ms, request=request,
            facts=Facts(scores={"churn": customer % 997 / 997}, segments=("vip", "paris"), time_zone="Europe/Paris"),
            draw=0.5,
        )  # fmt: skip
        record = replayed(revision, inputs, pseudonym_key=_KEY).record
        yield from _written(inputs, record, sealer, number=number)


def _written(inputs: Inputs, record: Record, sealer: Sealer, *, number: int) -> Iterator[Entry]:
    at_ms, decision = inputs.received_ms, inputs.id
    record = msgspec.structs.replace(record, decided_ms=at_ms + 1, expires_ms=at_ms + 60_000)
    outcome = Outcome(granted=True, looks=tuple(BucketLook(1, 0) for _ in record.buckets))
    yield Admitted(record, outcome, _encode(record), _encode(outcome))
    sealed = sealer.seal(packed(inputs), bound_to=bound_to("acme", decision))
    yield Recorded(SealedInputs(decision, at_ms, at_ms + 90 * DAY_MS), "acme", sealed)
    settlement = Settlement(id=decision, settled_ms=at_ms + 40, status="OK", total_us=40_000, upstream_us=39_000)
    yield Settled(settlement, _encode(settlement))
    if number % 50 == 0:
        type_ = "converted" if number % 100 else "unsubscribed"
        told = CustomerOutcome(
            decision=decision, type=type_, occurred_ms=at_ms + 1000, reported_ms=at_ms + 1000, reporter="crm",
            revenue_cents=4_900 if type_ == "converted" else 0, currency="EUR" if type_ == "converted" else "",
        )  # fmt: skip
        yield Reported(told, "acme", _encode(told))


async def filled(home: Path, calls: int, *, redis_url: str) -> None:
    """Publish the policy, and store the calls."""
    document = canonical(load(policy(draft=False)).document)
    now_ms = time.time_ns() // 1_000_000
    async with await connected(redis_url) as redis:
        published = Published(sha256="0" * 64, author="bench", created_ms=now_ms, document=msgspec.Raw(document))
        await RevisionStore(redis).publish(published)
    store, batch = SqliteStore(home, keeping=Keeping(hot_ms=0)), list[Entry]()
    for entry in entries(calls, load(policy(draft=False), number=1), now_ms=now_ms):
        batch.append(entry)
        if len(batch) >= BATCH:
            await store.write(batch)
            batch = []
    await store.write(batch)
    for _ in range(2):  # what is sealed goes the next time
        await store.tend(now_ms=now_ms)
    await store.close()


def measured(home: Path, calls: int) -> dict[str, Any]:
    """Fill a store, serve it, and time the command."""
    redis_home, draft = home / "redis", home / "draft.yaml"
    (home / "secrets").mkdir()
    for name in ("pseudonym", "replays", "holds"):
        (home / "secrets" / f"{name}.key").write_text(_KEY.hex())
    (home / "secrets" / "pseudonym.key").write_bytes(_KEY)
    draft.write_text(yaml.safe_dump(policy(draft=True)))
    environment = os.environ | {  # noqa: TID251 - what it is started with goes on to its children
        "PILOTE_HOME": str(home),
        "PILOTE_REDIS_URL": redis_server.url_of(redis_home),
        "PILOTE_AUDIT_LISTEN": f"127.0.0.1:{free_port()}",
    }
    redis = subprocess.Popen(redis_server.command(redis_home), stdout=subprocess.DEVNULL)
    audit = None
    try:
        begun = time.perf_counter()
        asyncio.run(filled(home, calls, redis_url=_answering(environment["PILOTE_REDIS_URL"])))
        filled_s = time.perf_counter() - begun
        pilote = (sys.executable, "-m", "services.cli")
        audit = subprocess.Popen((*pilote, "audit"), env=environment, stdout=subprocess.DEVNULL)
        with grpc.insecure_channel(environment["PILOTE_AUDIT_LISTEN"]) as channel:
            grpc.channel_ready_future(channel).result(timeout=_START_SECONDS)
        command = (*pilote, "backtest", "--revision", str(draft), "--since", f"{calls // A_DAY + 2}d", "--json")
        few = _run((*command, "--limit", str(max(calls // 10, FEW))), environment, audit=audit.pid)
        its = _run(command, environment, audit=audit.pid)
    finally:
        for process in (audit, redis):
            if process is not None:
                process.terminate()
                process.wait()
    more = its.found["calls"] - few.found["calls"]
    return {
        "calls": its.found["calls"],
        "seconds": round(its.seconds, 1),
        "calls_per_s": round(its.found["calls"] / its.seconds),
        "cpu_us": round(1e6 * (its.command_s - few.command_s) / more, 1),
        "cpu_us_of_audit": round(1e6 * (its.audit_s - few.audit_s) / more, 1),
        "cores": os.cpu_count(),
        "newly_refused": its.found["newlyRefused"],
        "fill_seconds": round(filled_s),
    }


class _Ran(msgspec.Struct, frozen=True):
    """What one run of the command gave, and took."""

    found: dict[str, Any]
    seconds: float
    command_s: float
    """CPU of the command and of its processes, user and kernel; likewise the audit service's."""
    audit_s: float


def _run(command: Sequence[str], environment: Mapping[str, str], *, audit: int) -> _Ran:
    before, audit_s, begun = _children_s(), cpu_seconds_of(audit), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - begun
    return _Ran(json.loads(done.stdout), seconds, _children_s() - before, cpu_seconds_of(audit) - audit_s)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _answering(url: str) -> str:
    """The URL of a server, once it answers."""
    retry = Retry(ConstantBackoff(0.05), 200, supported_errors=(RedisConnectionError, FileNotFoundError))
    Redis.from_url(url, retry=retry, retry_on_error=[RedisConnectionError]).ping()
    return url


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="loadtests.backtesting", description="What a backtest costs.")
    parser.add_argument("--calls", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        sys.stdout.write(json.dumps(measured(Path(name), options.calls)) + "\n")


if __name__ == "__main__":
    main()
