"""What a run of the benchmark comes to: figures to keep, budgets they are held against, and a table."""

import importlib.metadata
import json
import os
import platform
import statistics
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from loadtests import swap
from loadtests.governed import TRACE_RATIO
from loadtests.measuring import CONNECTIONS, IN_FLIGHT, Measured, Plan, Round

THRESHOLDS: Final = Path(__file__).with_name("thresholds.json")


def report(measured: Measured, plan: Plan, *, routing: dict[str, Any], backtesting: dict[str, Any]) -> dict[str, Any]:
    """Everything that is worth keeping of a run. The first keys are the ones that budgets are set for."""
    hop, gateway = [r.cpu_us for r in measured.hop], [r.cpu_us for r in measured.governed]
    ratios = [b / a for a, b in zip(hop, gateway, strict=True)]
    envoy = [r.cpu_us for r in measured.on_envoy]
    envoy_ratios = [b / a for a, b in zip(hop, envoy, strict=True)]
    return {
        "hop_us": round(statistics.median(hop), 1),
        "governed_us": round(statistics.median(gateway), 1),
        "ratio": round(statistics.median(ratios), 3),
        "calls_per_s_core": round(1e6 / statistics.median(gateway)),
        "envoy_us": round(statistics.median(envoy), 1),
        "envoy_ratio": round(statistics.median(envoy_ratios), 3),
        "envoy_calls_per_s_core": round(1e6 / statistics.median(envoy)),
        "routing_us": routing["realistic"]["us"]["median"],
        "rss_mb": round(measured.rss_mb, 1),
        "swap_s": round(statistics.median(each.seconds for each in measured.swaps), 2),
        "swap_step_ms": round(statistics.median(each.step_ms for each in measured.swaps), 1),
        "backtest_calls_per_s": backtesting["calls_per_s"],
        "backtesting": backtesting,
        "swaps": [_rounded(each) for each in measured.swaps],
        "rss_before_mb": round(measured.rss_before_mb, 1),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "hop": [_rounded(r) for r in measured.hop],
        "governed": [_rounded(r) for r in measured.governed],
        "on_envoy": [_rounded(r) for r in measured.on_envoy],
        "errors": sum(r.errors for r in (*measured.hop, *measured.governed, *measured.on_envoy))
        + sum(s.failed for s in measured.swaps),
        "spans": measured.spans,
        "trace_ratio": TRACE_RATIO,
        "routing": routing,
        "plan": plan._asdict(),
        "load": {
            "connections": CONNECTIONS,
            "in_flight_each": IN_FLIGHT,
            "command": f"h2load -n CALLS -c 1 -m {IN_FLIGHT} -d BODY",
        },
    } | machine()


def of_engine(path: Path, engine: str) -> Path:
    """Where the figures of that engine go, so that they never mix with those of another one; empty: the usual one."""
    return path.with_stem(f"{path.stem}-{engine}") if engine else path


def machine() -> dict[str, Any]:
    """On what it was measured, and with which versions."""
    versions = {name: importlib.metadata.version(name) for name in ("grpcio", "uvloop", "cel-expr-python", "protobuf")}
    return {
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "kernel": platform.release()},
        "versions": {"python": platform.python_version()} | versions,
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
    for name in ("hop", "governed", "on_envoy"):
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
    its = found["backtesting"]
    console.print(
        f"a backtest over {its['calls']} calls: {its['seconds']} s, {its['cores']} cores; "
        f"{its['cpu_us']} us CPU a call, and {its['cpu_us_of_audit']} us of the audit service"
    )
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
