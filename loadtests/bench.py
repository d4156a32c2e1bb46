"""What governing a call costs: `make bench`, or `python -m loadtests.bench --quick`.

Measures the CPU that one call costs (a) a bare grpc.aio proxy hop, (b) the whole gateway and (c) the same on the Envoy
engine, in turn, on the same core, with the same load, in front of the same upstream. The measured server has a core for
itself; load generators, stores, upstream and trace sinks share the other. Budgets stand in `thresholds.json`.

CPU per call, not latency: on a shared machine it is what repeats, and it is what capacity is planned by.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from loadtests import h2load
from loadtests.measuring import SERVER_CORE, Bench, Plan
from loadtests.processes import Process, ProcessFailed, end_by_sigterm, python
from loadtests.results import missed, report, show
from loadtests.rounds import benches
from loadtests.setups import Setup, base_policy

RESULT: Final = Path(".bench/latest.json")
_QUICK: Final = Plan(rounds=2, seconds=1.5, warm_ups=1, swaps=1)
_FULL: Final = Plan(rounds=7, seconds=5, warm_ups=2, swaps=6)


@contextlib.contextmanager
def _engines(console: Console) -> Iterator[tuple[Bench, Bench]]:
    """The gateway on both engines."""
    setups = {engine: Setup(base_policy(), engine=engine) for engine in ("in-process", "envoy")}
    # A short path: a Unix socket's may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="bench-") as name, benches(Path(name), setups, console=console) as found:
        yield found["in-process"], found["envoy"]


def _routing() -> dict[str, Any]:
    """What `loadtests.routing` measures, alone on the server's core."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        log = Path(name) / "routing.log"
        with Process(python("loadtests.routing"), core=SERVER_CORE, log=log) as process:
            found: dict[str, Any] = json.loads(process.line())
    return found


def _backtesting(calls: int) -> dict[str, Any]:
    """What `loadtests.backtesting` measures, on all cores."""
    command = python("loadtests.backtesting", "--calls", str(calls))
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.bench", description="What governing a call costs.")
    parser.add_argument("--quick", action="store_true", help="20 seconds: whether it works, not how fast it is")
    parser.add_argument("--strict", action="store_true", help="fail when a budget is missed")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    options = parser.parse_args(arguments)
    plan = _QUICK if options.quick else _FULL
    console = Console()
    end_by_sigterm()
    try:
        h2load.install()
        console.print(f"{plan.rounds} rounds of {plan.seconds} s for each; server on core 0, everything else on core 1")
        with _engines(console) as (bench, on_envoy):
            measured = bench.measure(plan, on_envoy=on_envoy)
        console.print("a backtest, over calls that are made up first: that takes some minutes")
        found = report(
            measured, plan, routing=_routing(), backtesting=_backtesting(20_000 if options.quick else 1_000_000)
        )
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    except (ProcessFailed, h2load.LoadFailed, FileNotFoundError, subprocess.CalledProcessError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    options.result.parent.mkdir(parents=True, exist_ok=True)
    options.result.write_text(json.dumps(found, indent=2) + "\n")
    show(found, console)
    if found["errors"]:
        console.print("[red]calls failed or left no record: the figures do not count[/]")
        return 1
    return 1 if options.strict and missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
