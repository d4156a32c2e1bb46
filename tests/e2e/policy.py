"""The policy of these tests: plain data, as a person would write it in YAML."""

import hashlib
from pathlib import Path
from typing import Any, Final

from gateway.adapters import policy_files
from services import demo

Data = dict[str, Any]

DEMO: Final = Path(demo.__file__).parent / "policy.yaml"
INFER: Final = "/inference.GRPCInferenceService/ModelInfer"


def key_of(agent: str) -> str:
    """The API key of an agent of these tests."""
    return f"secret-key-of-{agent}"


def agent(name: str, *, tenant: str = "acme", version: str = "", **labels: str) -> Data:
    """An agent that identifies itself by `key_of(name)`."""
    digest = hashlib.sha256(key_of(name).encode()).hexdigest()
    return {
        "name": name,
        "tenant": tenant,
        "version": version,
        "keys": [{"id": "e2e", "sha256": digest}],
        "labels": labels,
    }


def policy(crm: str, **sections: Any) -> Data:
    """Three agents before one CRM at the address `crm`; everything is allowed but what `sections` say otherwise."""
    document: Data = {
        "agents": [
            agent("sales-bot", version="3.1"),
            agent("marketing-bot"),
            agent("research-bot", access="read-only"),
            agent("globex-bot", tenant="globex"),
        ],
        "upstreams": [{"name": "crm", "address": crm, "timeout": "10s"}],
        "routes": [{"name": "crm", "methods": ["/pilote.crm.v1.*"], "arms": [{"name": "crm", "upstream": "crm"}]}],
        "rules": [allow_all()],
    }
    return document | sections


def allow_all() -> Data:
    """A rule that allows every call."""
    return {"name": "allow-all", "effect": "allow"}


def cap(most: int | None, *, name: str = "pressure", **more: Any) -> Data:
    """At most so many contacts with one customer on one channel a week."""
    return {"name": name, "max": most, "window": "7d"} | more


def scoring(one: str, two: str, *, crm: str, weights: tuple[int, int] = (7_000, 3_000)) -> Data:
    """The demonstration's own policy, pointed at servers of these tests."""
    data, _ = policy_files.read(DEMO)
    assert isinstance(data, dict)
    names = {str(each["name"]): each for each in data["agents"]}
    data["agents"] = [agent(name, version=str(each["version"])) for name, each in names.items()]
    for upstream, address in zip(data["upstreams"][:3], (crm, one, two), strict=True):
        upstream["address"] = address
    for arm, weight in zip(data["routes"][1]["arms"], weights, strict=True):
        arm["weight"] = weight
    return data
