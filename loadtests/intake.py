"""What taking events costs: `python -m loadtests.intake [--batches N]`.

Batches of a hundred events, as Segment's clients send them, go to one intake on a core of its own; store and sender are
on the other. Of every event up to three facts are kept, of 20,000 customers. The measure is CPU per event: it is what
repeats on a shared machine.
"""

import argparse
import gzip
import hashlib
import http.client
import json
import statistics
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from loadtests.governed import free_port
from loadtests.measuring import OTHER_CORE, SERVER_CORE
from loadtests.processes import Process, ProcessFailed, python

EVENTS: Final = 100
"""Of one batch: what Segment's clients send at once by default."""
CUSTOMERS: Final = 20_000
LEAST_PER_S: Final = 5_000
"""Budget: events a second on one core."""
_KEY: Final = "pilote_bench_key"
_HEADERS: Final = {
    "authorization": "Basic " + b64encode(f"{_KEY}:".encode()).decode(),
    "content-type": "application/json",
    "content-encoding": "gzip",
}
_START_SECONDS: Final = 60.0


def batch(number: int) -> bytes:
    """A batch of events, compressed; each about another customer."""
    at = f"2026-01-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
    events = [
        {
            "type": "identify" if each % 2 else "track",
            "event": "Product Viewed",
            "messageId": f"bench-{number}-{each}",
            "userId": f"cnt_{(number * EVENTS + each) * 7919 % CUSTOMERS:06d}",
            "timestamp": f"{at}.{each:03d}Z",
            "traits": {"plan": "pro", "visits": number, "vip": each % 3 == 0, "email": "somebody@example.com"},
            "properties": {"product": {"sku": "G-32", "price": 18.99}, "last": f"sku-{each}"},
            "context": {"library": {"name": "bench", "version": "1"}, "locale": "fr-FR", "ip": "192.0.2.1"},
        }
        for each in range(EVENTS)
    ]
    return gzip.compress(json.dumps({"batch": events}).encode(), 1)


@contextmanager
def intake(home: Path) -> Iterator[tuple[Process, int]]:
    """An intake with one source, and its port.

    Raises:
        ProcessFailed: something did not come up.
    """
    log, port = home / "intake.log", free_port()
    url = f"unix://{home / 'redis.sock'}"
    settings = {
        "PILOTE_HOME": str(home),
        "PILOTE_REDIS_URL": url,
        "PILOTE_INTAKE_LISTEN": f"127.0.0.1:{port}",
        "PILOTE_INTAKE_GRPC_LISTEN": "127.0.0.1:0",
        "PILOTE_METRICS_LISTEN": "off",
    }
    policy = home / "policy.yaml"
    policy.write_text(yaml.safe_dump(_policy()), encoding="utf-8")
    with Process(python("services.redis_server", str(home)), core=OTHER_CORE, log=log):
        retry = Retry(ConstantBackoff(0.02), 500)
        with Redis.from_url(url, retry=retry, retry_on_error=[RedisConnectionError, FileNotFoundError]) as redis:
            redis.ping()
        apply = python("services.cli", "apply", str(policy))
        with Process(apply, core=OTHER_CORE, log=log, environment=settings) as applied:
            applied.wait(_START_SECONDS)
        with Process(python("services.cli", "intake"), core=SERVER_CORE, log=log, environment=settings) as process:
            _until_it_answers(process, port)
            yield process, port


def measure(home: Path, *, batches: int, rounds: int) -> dict[str, Any]:
    """Events a second of CPU, round by round; the first one warms up and does not count.

    Raises:
        ProcessFailed: something did not come up, or events were not taken.
    """
    found = []
    with intake(home) as (process, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for turn in range(rounds + 1):
            bodies = [batch(turn * batches + number) for number in range(batches)]
            before, begun = process.cpu_seconds(), time.monotonic()
            for body in bodies:
                connection.request("POST", "/v1/batch", body, _HEADERS)
                answer = json.loads(connection.getresponse().read())
                if answer.get("accepted") != EVENTS:
                    raise process.failure()
            took = process.cpu_seconds() - before
            if turn:
                found.append((batches * EVENTS / took, batches * EVENTS / (time.monotonic() - begun)))
        connection.close()
        memory = process.rss_mb()
    return {
        "events_per_s_core": round(statistics.median(cpu for cpu, _ in found)),
        "rounds": [round(cpu) for cpu, _ in found],
        "events_per_s": round(statistics.median(wall for _, wall in found)),
        "rss_mb": round(memory, 1),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and say by the exit code whether the budget was kept."""
    parser = argparse.ArgumentParser(description="What taking events costs.")
    parser.add_argument("--batches", type=int, default=200, help="batches of a round")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        try:
            found = measure(Path(name), batches=chosen.batches, rounds=chosen.rounds)
        except ProcessFailed as failure:
            sys.stderr.write(f"{failure}\n")
            return 2
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0 if found["events_per_s_core"] >= LEAST_PER_S else 1


def _policy() -> dict[str, Any]:
    digest = hashlib.sha256(_KEY.encode()).hexdigest()
    facts = {"traits.plan": "traits.plan", "traits.visits": "traits.visits", "traits.vip": "segments.vip"}
    facts |= {"properties.last": "traits.last", "properties.product.sku": "traits.sku"}
    return {
        "agents": [{"name": "bench", "tenant": "acme", "keys": [{"id": "one", "sha256": "0" * 64}]}],
        "upstreams": [{"name": "crm", "address": "127.0.0.1:1"}],
        "routes": [{"name": "crm", "methods": ["/pilote.crm.*"], "arms": [{"name": "only", "upstream": "crm"}]}],
        "rules": [{"name": "open", "effect": "allow"}],
        "sources": [{"name": "bench", "tenant": "acme", "keys": [{"id": "one", "sha256": digest}], "facts": facts}],
    }


def _until_it_answers(process: Process, port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        process.check()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("POST", "/v1/batch", gzip.compress(b'{"batch":[]}'), _HEADERS)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
    raise process.failure()


if __name__ == "__main__":
    sys.exit(main())
