"""Small policies to vary: plain data, as a YAML file gives it."""

import copy
import functools
import hashlib
from pathlib import Path
from typing import Any

from gateway.activation.loading import load
from gateway.adapters import policy_files
from gateway.core.revision.compiled import Revision

DEMO_FOLDER = Path(__file__).parent.parent / "services" / "demo"
READ = "/pilote.crm.v1.ContactService/GetContact"
SEND = "/pilote.crm.v1.MessageService/SendMessage"
INFER = "/inference.GRPCInferenceService/ModelInfer"
KEY = "k" * 32
KEY_SHA256 = hashlib.sha256(KEY.encode()).hexdigest()


def agent(name: str = "bot", *, sha256: str = KEY_SHA256, **more: Any) -> dict[str, Any]:
    """An agent with one key."""
    return {"name": name, "tenant": "acme", "keys": [{"id": "one", "sha256": sha256}], **more}


def policy(**sections: Any) -> dict[str, Any]:
    """A policy that lets one agent read and write everything in the CRM, with `sections` put in place of its own."""
    return {
        "agents": [agent()],
        "upstreams": [{"name": "crm", "address": "127.0.0.1:1"}],
        "routes": [{"name": "crm", "methods": ["/pilote.*"], "arms": [{"name": "only", "upstream": "crm"}]}],
        "rules": [{"name": "open", "effect": "allow"}],
        **sections,
    }


def revision(**sections: Any) -> Revision:
    """That policy, compiled as revision 1."""
    return load(policy(**sections), number=1)


def demo() -> Any:
    """The demonstration's policy, its packs merged in."""
    return copy.deepcopy(_demo())


@functools.cache
def _demo() -> Any:
    data, _ = policy_files.read(DEMO_FOLDER / "policy.yaml")
    return data
