"""How a process names itself: in traces, in metrics, and among the workers that `pilote status` shows."""

import importlib.metadata
import secrets

import msgspec
from opentelemetry.sdk.resources import Resource


class Instance(msgspec.Struct, frozen=True):
    """One process."""

    kind: str
    """"gateway", "audit", "control", "rollouts"."""
    name: str
    """What it is and eight random digits: nothing of the machine."""
    version: str
    """Of Pilote."""

    @property
    def resource(self) -> Resource:
        """The process in OpenTelemetry. Without its own id the counts of two processes would be taken for one's."""
        named = {"service.name": f"pilote-{self.kind}", "service.version": self.version}
        return Resource.create({**named, "service.instance.id": self.name})


def instance(kind: str, *, called: str = "") -> Instance:
    """A process of that kind, under a new name; `called` is what it is among others of its kind, else that itself."""
    return Instance(kind, f"{called or kind}-{secrets.token_hex(4)}", importlib.metadata.version("pilote"))
