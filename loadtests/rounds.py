"""Several gateways beside one bare hop, measured in turn."""

import contextlib
import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from loadtests.governed import governed
from loadtests.measuring import IN_FLIGHT, OTHER_CORE, SERVER_CORE, Bench, Round
from loadtests.processes import Process, python
from loadtests.setups import Setup

FIRST_CALLS = 1_000


class Turns(NamedTuple):
    """How often everybody has their turn, and how long it is."""

    rounds: int
    seconds: float


class Compared(NamedTuple):
    """Rounds of the hop and of each gateway; those with the same number were made within the same seconds."""

    hop: list[Round]
    gateways: dict[str, list[Round]]

    @property
    def errors(self) -> int:
        """Calls that failed, or left no record."""
        return sum(each.errors for rounds in (self.hop, *self.gateways.values()) for each in rounds)


@contextlib.contextmanager
def benches(
    home: Path, setups: Mapping[str, Setup], *, in_flight: int = IN_FLIGHT, console: Console
) -> Iterator[dict[str, Bench]]:
    """A gateway for each setup, each with a store of its own, before one upstream and beside one hop.

    Of each of its connections so many calls are `in_flight`.

    Raises:
        ProcessFailed: something did not come up.
    """
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(Process(python("loadtests.echo"), core=OTHER_CORE, log=home / "echo.log"))
        address = f"127.0.0.1:{upstream.line()}"
        hop = stack.enter_context(Process(python("loadtests.hop", address), core=SERVER_CORE, log=home / "hop.log"))
        port, found = int(hop.line()), {}
        for number, (name, setup) in enumerate(setups.items()):
            folder = home / str(number)
            folder.mkdir()
            gateway = stack.enter_context(
                governed(folder, upstream=address, core=SERVER_CORE, other_core=OTHER_CORE, setup=setup)
            )
            console.print(f"{name}: up")
            found[name] = Bench(folder, hop=hop, hop_port=port, gateway=gateway, in_flight=in_flight, console=console)
        yield found


def compared(benches: Mapping[str, Bench], turns: Turns, *, console: Console) -> Compared:
    """Warm everybody up, then let them take turns, each time in another order."""
    first = next(iter(benches.values()))
    calls_of_hop = calls = FIRST_CALLS
    for _ in range(2):
        calls_of_hop = int(turns.seconds * first.hop(calls_of_hop).calls_per_s)
    for bench in benches.values():
        calls = int(turns.seconds * bench.governed(FIRST_CALLS).calls_per_s)
        bench.governed(calls)
    found = Compared([], {name: [] for name in benches})
    order, draw = list(benches), random.Random(1)  # noqa: S311 - so that nobody always follows the same one
    for number in range(1, turns.rounds + 1):
        found.hop.append(first.hop(calls_of_hop))
        draw.shuffle(order)
        for name in order:
            found.gateways[name].append(benches[name].governed(calls))
        costs = ", ".join(f"{name} {rounds[-1].cpu_us:.0f}" for name, rounds in found.gateways.items())
        console.print(f"round {number} of {turns.rounds}: hop {found.hop[-1].cpu_us:.0f} us, {costs}")
    return found


def spread(figures: Sequence[float], *, digits: int = 1) -> dict[str, Any]:
    """Median, least and most."""
    return {
        "median": round(statistics.median(figures), digits),
        "min": round(min(figures), digits),
        "max": round(max(figures), digits),
    }
