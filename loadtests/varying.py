"""Load whose calls differ: each is of a caller and about a customer of its own, both drawn. gRPC over plain sockets.

`python -m loadtests.varying PLAN`, where PLAN is a file with the JSON of a `Plan`, prints the JSON of a `Sent`.
h2load sends one body and one credential, and a client of gRPC in Python costs as much as the server that it measures.
This one knows of HTTP/2 what it takes to send unary calls and see them answered: 20 to 30 us a call.
"""

import json
import random
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.h2load import framed
from loadtests.http2 import Connection, block
from loadtests.message import METHOD, request

_SILENT_SECONDS: Final = 30.0


class Plan(NamedTuple):
    """What to send."""

    port: int
    credentials: tuple[tuple[str, str], ...]
    """The callers: of each the metadata that shows who it is."""
    first: int
    """The customers are `contacts/{first}` and the following ones."""
    customers: int
    calls: int
    connections: int
    in_flight: int
    """Calls that run on each connection."""
    seed: int
    once: bool = False
    """Whether callers and customers come one after the other, and are not drawn: then all have been there."""


class Sent(NamedTuple):
    """What came of it."""

    calls: int
    failed: int
    """Calls that were answered without a message, or broken off."""
    data_bytes: int
    """Bytes of messages that came back, each with the five bytes before it."""
    seconds: float


def sent(plan: Plan) -> Sent:
    """Make the calls.

    Raises:
        ConnectionError: the server is gone, or silent for half a minute.
    """
    waiting = deque(_calls(plan))
    total, began = len(waiting), time.perf_counter()
    done = failed = data_bytes = 0
    with selectors.DefaultSelector() as selector:
        for _ in range(plan.connections):
            line = Connection(socket.create_connection(("127.0.0.1", plan.port)))
            selector.register(line.socket, selectors.EVENT_READ, line)
            for _ in range(min(plan.in_flight, len(waiting))):
                line.call(*waiting.popleft())
            line.flush()
        while done < total:
            ready = selector.select(_SILENT_SECONDS)
            if not ready:
                raise ConnectionError(f"no answer for {_SILENT_SECONDS:.0f} s, {total - done} calls are left")
            for key, _ in ready:
                line = key.data
                for answer in line.received():
                    done += 1
                    failed += answer == 0
                    data_bytes += answer
                    if waiting:
                        line.call(*waiting.popleft())
                line.flush()
        seconds = time.perf_counter() - began
        for key in list(selector.get_map().values()):
            key.data.socket.close()
    return Sent(done, failed, data_bytes, seconds)


def _calls(plan: Plan) -> Iterator[tuple[bytes, bytes]]:
    """The header block and the message of each call."""
    draw = random.Random(plan.seed)  # noqa: S311 - the same plan is the same load
    heads = [block(METHOD, plan.port, pair) for pair in plan.credentials]
    for number in range(plan.calls):
        caller = number % len(heads) if plan.once else draw.randrange(len(heads))
        customer = number % plan.customers if plan.once else draw.randrange(plan.customers)
        yield heads[caller], framed(request(f"contacts/{plan.first + customer}"))


def main() -> int:
    """Make the calls of the plan that the first argument names."""
    said = json.loads(Path(sys.argv[1]).read_text())
    plan = Plan(**{**said, "credentials": [tuple(pair) for pair in said["credentials"]]})
    sys.stdout.write(json.dumps(sent(plan)._asdict()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
