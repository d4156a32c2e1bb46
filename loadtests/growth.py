"""What a call costs as a company grows: `make growth`, or `python -m loadtests.growth [NAME ...] [--engine NAME]`.

One dimension at a time (`loadtests.growing`), everything else as it is: a gateway of each size, which take turns on one
core with each other and with a bare hop, under calls of all callers about all customers. A line is laid through the
costs of each round; the run fails where it rises more than `growth_thresholds.json` lets it. The figures go to
`.bench/growth.json`, the plots beside RESULTS.md, those of another engine beside these, and a table of Markdown is
printed.
"""

import argparse
import contextlib
import json
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from loadtests.flatness import budgets, flatness, steep
from loadtests.governed import governed
from loadtests.growing import Dimension, dimensions, setup
from loadtests.grown import Grown, Load
from loadtests.growth_plots import drawn
from loadtests.measuring import CONNECTIONS, IN_FLIGHT, OTHER_CORE, SERVER_CORE
from loadtests.processes import Process, ProcessFailed, end_by_sigterm, python
from loadtests.results import machine, of_engine
from loadtests.rounds import Compared, Turns, spread
from loadtests.varying import Plan

RESULT: Final = Path(".bench/growth.json")
PLOTS: Final = Path(__file__).with_name("growth.svg")
_FULL: Final = Turns(rounds=9, seconds=1.5)
_QUICK: Final = Turns(rounds=2, seconds=0.3)
_FIRST_CALLS: Final = 1_000


def measure(dimension: Dimension, turns: Turns, *, engine: str, in_flight: int, console: Console) -> Compared:
    """Rounds of the hop, and of a gateway of each size by its count.

    Raises:
        ProcessFailed: something did not come up, or has ended.
    """
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        load = Load(home)
        upstream = stack.enter_context(Process(python("loadtests.echo"), core=OTHER_CORE, log=home / "echo.log"))
        address = f"127.0.0.1:{upstream.line()}"
        hop = stack.enter_context(Process(python("loadtests.hop", address), core=SERVER_CORE, log=home / "hop.log"))
        plan = Plan(int(hop.line()), (("authorization", "x" * 300),), 0, 8, _FIRST_CALLS, CONNECTIONS, in_flight, 0)
        grown: dict[int, Grown] = {}
        for count in dimension.counts:
            size, folder = dimension.size(count), home / str(count)
            folder.mkdir()
            its = setup(size, engine=engine)
            running = governed(folder, upstream=address, core=SERVER_CORE, other_core=OTHER_CORE, setup=its)
            grown[count] = Grown(stack.enter_context(running), size, load, in_flight=in_flight)
            grown[count].ready(rounds=turns.rounds + 1)
            console.print(f"{dimension.name}: {count} are up")
        plan = plan._replace(calls=int(turns.seconds * load.round(hop, plan).calls_per_s))
        calls = int(turns.seconds * next(iter(grown.values())).round(turns.rounds + 1, _FIRST_CALLS).calls_per_s)
        found = Compared([], {str(count): [] for count in grown})
        order, draw = list(grown), random.Random(1)  # noqa: S311 - so that nobody always follows the same one
        for number in range(1, turns.rounds + 1):
            found.hop.append(load.round(hop, plan))
            draw.shuffle(order)
            for count in order:
                found.gateways[str(count)].append(grown[count].round(number, calls))
            costs = ", ".join(f"{count}: {rounds[-1].cpu_us:.0f}" for count, rounds in found.gateways.items())
            console.print(f"{dimension.name}, round {number}: hop {found.hop[-1].cpu_us:.0f} us, {costs}")
        return found


def report(dimension: Dimension, found: Compared) -> dict[str, Any]:
    """The figures of one dimension."""
    costs = {int(count): [each.cpu_us for each in rounds] for count, rounds in found.gateways.items()}
    by_round = [dict(zip(costs, each, strict=True)) for each in zip(*costs.values(), strict=True)]
    return {
        "says": dimension.says,
        "hop_us": spread([each.cpu_us for each in found.hop]),
        "us": {str(count): spread(figures) for count, figures in costs.items()},
        "rounds": {str(count): [round(figure, 1) for figure in figures] for count, figures in costs.items()},
        **flatness(by_round),
        "errors": found.errors,
    }


def table(found: Mapping[str, Any], limits: Mapping[str, float]) -> str:
    """The figures as a table of Markdown."""
    lines = [
        "| | CPU us a call, by how many | more for ten times as many, us | rise | budget |",
        "|---|---|---|---|---|",
    ]
    for name, its in found.items():
        costs = "; ".join(f"{int(count):,}: {_cell(each)}" for count, each in its["us"].items())
        mark = "" if its["rise"]["median"] <= limits[name] else ", **missed**"
        tenfold, rise = _cell(its["tenfold_us"], digits=1), _cell(its["rise"], digits=2)
        lines.append(f"| {name} | {costs} | {tenfold} | {rise} | {limits[name]}{mark} |")
    return "\n".join(lines) + "\n"


def _cell(its: Mapping[str, float], *, digits: int = 0) -> str:
    return f"{its['median']:.{digits}f} ({its['min']:.{digits}f} to {its['max']:.{digits}f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code: 1 where a call costs more as something grows."""
    known = {each.name: each for each in dimensions()}
    parser = argparse.ArgumentParser(prog="loadtests.growth", description="What a call costs as a company grows.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; none: all")
    parser.add_argument("--quick", action="store_true", help="whether it works, not what it costs")
    parser.add_argument("--rounds", type=int, default=0, help="so many turns for each size")
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT, help="calls that run on each of 8 connections")
    parser.add_argument("--engine", default="", help="as `pilote gateway --engine` takes it")
    parser.add_argument("--result", type=Path, help="where the figures go; those of others stay")
    parser.add_argument("--plots", type=Path, help="where the plots go")
    options = parser.parse_args(arguments)
    end_by_sigterm()
    result = options.result or of_engine(RESULT, options.engine)
    plots = options.plots or of_engine(PLOTS, options.engine)
    if unknown := set(options.names) - known.keys():
        parser.error(f"{', '.join(sorted(unknown))} does not grow here; choose of {', '.join(known)}")
    turns, console = _QUICK if options.quick else _FULL, Console(stderr=True)
    turns = turns._replace(rounds=options.rounds or turns.rounds)
    before = json.loads(result.read_text()) if result.exists() else {}
    found = dict(before.get("dimensions", {}))
    try:
        for name in options.names or known:
            its = measure(known[name], turns, engine=options.engine, in_flight=options.in_flight, console=console)
            found[name] = report(known[name], its)
    except (ProcessFailed, FileNotFoundError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    found = {name: found[name] for name in known if name in found}
    result.parent.mkdir(parents=True, exist_ok=True)
    whole = {"dimensions": found, "turns": turns._asdict(), "in_flight": options.in_flight} | machine()
    result.write_text(json.dumps(whole, indent=2) + "\n")
    plots.write_bytes(drawn(found))
    limits = budgets()
    sys.stdout.write(table(found, limits))
    if failed := [name for name, its in found.items() if its["errors"]]:
        console.print(f"[red]calls failed or left no record, so these do not count: {', '.join(failed)}[/]")
    if late := steep(found, limits):
        console.print(f"[red]a call costs more the more there are: {', '.join(late)}[/]")
    return 1 if failed or late else 0


if __name__ == "__main__":
    sys.exit(main())
