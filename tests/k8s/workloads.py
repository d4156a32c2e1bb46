"""What a rendered overlay runs: workloads, the one container of each, and its environment."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from gateway.settings import Settings, from_environment
from tests.k8s.rendering import OVERLAYS, Object, rendered

KINDS: Final = ("Deployment", "StatefulSet")
GIVEN: Final = {"PILOTE_REDIS_URL": "redis://store:6379", "POSTGRESQL_URI": "postgresql://role@database/pilote"}
"""In place of what Secrets hold that are not there yet, where it must have a form."""


class Workload(NamedTuple):
    """One Deployment or StatefulSet."""

    overlay: str
    object: Object

    @property
    def name(self) -> str:
        """Its own, and that of its pods' label."""
        return str(self.object["metadata"]["name"])

    @property
    def spec(self) -> Object:
        """What it says."""
        found: Object = self.object["spec"]
        return found

    @property
    def pod(self) -> Object:
        """What it says of its pods."""
        found: Object = self.spec["template"]["spec"]
        return found

    @property
    def labels(self) -> Mapping[str, str]:
        """Those of its pods."""
        found: Mapping[str, str] = self.spec["template"]["metadata"]["labels"]
        return found

    @property
    def container(self) -> Object:
        """The one that it has."""
        (found,) = self.pod["containers"]
        return dict(found)

    @property
    def ours(self) -> bool:
        """Whether a process of ours runs in it, with our settings."""
        return self.container["image"].startswith("pilote:") and "command" not in self.container

    @property
    def ports(self) -> Mapping[str, int]:
        """Those of the container, by name."""
        return {each["name"]: each["containerPort"] for each in self.container["ports"]}

    def environment(self) -> dict[str, str]:
        """As the container starts with it; what a Secret would say is its value here, or `GIVEN`, or "x"."""
        found: dict[str, str] = {}
        for source in self.container.get("envFrom", ()):
            found |= named(self.overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
        for each in self.container.get("env", ()):
            value = each.get("value")
            if value is None:
                value = self._referred(each["name"], each["valueFrom"]["secretKeyRef"])
            for name, known in found.items():  # Kubernetes fills in what stands before, and nothing else
                value = value.replace(f"$({name})", known)
            assert "$(" not in value, f"{self.name}: {value} names what does not stand before it"
            found[each["name"]] = value
        return found

    def _referred(self, name: str, reference: Object) -> str:
        held = secret(self.overlay, reference["name"])
        return GIVEN.get(name, "x") if held is None else held[reference["key"]].decode()

    def settings(self) -> Settings:
        """The settings that its process makes of that."""
        return from_environment(self.environment())


def of_kind(overlay: str, *kinds: str) -> Iterator[Object]:
    """All objects of these kinds."""
    return (each for each in rendered(overlay) if each["kind"] in kinds)


def named(overlay: str, kind: str, name: str) -> Object:
    """The one object of that kind and name."""
    (found,) = (each for each in of_kind(overlay, kind) if each["metadata"]["name"] == name)
    return found


def secret(overlay: str, name: str) -> dict[str, bytes] | None:
    """What a Secret of the overlay itself holds; `None` where it is expected to be there."""
    for each in of_kind(overlay, "Secret"):
        if each["metadata"]["name"] == name:
            return {key: base64.b64decode(value) for key, value in each["data"].items()}
    return None


def workloads(overlay: str) -> tuple[Workload, ...]:
    """All of an overlay."""
    return tuple(Workload(overlay, each) for each in of_kind(overlay, *KINDS))


def everywhere() -> tuple[Workload, ...]:
    """All of all overlays."""
    return tuple(each for overlay in OVERLAYS for each in workloads(overlay))


def chosen(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector chooses what has these labels."""
    equal = selector.get("matchLabels", {}).items() <= labels.items()
    among = all(
        each["operator"] == "In" and labels.get(each["key"]) in each["values"]
        for each in selector.get("matchExpressions", ())
    )
    return equal and among
