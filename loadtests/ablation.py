"""What each check of a governed call costs: `make ablation`, or `python -m loadtests.ablation [--engine NAME]`.

Gateways that differ in one thing each (`loadtests.ablations`) take turns on one core with the whole one and with a bare
hop, under the same load. What a thing costs is what the gateway without it takes less than the whole one in the same
round. The figures go to `.bench/ablation.json`, those of another engine beside it, and are printed as a
table of Markdown.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from loadtests import h2load
from loadtests.ablations import Ablation, ablations
from loadtests.measuring import IN_FLIGHT
from loadtests.processes import ProcessFailed, end_by_sigterm
from loadtests.results import machine, of_engine
from loadtests.rounds import Compared, Turns, benches, compared, spread

RESULT: Final = Path(".bench/ablation.json")
_FULL: Final = Turns(rounds=9, seconds=1.5)
_QUICK: Final = Turns(rounds=1, seconds=0.3)


def report(found: Compared, what: Sequence[Ablation]) -> dict[str, Any]:
    """The figures: of the hop, and of each gateway beside it and beside the whole one."""
    whole = found.gateways[what[0].name]
    hop = [each.cpu_us for each in found.hop]
    return {
        "hop_us": spread(hop),
        "gateways": {
            each.name: {
                "says": each.says,
                "us": spread([its.cpu_us for its in found.gateways[each.name]]),
                "calls_per_s": spread([its.calls_per_s for its in found.gateways[each.name]], digits=0),
                "ratio": spread(
                    [its.cpu_us / us for its, us in zip(found.gateways[each.name], hop, strict=True)], digits=2
                ),
                "less_us": spread([a.cpu_us - b.cpu_us for a, b in zip(whole, found.gateways[each.name], strict=True)]),
            }
            for each in what
        },
        "errors": found.errors,
        "errors_by_gateway": {
            name: lost for name, rounds in found.gateways.items() if (lost := sum(each.errors for each in rounds))
        },
    }


def table(found: Mapping[str, Any]) -> str:
    """The figures as a table of Markdown."""
    lines = [
        "| | what is different | CPU us a call | over the hop | less than everything, us |",
        "|---|---|---|---|---|",
    ]
    lines.append(f"| bare hop | | {_cell(found['hop_us'])} | | |")
    for name, its in found["gateways"].items():
        less = "" if name == next(iter(found["gateways"])) else _cell(its["less_us"])
        lines.append(f"| {name} | {its['says']} | {_cell(its['us'])} | {_cell(its['ratio'], digits=2)} | {less} |")
    return "\n".join(lines) + "\n"


def _cell(its: Mapping[str, float], *, digits: int = 0) -> str:
    return f"{its['median']:.{digits}f} ({its['min']:.{digits}f} to {its['max']:.{digits}f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.ablation", description="What each check costs.")
    parser.add_argument("--quick", action="store_true", help="whether it works, not what it costs")
    parser.add_argument("--engine", default="", help="as `pilote gateway --engine` takes it")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="NAME", help="these alone beside everything; - for none"
    )
    parser.add_argument(
        "--python", nargs="*", default=[], metavar="PATH", help="of other environments: everything, run by these"
    )
    parser.add_argument(
        "--environment",
        nargs="*",
        default=[],
        metavar="NAME=TEXT",
        help="everything, each with that in its environment",
    )
    parser.add_argument("--rounds", type=int, default=0, help="so many turns for each")
    parser.add_argument("--beside", nargs="*", default=[], metavar="ENGINE", help="everything, on these engines too")
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT, help="calls that run on each of 8 connections")
    parser.add_argument("--result", type=Path, help="where the figures go")
    options = parser.parse_args(arguments)
    end_by_sigterm()
    result = options.result or of_engine(RESULT, options.engine)
    turns, console = _QUICK if options.quick else _FULL, Console(stderr=True)
    turns = turns._replace(rounds=options.rounds or turns.rounds)
    first, *others = ablations(engine=options.engine)
    what = [first, *(each for each in others if not options.only or each.name in options.only)]
    what += [Ablation(path, "run by that Python", first.setup._replace(python=path)) for path in options.python]
    what += [Ablation(each, "on that engine", first.setup._replace(engine=each)) for each in options.beside]
    for each in options.environment:
        name, _, text = each.partition("=")
        what.append(Ablation(each, "with that in its environment", first.setup._replace(settings={name: text})))
    try:
        h2load.install()
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as name,
            benches(
                Path(name), {each.name: each.setup for each in what}, in_flight=options.in_flight, console=console
            ) as ready,
        ):
            found = report(compared(ready, turns, console=console), what) | machine()
            found |= {"turns": turns._asdict(), "in_flight_each": options.in_flight}
    except (ProcessFailed, h2load.LoadFailed, FileNotFoundError) as error:
        console.print(f"[red]{error}[/]")
        return 1
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(found, indent=2) + "\n")
    sys.stdout.write(table(found))
    if found["errors"]:
        console.print(f"[red]calls failed or left no record, so these do not count: {found['errors_by_gateway']}[/]")
    return 1 if found["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
