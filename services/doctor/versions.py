"""Looks at versions: ours, Python's, those of packages that we are pinned to, and those of other processes."""

import importlib.metadata
import re
import sys
from typing import Final

from gateway.adapters.workers import Workers
from gateway.redis_clients import Client
from services.doctor.observing import Observation, bad, good, warning

TRIED: Final = ((3, 11), (3, 14))
"""The oldest and the newest Python that this version was tried on."""
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^;\s]+)\s*(?:;(.*))?$")


def look_at_versions() -> list[Observation]:
    """What was seen of this process's own."""
    ours, python = importlib.metadata.version("pilote"), sys.version_info[:2]
    said = {"version": ours, "python": ".".join(map(str, sys.version_info[:3]))}
    seen = [good("versions", "version", **said)]
    if not TRIED[0] <= python <= TRIED[1]:
        seen.append(warning("versions", "python-untried", **said))
    others = [each for each in map(_wheel, importlib.metadata.requires("pilote") or ()) if each is not None]
    return [*seen, *others] if others else [*seen, good("versions", "wheels-as-pinned")]


async def look_at_workers(redis: Client) -> list[Observation]:
    """Whether all processes that say so run this version.

    Raises:
        RedisError: the store does not answer.
    """
    ours = importlib.metadata.version("pilote")
    others = sorted({each.version for each in await Workers(redis).all()} - {ours})
    return [warning("versions", "versions-mixed", ours=ours, others=", ".join(others))] if others else []


def _wheel(requirement: str) -> Observation | None:
    """What is wrong with a package that we are pinned to; `None` where nothing is, or only some need it."""
    pin = _PIN.match(requirement)
    if pin is None or pin[3]:
        return None
    try:
        there = importlib.metadata.version(pin[1])
    except importlib.metadata.PackageNotFoundError:
        return bad("versions", "wheel-missing", wheel=pin[1], wanted=pin[2])
    return None if there == pin[2] else warning("versions", "wheel-other", wheel=pin[1], wanted=pin[2], there=there)
