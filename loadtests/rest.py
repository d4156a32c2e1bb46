"""What a call through the REST front costs: `python -m loadtests.rest [--quick]`.

The gateway with every check on, and the front before it, share one core; load generators, store and upstream have the
other. Calls a second and core follow from the CPU of both. Latency is that of calls one after another, by REST
and by gRPC in turn: the difference of the medians is what the front adds.
"""

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any, Final

import grpc
from google.protobuf import json_format

from loadtests import h2load
from loadtests.governed import Governed, free_port, governed, request
from loadtests.measuring import OTHER_CORE, SERVER_CORE
from loadtests.processes import Process, ProcessFailed, pilote, python
from pilote.crm.v1 import message_service_pb2, message_service_pb2_grpc

PATH: Final = "/v1/messages:send"
RESULT: Final = Path(".bench/rest.json")
CONNECTIONS: Final = 16
_START_SECONDS: Final = 30.0


def measure(home: Path, *, rounds: int, calls: int) -> dict[str, Any]:
    """Rounds of `calls` calls each.

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
                figures = [
                    _round(gateway, front, port, home=home, number=number, calls=calls) for number in range(rounds)
                ]
                overhead = _overhead(gateway, port, calls=max(200, calls // 20))
                rss = front.rss_mb()
    front_us = statistics.median(each["front_us"] for each in figures)
    both_us = statistics.median(each["front_us"] + each["gateway_us"] for each in figures)
    return {
        "rest_calls_per_s_core": round(1e6 / both_us),
        "front_us": round(front_us, 1),
        "front_and_gateway_us": round(both_us, 1),
        "rest_overhead_ms": round(overhead, 3),
        "front_rss_mb": round(rss, 1),
        "rounds": figures,
    }


def _round(gateway: Governed, front: Process, port: int, *, home: Path, number: int, calls: int) -> dict[str, float]:
    bodies = []
    for each in range(CONNECTIONS):
        customer = f"contacts/r{number}-{each}"
        gateway.know(customer)
        body = home / f"r{number}-{each}.json"
        message = message_service_pb2.SendMessageRequest.FromString(request(customer))
        body.write_text(json_format.MessageToJson(message))
        bodies.append(body)
    before = front.cpu_seconds(), gateway.process.cpu_seconds()
    result = h2load.run(
        f"http://127.0.0.1:{port}{PATH}",
        bodies=bodies,
        calls=calls,
        in_flight=1,
        headers=(f"authorization: {gateway.authorization}",),
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


def _overhead(gateway: Governed, port: int, *, calls: int) -> float:
    """How much longer a call by REST takes than one by gRPC, of medians, in milliseconds."""
    customer = "contacts/alone"
    gateway.know(customer)
    message = message_service_pb2.SendMessageRequest.FromString(request(customer))
    body = json_format.MessageToJson(message)
    headers = {"authorization": gateway.authorization, "content-type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
        send = message_service_pb2_grpc.MessageServiceStub(channel).SendMessage

        def by_grpc() -> None:
            send(message, metadata=(("authorization", gateway.authorization),))

        def by_rest() -> None:
            connection.request("POST", PATH, body=body, headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise ProcessFailed(answer.read().decode())
            answer.read()

        pairs = [(_seconds(by_grpc), _seconds(by_rest)) for _ in range(calls)]
    connection.close()
    gateway.forget()
    return 1e3 * (statistics.median(rest for _, rest in pairs) - statistics.median(bare for bare, _ in pairs))


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
    parser = argparse.ArgumentParser(prog="loadtests.rest", description="What a call by REST costs.")
    parser.add_argument("--quick", action="store_true", help="whether it works, not how fast it is")
    options = parser.parse_args(arguments)
    try:
        h2load.install()
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            rounds, calls = (2, 1_000) if options.quick else (7, 6_000)
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
