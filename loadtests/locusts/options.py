"""What a run is told: the options that the Locust file adds to Locust's own, and what they come to."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from loadtests.locusts.arrivals import Spacing
from loadtests.locusts.mix import AGENTS, NOISY
from loadtests.locusts.scenarios import SCENARIOS, Scenario, stretched
from loadtests.locusts.thresholds import Threshold, read

THRESHOLDS: Final = Path(__file__).with_name("thresholds.yaml")


class OptionsWrong(Exception):
    """They cannot be run; the text says how to mend them."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was told, checked."""

    scenario: Scenario
    gateways: tuple[str, ...]
    front: str
    """URL of the front for agents; empty: nobody calls by REST or MCP."""
    keys: Mapping[str, str]
    audit: str
    """Address of the audit service; empty: records are not looked at."""
    control: Path | None
    rate: float
    pace: float
    spacing: Spacing
    people: int
    part: tuple[int, int]
    """(which, of how many): the first of two parts is (1, 2)."""
    seed: int
    connections: int
    timeout_s: float
    tls_ca: Path | None
    thresholds: tuple[Threshold, ...]


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add them to a parser."""
    mine = parser.add_argument_group("Pilote", "What load is put on, and how; loadtests/LOAD.md has examples.")
    mine.add_argument("--scenario", choices=tuple(SCENARIOS), default="steady", help="course of the load")
    mine.add_argument("--gateway", default="127.0.0.1:50051", help="gateways, HOST:PORT, parted by commas")
    mine.add_argument("--front", default="", help="URL of the front for REST and MCP; without it, gRPC only")
    mine.add_argument("--keys", default="", help="JSON file with the API key of each agent, by its name")
    mine.add_argument("--audit", default="", help="audit service, HOST:PORT: say what the records say")
    mine.add_argument("--control", default="", help="socket of who has started the stack, for scenarios that hurt it")
    mine.add_argument("--rate", type=float, default=60.0, help="calls a second at a load of 1, all users together")
    mine.add_argument("--pace", type=float, default=2.0, help="calls a second of one user")
    mine.add_argument("--spacing", choices=("poisson", "even"), default="poisson", help="gaps between a user's calls")
    mine.add_argument("--seconds", type=float, default=0.0, help="stretch the scenario to so long in all")
    mine.add_argument("--people", type=int, default=300, help="customers of the demonstration to call about")
    mine.add_argument("--part", default="1/1", help="which part of so many times those customers: 2/8 is the second")
    mine.add_argument("--seed", type=int, default=1, help="what calls and gaps are drawn by")
    mine.add_argument("--connections", type=int, default=8, help="gRPC connections to each gateway, of each process")
    mine.add_argument("--call-timeout", type=float, default=10.0, help="seconds that a call has, from when it is made")
    mine.add_argument("--tls-ca", default="", help="PEM file of who has signed the gateway's certificate: use TLS")
    mine.add_argument("--thresholds", default=str(THRESHOLDS), help="YAML file, by scenario; 'none': judge nothing")


def checked(told: Any) -> Options:
    """The options of a namespace that was parsed.

    Raises:
        OptionsWrong: they do not fit together, or a file cannot be read.
    """
    scenario = SCENARIOS[told.scenario]
    for name, value in (
        ("rate", told.rate),
        ("pace", told.pace),
        ("people", told.people),
        ("call-timeout", told.call_timeout),
    ):
        if value <= 0:
            raise OptionsWrong(f"--{name} is above 0")
    if told.connections < 1:
        raise OptionsWrong("--connections is 1 or more")
    if scenario.hurts and not told.control:
        raise OptionsWrong(
            f"the scenario {scenario.name} hurts the stack ({', '.join(scenario.hurts)}), which only who has started "
            f"it may do: `make load SCENARIO={scenario.name}`, or name the socket of such a one by --control."
        )
    if told.seconds:
        try:
            scenario = stretched(scenario, told.seconds)
        except ValueError as error:
            raise OptionsWrong(f"--seconds: {error}") from error
    try:
        thresholds = (
            () if told.thresholds == "none" else read(Path(told.thresholds).read_bytes()).get(scenario.name, ())
        )
    except (OSError, ValueError) as error:
        raise OptionsWrong(f"--thresholds: {error}") from error
    return Options(
        scenario=scenario,
        gateways=tuple(filter(None, told.gateway.split(","))),
        front=told.front,
        keys=_keys(told.keys, noisy=scenario.noisy),
        audit=told.audit,
        control=Path(told.control) if told.control else None,
        rate=told.rate,
        pace=told.pace,
        spacing=told.spacing,
        people=told.people,
        part=_part(told.part),
        seed=told.seed,
        connections=told.connections,
        timeout_s=told.call_timeout,
        tls_ca=Path(told.tls_ca) if told.tls_ca else None,
        thresholds=thresholds,
    )


def _part(text: str) -> tuple[int, int]:
    which, _, of = text.partition("/")
    if not (which.isdigit() and of.isdigit() and 1 <= int(which) <= int(of)):
        raise OptionsWrong(f"--part {text}: say which of how many, such as 2/8")
    return int(which), int(of)


def _keys(path: str, *, noisy: bool) -> Mapping[str, str]:
    wanted = (*AGENTS, NOISY) if noisy else AGENTS
    how = f'--keys names a JSON file with the keys of {", ".join(wanted)}, such as {{"sales-bot": "pilote_…"}}'
    try:
        found = msgspec.convert(json.loads(Path(path).read_text(encoding="utf-8")), dict[str, str]) if path else {}
    except (OSError, ValueError) as error:
        raise OptionsWrong(f"{how}; {error}") from error
    missing = [name for name in wanted if not found.get(name)]
    if missing:
        raise OptionsWrong(f"{how}; missing: {', '.join(missing)}")
    return found
