"""Looks at the processes of this machine: what `pilote up` says of them, or else who answers where the settings say."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from gateway.settings import Settings
from services.doctor.observing import Observation, bad, good, warning
from services.supervisor.home import State, running
from services.supervisor.probes import GrpcServing, HttpOk, Probe

_WELL: Final = (State.READY, State.DRAINING)


class Listener(msgspec.Struct, frozen=True):
    """A process that is asked whether it is well."""

    name: str
    address: str
    probe: Probe


def listeners(settings: Settings) -> tuple[Listener, ...]:
    """Every process that governs, where the settings say that it is."""
    over_grpc = {
        "gateway": settings.gateway_listen,
        "audit": settings.audit_listen,
        "rollouts": settings.rollouts_listen,
        "webhooks": settings.webhooks_listen,
        "insights": settings.insights_listen,
    }
    over_http = {
        "control": (settings.control_listen, "/healthz"),
        "agents": (settings.agents_listen, "/readyz"),
        "intake": (settings.intake_listen, "/healthz"),
    }
    asked = [Listener(name, address, GrpcServing(_here(address))) for name, address in over_grpc.items()]
    for name, (address, path) in over_http.items():
        host, _, port = _here(address).rpartition(":")
        asked.append(Listener(name, address, HttpOk(int(port), path=path, host=host.strip("[]"))))
    return tuple(asked)


async def look_at_processes(settings: Settings) -> list[Observation]:
    """What was seen of them."""
    home = settings.home.resolve()
    state = running(home)
    if state is None:
        return await _asked(settings)
    seen = [
        bad("processes", "child-not-ready", child=each.name, state=str(each.state), log=_log(home, each.log, each.name))
        for each in state.children
        if each.state not in _WELL
    ]
    restarted = [each for each in state.children if each.restarts]
    seen += [warning("processes", "child-restarted", child=each.name, count=each.restarts) for each in restarted]
    return seen or [good("processes", "children-ready", count=len(state.children))]


async def _asked(settings: Settings) -> list[Observation]:
    """Whoever is not meant to run here is silent too, so silence of some is a warning only."""
    asked = listeners(settings)
    answers = await asyncio.gather(*(_is_well(each) for each in asked))
    silent = [each.name for each, well in zip(asked, answers, strict=True) if not well]
    if len(silent) == len(asked):
        return [bad("processes", "nothing-runs")]
    if silent:
        return [warning("processes", "processes-silent", names=", ".join(silent), count=len(asked) - len(silent))]
    return [good("processes", "processes-well", count=len(asked))]


async def _is_well(listener: Listener) -> bool:
    try:
        return await listener.probe()
    except OSError:
        return False


def _here(address: str) -> str:
    """Where something that listens everywhere is reached from here."""
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in ("0.0.0.0", "[::]", "") else address  # noqa: S104 - it is compared with


def _log(home: Path, log: str, name: str) -> str:
    return log or str(home / "logs" / f"{name}.log")
