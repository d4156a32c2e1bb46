"""How soon a decision can be found after its call: `python -m loadtests.visible [--calls N] [--seconds N]`.

Calls come evenly, 1,000 a second by default, through a gateway and its store to an upstream that echoes; `pilote audit`
writes beside them. Of every fiftieth call the decision is asked for, again and again from the moment its answer is
there, until the audit service knows it. Gateway on one core, all else on the other.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import grpc

from loadtests.governed import Governed, free_port, governed
from loadtests.measuring import OTHER_CORE, SERVER_CORE
from loadtests.message import METHOD, request
from loadtests.processes import Process, ProcessFailed, pilote, python
from pilote.audit.v1 import audit_service_pb2, audit_service_pb2_grpc

LONGEST_S: Final = 2.0
"""Budget."""
SAMPLED: Final = 50
CUSTOMERS: Final = 200
GIVE_UP_S: Final = 30.0
PAUSE_S: Final = 0.02
_START_SECONDS: Final = 20.0


class Load:
    """Even calls, and how long the sampled ones took to be found, in seconds."""

    def __init__(self, gateway: Governed, audit: str) -> None:
        self._gateway = gateway
        self._audit = audit
        self._requests = [request(f"contacts/visible-{number}") for number in range(CUSTOMERS)]
        self.failed = 0
        self.why: Counter[str] = Counter()
        self.late_s = 0.0
        """How far the calls fell behind their plan at most: a load that could not be kept up was not that load."""
        self.found_s: list[float] = []

    async def run(self, *, calls: int, per_second: int) -> None:
        """Make so many calls, and wait until all sampled ones are found."""
        address = f"127.0.0.1:{self._gateway.port}"
        async with grpc.aio.insecure_channel(address) as channel, grpc.aio.insecure_channel(self._audit) as audit:
            send: Any = channel.unary_unary(METHOD)
            stub = audit_service_pb2_grpc.AuditServiceStub(audit)
            begun = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as group:
                for number in range(calls):
                    now, due = asyncio.get_running_loop().time(), begun + number / per_second
                    self.late_s = max(self.late_s, now - due)
                    if due > now:
                        await asyncio.sleep(due - now)
                    group.create_task(self._call(send, stub, number))

    async def _call(self, send: Any, stub: Any, number: int) -> None:
        call = send(
            self._requests[number % CUSTOMERS], timeout=10, metadata=(("authorization", self._gateway.authorization),)
        )
        try:
            await call
        except grpc.aio.AioRpcError as error:
            self.failed += 1
            self.why[f"{error.code().name}: {error.details()}"] += 1
            return
        if number % SAMPLED:
            return
        answered = time.monotonic()
        decision = str(dict(await call.trailing_metadata())["pilote-decision-id"])
        wanted = audit_service_pb2.GetDecisionRequest(name=f"decisions/{decision}")
        while time.monotonic() - answered < GIVE_UP_S:
            try:
                await stub.GetDecision(wanted, timeout=10)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                await asyncio.sleep(PAUSE_S)
            else:
                self.found_s.append(time.monotonic() - answered)
                return
        self.failed += 1


async def measured(home: Path, gateway: Governed, *, calls: int, per_second: int) -> dict[str, Any]:
    """What comes of a load beside an audit service of its own.

    Raises:
        ProcessFailed: the audit service does not come up.
    """
    audit = f"127.0.0.1:{free_port()}"
    settings = {**gateway.settings, "PILOTE_AUDIT_LISTEN": audit}
    with Process(pilote("audit"), core=OTHER_CORE, log=home / "audit.log", environment=settings) as process:
        async with grpc.aio.insecure_channel(audit) as channel:
            try:
                await asyncio.wait_for(channel.channel_ready(), _START_SECONDS)
            except TimeoutError as error:
                raise process.failure() from error
        load = Load(gateway, audit)
        await load.run(calls=calls, per_second=per_second)
        process.check()
    found = sorted(load.found_s)
    return {
        "calls": calls,
        "per_second": per_second,
        "failed": load.failed,
        "why": dict(load.why.most_common(3)),
        "behind_s": round(load.late_s, 2),
        "visible_p50_s": round(statistics.median(found), 3),
        "visible_p99_s": round(found[int(0.99 * (len(found) - 1))], 3),
        "visible_most_s": round(found[-1], 3),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print JSON; returns the exit code: 1 where a decision took longer than the budget or a call failed."""
    parser = argparse.ArgumentParser(prog="loadtests.visible", description="How soon decisions can be found.")
    parser.add_argument("--rate", type=int, default=1_000, help="calls a second")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        home = Path(name)
        try:
            with (
                Process(python("loadtests.echo"), core=OTHER_CORE, log=home / "echo.log") as echo,
                governed(home, upstream=f"127.0.0.1:{echo.line()}", core=SERVER_CORE, other_core=OTHER_CORE) as gateway,
            ):
                for number in range(CUSTOMERS):
                    gateway.know(f"contacts/visible-{number}")
                calls = options.rate * options.seconds
                found = asyncio.run(measured(home, gateway, calls=calls, per_second=options.rate))
        except ProcessFailed as error:
            sys.stderr.write(f"{error}\n")
            return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 1 if found["failed"] or found["visible_most_s"] > LONGEST_S else 0


if __name__ == "__main__":
    sys.exit(main())
