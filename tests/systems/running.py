"""A system that runs as a process of its own until a test is done with it."""

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import requests

START_SECONDS: Final = 180.0
_LEASH: Final = ("setpriv", "--pdeathsig", "TERM") if shutil.which("setpriv") else ()
"""Ends the system with the tests, however they end."""


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], *, home: Path, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run the command in the folder `home` until the block ends; it is ready when it answers at the URL `ready`."""
    log = home / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            [*_LEASH, *map(str, command)],
            stdout=out, stderr=subprocess.STDOUT, cwd=home, env=None if environment is None else dict(environment),
        ) as process,
    ):  # fmt: skip
        try:
            _wait(process, ready, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    pause = threading.Event()
    for _ in range(round(START_SECONDS * 10)):
        if process.poll() is not None:
            break
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            requests.get(url, timeout=5)
            return
        pause.wait(0.1)  # what we wait for is in another process
    raise AssertionError(f"the system does not start: {log.read_text(errors='replace')[-2_000:]}")
