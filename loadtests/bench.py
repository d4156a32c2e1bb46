"""What governing a call costs: `make bench`, or `python -m loadtests.bench --quick`.

Measures the CPU that one call costs (a) a bare grpc.aio proxy hop and (b) the whole gateway, in turn, on the same core,
with the same load, in front of the same upstream. The measured server has a core for itself; load generators, store,
upstream and trace sink share the other. Budgets stand in `thresholds.json`.

CPU per call, not latency: on a shared machine it is what repeats, and it is what capacity is planned by.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import signal
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Table

from loadtests import echo, h2load, swap
from loadtests.governed import METHOD, TRACE_RATIO, Governed, Written, governed, request
from loadtests.processes import Process, ProcessFailed, python

CONNECTIONS: Final = 8
"""Each of its own h2load, with a customer of its own."""
IN_FLIGHT: Final = 4
"""Calls running on each connection. From 8 x 1 to 8 x 8 the server's core was busy to 96-98 %, and the CPU per call the
same within the noise (hop 257-267 us, governed 566-592 us)."""
THRESHOLDS: Final = Path(__file__).with_name("thresholds.json")
RESULT: Final = Path(".bench/latest.json")
_SERVER_CORE: Final = 0
_OTHER_CORE: Final = 1
_FIRST_CALLS: Final = 2_000
"""Calls of a warm-up; from how long they take follows how many calls a round makes."""


class Round(NamedTuple):
    """One server under load for some seconds."""

    calls: int
    cpu_us: float
    """CPU of the measured process, microseconds a call."""
    calls_per_s: float
    """What the load generator reached."""
    busy: float
    """CPU time over wall time; near 1 the server is what limits."""
    errors: int
    """Calls that were not answered with the upstream's message, and entries that are missing in the stream."""


class Measured(NamedTuple):
    """All rounds."""

    hop: list[Round]
    governed: list[Round]
    rss_before_mb: float
    rss_mb: float
    swaps: tuple[swap.Swap, ...]
    spans: int


class Plan(NamedTuple):
    """How long to measure."""

    rounds: int
    seconds: float
    warm_ups: int
    swaps: int


_QUICK: Final = Plan(rounds=2, seconds=1.5, warm_ups=1, swaps=1)
_FULL: Final = Plan(rounds=7, seconds=5, warm_ups=2, swaps=6)


class Bench:
    """The two servers, and how to put load on them."""

    def __init__(self, folder: Path, *, hop: Process, hop_port: int, gateway: Governed, console: Console) -> None:
        self._folder = folder
        self._hop = hop
        self._hop_port = hop_port
        self._gateway = gateway
        self._console = console
        self._customers = 0

    def measure(self, plan: Plan) -> Measured:
        """Warm both up, then measure them in turn."""
        calls_of_hop = calls_of_governed = _FIRST_CALLS
        for _ in range(plan.warm_ups):
            calls_of_hop = int(plan.seconds * self.hop(calls_of_hop).calls_per_s)
            calls_of_governed = int(plan.seconds * self.governed(calls_of_governed).calls_per_s)
        rss_before_mb = self._gateway.process.rss_mb()
        hop, gateway = [], []
        for number in range(1, plan.rounds + 1):
            hop.append(self.hop(calls_of_hop))
            gateway.append(self.governed(calls_of_governed))
            self._console.print(
                f"round {number} of {plan.rounds}: hop {hop[-1].cpu_us:.0f} us, governed {gateway[-1].cpu_us:.0f} us, "
                f"{gateway[-1].cpu_us / hop[-1].cpu_us:.2f}x"
            )
        rss_mb = self._gateway.process.rss_mb()
        swaps = swap.measure(self._gateway, self._folder, times=plan.swaps, core=_OTHER_CORE)
        self._gateway.process.stop()  # sends the spans that are left
        return Measured(hop, gateway, rss_before_mb, rss_mb, swaps, int(self._gateway.sink.stop()))

    def hop(self, calls: int) -> Round:
        """A round through the bare hop."""
        return self._round(self._hop, self._hop_port, calls)

    def governed(self, calls: int) -> Round:
        """A round through the gateway, with its entries in the stream counted and then removed."""
        settled = self._gateway.until_settled
        found = self._round(self._gateway.process, self._gateway.port, calls, finish=settled)
        missing = _missing(self._gateway.written(), found.calls)
        self._gateway.forget()
        return found._replace(errors=found.errors + missing)

    def _round(self, server: Process, port: int, calls: int, *, finish: Callable[[int], None] | None = None) -> Round:
        """Load for `calls` calls. `finish` waits for the work that the server does after it has answered."""
        bodies = [self._body() for _ in range(CONNECTIONS)]
        before = server.cpu_seconds()
        result = h2load.run(
            f"http://127.0.0.1:{port}{METHOD}",
            bodies=bodies,
            calls=calls,
            in_flight=IN_FLIGHT,
            headers=(f"authorization: {self._gateway.authorization}",),
            core=_OTHER_CORE,
        )
        if finish is not None:
            finish(result.calls)
        cpu = server.cpu_seconds() - before
        server.check()
        answered = result.data_bytes // len(h2load.framed(echo.ANSWER))
        return Round(
            calls=result.calls,
            cpu_us=cpu / result.calls * 1e6,
            calls_per_s=result.calls / result.seconds,
            busy=cpu / result.seconds,
            errors=max(result.failed, result.calls - answered),
        )

    def _body(self) -> Path:
        """A request for a customer who was never written to, so that no sliding log outgrows its round."""
        self._customers += 1
        customer = f"contacts/{self._customers}"
        self._gateway.know(customer)
        path = self._folder / f"{self._customers}.body"
        path.write_bytes(h2load.framed(request(customer)))
        return path


def _missing(written: Written, calls: int) -> int:
    """How many calls lack their record or their settlement, or were refused."""
    return max(written.refused, abs(calls - written.admitted), abs(calls - written.settled))


@contextlib.contextmanager
def _bench(console: Console) -> Iterator[Bench]:
    # A short path: a Unix socket's may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="bench-") as name, contextlib.ExitStack() as stack:
        home = Path(name)
        upstream = stack.enter_context(Process(python("loadtests.echo"), core=_OTHER_CORE, log=home / "echo.log"))
        address = f"127.0.0.1:{upstream.line()}"
        hop = stack.enter_context(Process(python("loadtests.hop", address), core=_SERVER_CORE, log=home / "hop.log"))
        hop_port = int(hop.line())
        gateway = stack.enter_context(governed(home, upstream=address, core=_SERVER_CORE, other_core=_OTHER_CORE))
        yield Bench(home, hop=hop, hop_port=hop_port, gateway=gateway, console=console)


def _routing() -> dict[str, Any]:
    """What `loadtests.routing` measures, alone on the server's core."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        log = Path(name) / "routing.log"
        with Process(python("loadtests.routing"), core=_SERVER_CORE, log=log) as process:
            found: dict[str, Any] = json.loads(process.line())
    return found


def report(measured: Measured, plan: Plan, *, routing: dict[str, Any]) -> dict[str, Any]:
    """Everything that is worth keeping of a run. The first keys are the ones that budgets are set for."""
    hop, gateway = [r.cpu_us for r in measured.hop], [r.cpu_us for r in measured.governed]
    ratios = [b / a for a, b in zip(hop, gateway, strict=True)]
    return {
        "hop_us": round(statistics.median(hop), 1),
        "governed_us": round(statistics.median(gateway), 1),
        "ratio": round(statistics.median(ratios), 3),
        "calls_per_s_core": round(1e6 / statistics.median(gateway)),
        "routing_us": routing["realistic"]["us"]["median"],
        "rss_mb": round(measured.rss_mb, 1),
        "swap_s": round(statistics.median(each.seconds for each in measured.swaps), 2),
        "swap_step_ms": round(statistics.median(each.step_ms for each in measured.swaps), 1),
        "swaps": [_rounded(each) for each in measured.swaps],
        "rss_before_mb": round(measured.rss_before_mb, 1),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "hop": [_rounded(r) for r in measured.hop],
        "governed": [_rounded(r) for r in measured.governed],
        "errors": sum(r.errors for r in (*measured.hop, *measured.governed)) + sum(s.failed for s in measured.swaps),
        "spans": measured.spans,
        "trace_ratio": TRACE_RATIO,
        "routing": routing,
        "plan": plan._asdict(),
        "load": {
            "connections": CONNECTIONS,
            "in_flight_each": IN_FLIGHT,
            "command": f"h2load -n CALLS -c 1 -m {IN_FLIGHT} -d BODY",
        },
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "kernel": platform.release()},
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in ("grpcio", "uvloop", "cel-expr-python", "protobuf")},
    }


def _rounded(found: Round | swap.Swap) -> dict[str, float]:
    return {name: round(value, 3) for name, value in found._asdict().items()}


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def missed(found: dict[str, Any]) -> list[str]:
    """Names of the budgets that the run does not keep."""
    budgets = json.loads(THRESHOLDS.read_text())
    return [
        name
        for name, budget in budgets.items()
        if found[name] > budget.get("max", found[name]) or found[name] < budget.get("min", found[name])
    ]


def show(found: dict[str, Any], console: Console) -> None:
    """The run as a table, and which budgets hold."""
    table = Table(title="CPU per call, one core")
    for column in ("", "median us", "min", "max", "calls/s reached", "core busy", "errors"):
        table.add_column(column, justify="left" if not column else "right")
    for name in ("hop", "governed"):
        rounds = found[name]
        cpu = [r["cpu_us"] for r in rounds]
        table.add_row(
            name,
            *(f"{value:.0f}" for value in (statistics.median(cpu), min(cpu), max(cpu))),
            f"{statistics.median(r['calls_per_s'] for r in rounds):.0f}",
            f"{statistics.median(r['busy'] for r in rounds):.0%}",
            str(sum(r["errors"] for r in rounds)),
        )
    console.print(table)
    console.print(f"ratio, pair by pair: {', '.join(f'{ratio:.2f}' for ratio in found['ratios'])}")
    calls = sum(r["calls"] for r in found["governed"])
    console.print(f"{calls} governed calls measured, {found['spans']} spans exported in all, {found['errors']} errors")
    for name in ("realistic", "worst", "plain"):
        case = found["routing"][name]
        us, concerned = (
            case["us"],
            f"{case['experiments_of_call']} of {case['experiments']} experiments concern the call",
        )
        console.print(f"routing, {concerned}: {us['median']} us CPU ({us['min']} to {us['max']})")
    for each in found["swaps"]:
        console.print(
            f"swap of {swap.RULES} rules: {each['seconds']:.2f} s, slowest call {each['step_ms']:.1f} ms above usual "
            f"(in a quiet time {each['quiet_ms']:.1f}), {each['failed']} failed"
        )
    late = missed(found)
    for name, budget in json.loads(THRESHOLDS.read_text()).items():
        limit = f"at most {budget['max']}" if "max" in budget else f"at least {budget['min']}"
        mark = "[red]missed[/]" if name in late else "[green]held[/]"
        console.print(f"{mark} {name} {found[name]} ({limit}): {budget['what']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loadtests.bench", description="What governing a call costs.")
    parser.add_argument("--quick", action="store_true", help="20 seconds: whether it works, not how fast it is")
    parser.add_argument("--strict", action="store_true", help="fail when a budget is missed")
    parser.add_argument("--result", type=Path, default=RESULT, help="where the figures go")
    options = parser.parse_args(arguments)
    plan = _QUICK if options.quick else _FULL
    console = Console()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leaves by the same `finally` as Ctrl-C
    try:
        h2load.install()
        console.print(f"{plan.rounds} rounds of {plan.seconds} s for each; server on core 0, everything else on core 1")
        with _bench(console) as bench:
            measured = bench.measure(plan)
        found = report(measured, plan, routing=_routing())
    except KeyboardInterrupt:
        console.print("stopped")
        return 130
    except (ProcessFailed, h2load.LoadFailed, FileNotFoundError) as error:
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
