"""What a call through the agents' front costs, by REST and by MCP: `python -m loadtests.doors [--quick]`.

The gateway with every check on, and the front before it, share one core; load generators, store and upstream have the
other. Calls a second and core follow from the CPU of both. Latency is that of calls one after another, by each door
and by gRPC in turn: the difference of the medians is what the front adds. Rounds of the doors take turns.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any, Final

import grpc
from google.protobuf import json_format

from loadtests import h2load
from loadtests.doorways import DOORS, Door, with_session
from loadtests.governed import Governed, free_port, governed
from loadtests.measuring import OTHER_CORE, SERVER_CORE
from loadtests.message import request
from loadtests.processes import Process, ProcessFailed, pilote, python
from pilote.crm.v1 import message_service_pb2, message_service_pb2_grpc

RESULT: Final = Path(".bench/doors.json")
CONNECTIONS: Final = 16
_START_SECONDS: Final = 30.0


def measure(home: Path, *, rounds: int, calls: int) -> dict[str, Any]:
    """Rounds of `calls` calls each, by each door.

    Raises:
        ProcessFailed: something did not come up, or calls were refused.
    """
    with Process(python("loadtests.echo"), core=OTHER_CORE, log=home / "echo.log") as upstream:
        address = f"127.0.0.1:{upstream.line()}"
        with governed(home, upstream=address, core=SERVER_CORE, other_core=OTHER_CORE) as gateway:
            port = free_port()
            environment = {**gateway.settings, "PILOTE_AGENTS_LISTEN": f"127.0.0.1:{port}"}
            log = home / "agents.log"
            with Process(pilote("agents"), core=SERVER_CORE, log=log, environment=environment) as front:
                _until_ready(front, port)
                doors = (*DOORS, with_session(port, gateway.authorization))
                figures: dict[str, list[dict[str, float]]] = {door.name: [] for door in doors}
                for number in range(rounds):
                    for door in doors:
                        round_ = _round(door, gateway, front, port, home=home, number=number, calls=calls)
                        figures[door.name].append(round_)
                found: dict[str, Any] = {"front_rss_mb": round(front.rss_mb(), 1)}
                for door in doors:
                    found |= _summary(door.name, figures[door.name])
                    overhead = _overhead(door, gateway, port, calls=max(200, calls // 20))
                    found[f"{door.name}_overhead_ms"] = round(overhead, 3)
    return found | {"rounds": figures}


def _summary(name: str, figures: Sequence[Mapping[str, float]]) -> dict[str, float]:
    both = [each["front_us"] + each["gateway_us"] for each in figures]
    return {
        f"{name}_calls_per_s_core": round(1e6 / statistics.median(both)),
        f"{name}_calls_per_s_core_best": round(1e6 / min(both)),
        f"{name}_front_us": round(statistics.median(each["front_us"] for each in figures), 1),
        f"{name}_front_and_gateway_us": round(statistics.median(both), 1),
    }


def _round(
    door: Door, gateway: Governed, front: Process, port: int, *, home: Path, number: int, calls: int
) -> dict[str, float]:
    bodies = []
    for each in range(CONNECTIONS):
        customer = f"contacts/{door.name}{number}-{each}"
        gateway.know(customer)
        body = home / f"{door.name}{number}-{each}.json"
        body.write_text(json.dumps(_sent(door, customer)))
        bodies.append(body)
    before = front.cpu_seconds(), gateway.process.cpu_seconds()
    result = h2load.run(
        f"http://127.0.0.1:{port}{door.path}",
        bodies=bodies,
        calls=calls,
        in_flight=1,
        headers=(
            f"authorization: {gateway.authorization}",
            *(f"{name}: {text}" for name, text in door.headers.items()),
        ),
        core=OTHER_CORE,
        rest=True,
    )
    gateway.until_settled(result.calls)
    written = gateway.written()
    gateway.forget()
    if result.failed or written.admitted != result.calls:
        raise ProcessFailed(f"{result.failed} calls failed, {written.admitted} of {result.calls} were let through")
    return {
        "front_us": (front.cpu_seconds() - before[0]) / result.calls * 1e6,
        "gateway_us": (gateway.process.cpu_seconds() - before[1]) / result.calls * 1e6,
        "calls_per_s": result.calls / result.seconds,
    }


def _sent(door: Door, customer: str) -> Any:
    message = message_service_pb2.SendMessageRequest.FromString(request(customer))
    return door.wrapped(json_format.MessageToDict(message))


def _overhead(door: Door, gateway: Governed, port: int, *, calls: int) -> float:
    """How much longer a call by this door takes than one by gRPC, of medians, in milliseconds."""
    customer = f"contacts/{door.name}-alone"
    gateway.know(customer)
    message = message_service_pb2.SendMessageRequest.FromString(request(customer))
    body = json.dumps(_sent(door, customer))
    headers = {"authorization": gateway.authorization, "content-type": "application/json", **door.headers}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        send = message_service_pb2_grpc.MessageServiceStub(channel).SendMessage

        def by_grpc() -> None:
            send(message, metadata=(("authorization", gateway.authorization),))

        def by_door() -> None:
            connection.request("POST", door.path, body=body, headers=headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200 or b'"isError":true' in said:
                raise ProcessFailed(said.decode())

        pairs = [(_seconds(by_grpc), _seconds(by_door)) for _ in range(calls)]
    connection.close()
    gateway.forget()
    return 1e3 * (statistics.median(other for _, other in pairs) - statistics.median(bare for bare, _ in pairs))


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _until_ready(front: Process, port: int) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        front.check()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        if time.monotonic() > until:
            raise front.failure()
        Event().wait(0.1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the figures; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.doors", description="What a call by REST and by MCP costs.")
    parser.add_argument("--quick", action="store_true", help="whether it works, not how fast it is")
    options = parser.parse_args(arguments)
    try:
        h2load.install()
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            rounds, calls = (2, 1_000) if options.quick else (7, 4_800)
            found = measure(Path(name), rounds=rounds, calls=calls)
    except (ProcessFailed, h2load.LoadFailed, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(json.dumps({key: value for key, value in found.items() if key != "rounds"}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
