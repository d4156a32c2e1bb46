"""What each step of a governed call costs: `make steps`, or `python -m loadtests.steps [--engine NAME]`.

A sampling profiler outside of the process, py-spy, looks a hundred times a second what the gateway is at under the
benchmark's load, without stopping it: on the Envoy engine, what its decision worker is at. Samples say which share of
the thread that decides each step has; how much CPU that thread and all others take, of every process that stands for
the gateway, is the kernel's own count for each. Rounds with and without the profiler take turns, which shows what
looking costs. The figures go to `.bench/steps.json`, those of another engine beside it, and are printed as a table of
Markdown.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console

from loadtests import h2load
from loadtests.measuring import OTHER_CORE, Bench
from loadtests.parts import deciding, threads, used
from loadtests.processes import Process, ProcessFailed, end_by_sigterm, pinned
from loadtests.results import machine, of_engine
from loadtests.rounds import FIRST_CALLS, benches, spread
from loadtests.setups import Setup, base_policy
from loadtests.stacks import shares

RESULT: Final = Path(".bench/steps.json")
PER_SECOND: Final = 100


class Looked(NamedTuple):
    """One round that was looked at."""

    steps: dict[str, float]
    """Of each step, CPU in microseconds a call."""
    others: dict[str, float]
    """Of the other threads, by their names."""
    cpu_us: float


def looked(bench: Bench, gateway: Process, *, calls: int, home: Path) -> Looked:
    """A round under the profiler.

    Raises:
        ProcessFailed: it may not look, or saw nothing.
    """
    file = home / "stacks.txt"
    before = threads(gateway.pid)
    seen = before[deciding(before)].pid
    command = ["record", "--pid", str(seen), "--rate", str(PER_SECOND), "--duration", "unlimited", "--threads"]
    command += ["--format", "raw", "--nonblocking", "--output", str(file)]
    with subprocess.Popen(
        pinned([_profiler(), *command], core=OTHER_CORE), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as spy:
        found = bench.governed(calls)
        spy.send_signal(2)  # as Ctrl-C, upon which it writes
        said = (spy.communicate()[0] or b"").decode(errors="replace")
    taken = used(before, threads(gateway.pid))
    tid = deciding(taken)
    try:
        of_thread = shares(file.read_text().splitlines(), tid=tid)
    except (OSError, ValueError) as error:
        raise ProcessFailed(f"py-spy saw nothing: {said[-500:]}") from error
    us = taken.pop(tid).seconds / found.calls * 1e6
    others: defaultdict[str, float] = defaultdict(float)
    for each in taken.values():
        others[each.name] += each.seconds / found.calls * 1e6
    return Looked({step: share * us for step, share in of_thread.items()}, dict(others), found.cpu_us)


def _profiler() -> str:
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise FileNotFoundError("py-spy is missing: pip install py-spy, it comes with the extra dev.")
    return found


def report(rounds: Sequence[Looked], plain: Sequence[float]) -> dict[str, Any]:
    """The figures: medians, least and most of all rounds."""
    names = sorted({name for each in rounds for name in each.others})
    found: dict[str, Any] = {
        "us": spread(plain),
        "us_when_looked_at": spread([each.cpu_us for each in rounds]),
        "steps": {step: spread([each.steps[step] for each in rounds]) for step in rounds[0].steps},
        "threads": {name: spread([each.others.get(name, 0.0) for each in rounds]) for name in names},
    }
    whole = statistics.median(each.cpu_us for each in rounds)
    parts = (*found["steps"].items(), *found["threads"].items())
    return found | {"shares": {name: round(its["median"] / whole, 3) for name, its in parts}}


def table(found: Mapping[str, Any]) -> str:
    """The figures as a table of Markdown; what takes less than a hundredth is left out."""
    lines = ["| | CPU us a call | share |", "|---|---|---|"]
    for name, its in (*found["steps"].items(), *found["threads"].items()):
        share = its["median"] / found["us_when_looked_at"]["median"]
        if share >= 0.005:
            lines.append(f"| {name} | {its['median']:.0f} ({its['min']:.0f} to {its['max']:.0f}) | {share:.0%} |")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.steps", description="What each step of a call costs.")
    parser.add_argument("--engine", default="", help="as `pilote gateway --engine` takes it")
    parser.add_argument("--rounds", type=int, default=7, help="rounds with the profiler, and as many without")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each")
    parser.add_argument("--result", type=Path, help="where the figures go")
    options = parser.parse_args(arguments)
    end_by_sigterm()
    result = options.result or of_engine(RESULT, options.engine)
    console, setup = Console(stderr=True), Setup(base_policy(), engine=options.engine)
    try:
        h2load.install()
        _profiler()
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as name,
            benches(Path(name), {"everything": setup}, console=console) as ready,
        ):
            bench = ready["everything"]
            calls = int(options.seconds * [bench.governed(FIRST_CALLS) for _ in range(2)][-1].calls_per_s)
            seen, plain = [], []
            for number in range(1, options.rounds + 1):
                plain.append(bench.governed(calls).cpu_us)
                seen.append(looked(bench, bench.gateway, calls=calls, home=Path(name)))
                console.print(f"round {number}: {plain[-1]:.0f} us, looked at {seen[-1].cpu_us:.0f} us")
            found = report(seen, plain) | machine()
    except (ProcessFailed, h2load.LoadFailed, FileNotFoundError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
