"""How a gateway that is measured is set up: its policy, its settings, its engine, and by what its caller is known."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

import yaml

from loadtests.echo import ANSWER

POLICY: Final = Path(__file__).with_name("policy.yaml")

Policy = Mapping[str, Any]
"""A policy as its file has it."""


def base_policy() -> dict[str, Any]:
    """The policy that the benchmark measures under."""
    policy: dict[str, Any] = yaml.safe_load(POLICY.read_text(encoding="utf-8"))
    return policy


class Setup(NamedTuple):
    """What one measured gateway runs with."""

    policy: Policy
    settings: Mapping[str, str] = MappingProxyType({})
    """Beside those of the benchmark, or in place of them; empty: unset."""
    credential: Literal["token", "key"] = "token"
    """By what the first agent of the policy shows who it is."""
    engine: str = ""
    """As `pilote gateway --engine` takes it; empty: the one that it uses by itself."""
    reply: bytes = ANSWER
    """What callers get."""
    entries: int = 2
    """Entries that each call leaves in the stream of decisions: its record, its settlement, perhaps its inputs."""
    python: str = ""
    """Of another environment in which Pilote is installed: it runs the gateway in place of our own."""
