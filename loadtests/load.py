"""Load on a stack of its own: `make load`, or `python -m loadtests.load [SCENARIO ...] [--rate N] [--workers N]`.

A stack is started with the demonstration's policy and people, Locust puts load on it without its web page, scenario by
scenario, each with customers of its own, and reports are written below `.bench/load`. The exit code is 1 where a
scenario missed a threshold.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from loadtests.governed import free_port
from loadtests.locusts.acting import answering
from loadtests.locusts.mix import people
from loadtests.locusts.scenarios import SCENARIOS
from loadtests.locusts.stack import Stack, running
from loadtests.processes import ProcessFailed, end_by_sigterm

REPORTS: Final = Path(".bench/load")
LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
_STOP_S: Final = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenarios; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.load", description="Load on a stack of its own.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; none: all")
    parser.add_argument("--rate", type=float, default=30.0, help="calls a second at a load of 1")
    parser.add_argument("--seconds", type=float, default=0.0, help="stretch each scenario to so long in all")
    parser.add_argument("--gateways", type=int, default=2, help="gateway processes")
    parser.add_argument("--workers", type=int, default=0, help="Locust workers besides a master; 0: one process")
    parser.add_argument("--people", type=int, default=300, help="customers of the demonstration")
    parser.add_argument("--thresholds", default="", help="another file of thresholds, or 'none'")
    parser.add_argument("--reports", type=Path, default=REPORTS, help="where reports are written")
    parser.add_argument("--first-port", type=int, help="take ports from here on; else any that are free")
    told = parser.parse_args(arguments)
    unknown = [name for name in told.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    end_by_sigterm()
    told.reports.mkdir(parents=True, exist_ok=True)
    names = told.scenarios or list(SCENARIOS)
    codes: dict[str, int] = {}
    try:
        # One world, of which each scenario has its part: simulating it takes some seconds.
        every = people(told.people * len(names), part=(1, 1))
        with _stack(told, every) as stack:
            for number, name in enumerate(names, start=1):
                sys.stdout.write(f"\n=== {name}: {SCENARIOS[name].what}\n")
                sys.stdout.flush()
                stack.bring_in(every[told.people * (number - 1) : told.people * number])
                codes[name] = _locust(name, told, stack=stack, part=(number, len(names)))
    except (ProcessFailed, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"\nReports: {told.reports}\n")
    for name, code in codes.items():
        sys.stdout.write(f"{name}: {'kept its thresholds' if code == 0 else f'FAILED ({code})'}\n")
    return 1 if any(codes.values()) else 0


@contextlib.contextmanager
def _stack(told: Any, every: Sequence[Any]) -> Iterator[Stack]:
    # A short path: a Unix socket's may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="load-") as home:
        started = running(Path(home), gateways=told.gateways, people=every, first_port=told.first_port)
        with started as stack, answering(stack.control, stack.acts):
            yield stack


def _locust(name: str, told: Any, *, stack: Stack, part: tuple[int, int]) -> int:
    common = [
        *(sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--scenario", name, "--gateway", stack.gateways),
        *("--front", f"http://{stack.address('agents')}", "--keys", str(stack.keys_file)),
        *("--audit", stack.address("audit"), "--control", str(stack.control), "--rate", str(told.rate)),
        *(
            "--people",
            str(told.people),
            "--part",
            f"{part[0]}/{part[1]}",
            "--seconds",
            str(told.seconds),
            "--loglevel",
            "WARNING",
        ),
        *(("--thresholds", told.thresholds) if told.thresholds else ()),
    ]
    report = str(told.reports / name)
    shown = ["--headless", "--only-summary", "--html", f"{report}.html", "--csv", report]
    if not told.workers:
        return _until_over([*common, *shown])
    # Another one for each run: what the workers of one had left to say once ended the next.
    port = str(free_port() if told.first_port is None else told.first_port + 7 + told.gateways + part[0])
    workers = [
        subprocess.Popen([*common, "--worker", "--master-host", "127.0.0.1", "--master-port", port])
        for _ in range(told.workers)
    ]
    try:
        master = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        return _until_over([*common, *shown, *master, "--expect-workers", str(told.workers)])
    finally:
        for worker in workers:
            _ended(worker)


def _until_over(command: Sequence[str]) -> int:
    process = subprocess.Popen(command)
    try:
        return process.wait()
    finally:
        _ended(process)


def _ended(process: "subprocess.Popen[bytes]") -> None:
    """They end by themselves with the run; who does not is told to."""
    try:
        process.wait(_STOP_S if process.poll() is None else 0)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
