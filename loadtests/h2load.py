"""Load from `h2load`: a C program that costs 10-20 us a call, so that the measured server is what saturates.

One h2load sends one body. Several run side by side, one connection each and each with a customer of its own, so that
the gateway sees different subjects, and no sliding log of one subject grows for a whole run.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.processes import as_nice_as_we_are, pinned

_REQUESTS: Final = re.compile(r"requests: \d+ total, \d+ started, (\d+) done, \d+ succeeded, (\d+) failed")
_ERRORS: Final = re.compile(r"(\d+) errored, (\d+) timeout")
_DATA: Final = re.compile(r"\((\d+)\) data")


class Result(NamedTuple):
    """What the load generators saw of one run."""

    calls: int
    failed: int
    """Calls without an HTTP answer. A refusal is one in HTTP, so look at `data_bytes` too."""
    data_bytes: int
    """Bytes of messages that came back: a refused call brings none."""
    seconds: float


class LoadFailed(Exception):
    """h2load could not do its work; the text is its own."""


def install() -> str:
    """The path of h2load, installed from Debian where that is possible.

    Raises:
        LoadFailed: it is missing, and we may not install it.
    """
    found = shutil.which("h2load")
    if found is None and os.geteuid() == 0 and (apt := shutil.which("apt-get")):
        for command in ([apt, "update"], [apt, "install", "--yes", "--no-install-recommends", "nghttp2-client"]):
            subprocess.run(command, check=False, capture_output=True)
        found = shutil.which("h2load")
    if found is None:
        raise LoadFailed(
            "h2load is missing. Debian, Ubuntu: apt-get install nghttp2-client. macOS: brew install nghttp2."
        )
    return found


def framed(message: bytes) -> bytes:
    """A message as gRPC sends it: not compressed, with its length before it."""
    return b"\x00" + len(message).to_bytes(4) + message


def run(
    url: str,
    *,
    bodies: Sequence[Path],
    calls: int,
    in_flight: int,
    headers: Sequence[str],
    core: int,
    rest: bool = False,
) -> Result:
    """Make `calls` calls to the URL, spread over the bodies; each connection keeps `in_flight` of them running.

    `rest`: they are JSON over HTTP/1.1, else gRPC.

    A count and not a duration: h2load breaks off what runs when its time is over, and then nobody knows what was done.
    """
    share = max(1, calls // len(bodies))
    fixed = ["h2load", "-n", str(share), "-c", "1", "-t", "1", "-m", str(in_flight)]
    kind = ("content-type: application/json",) if rest else ("content-type: application/grpc", "te: trailers")
    fixed += ["--h1"] if rest else []
    for header in (*kind, *headers):
        fixed += ["-H", header]
    started = time.perf_counter()
    running = [
        subprocess.Popen(
            pinned([*fixed, "-d", str(body), url], core=core),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        for body in bodies
    ]
    for process in running:
        as_nice_as_we_are(process.pid)
    try:
        outputs = [process.communicate()[0] for process in running]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()
    seconds = time.perf_counter() - started
    results = [_read(output) for output in outputs]
    return Result(
        calls=sum(done for done, _, _ in results),
        failed=sum(failed for _, failed, _ in results),
        data_bytes=sum(data for _, _, data in results),
        seconds=seconds,
    )


def _read(output: str) -> tuple[int, int, int]:
    requests, errors, data = _REQUESTS.search(output), _ERRORS.search(output), _DATA.search(output)
    if requests is None or errors is None or data is None:
        raise LoadFailed(output[-2000:])
    return int(requests[1]), int(requests[2]) + int(errors[1]) + int(errors[2]), int(data[1])
