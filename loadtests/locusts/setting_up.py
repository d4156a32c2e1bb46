"""The policy and the people of the stack: the demonstration's own, with what scenarios need besides."""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec
import yaml

from loadtests.locusts.mix import AGENTS, NOISY
from services import demo
from services.demo.data import DemoContact
from services.demo.requests import creation_of, opening_of
from services.demo.run import facts_of

TENANT: Final = "acme"
IMPORTER: Final = "import-bot"
DEMO: Final = Path(demo.__file__).parent
NOISY_RATE: Final = 30
"""Calls a second that the noisy agent may make; it asks for much more."""


def policy(addresses: Mapping[str, str], *, keys: Mapping[str, str], note: str) -> Any:
    """The demonstration's policy as plain data, with these addresses of upstreams and keys of agents.

    Besides there are a noisy agent with a limit of its own, deals that a person must look at, and a shadow that gets a
    fifth of the scores. What limits do without the store differs: rates are counted by each gateway, caps stay closed.
    """
    found = yaml.safe_load((DEMO / "policy.yaml").read_text(encoding="utf-8"))
    found["description"] = note
    found["agents"].append({"name": NOISY, "tenant": TENANT, "version": "1.0", "labels": {"access": "read"}})
    for agent in found["agents"]:
        digest = hashlib.sha256(keys[agent["name"]].encode()).hexdigest()
        agent["keys"] = [{"id": "load", "sha256": digest}]
    for upstream in found["upstreams"]:
        upstream["address"] = addresses[upstream["name"]]
    for contract in found["contracts"]:
        contract["descriptor_set_file"] = str(DEMO / contract["descriptor_set_file"])
    found["rules"].append(
        {
            "name": "deals-are-looked-at",
            "methods": ["/pilote.crm.v1.DealService/UpdateDeal"],
            "when": "request.deal.amount_cents > 7000000",
            "effect": "hold",
        }
    )
    scoring = next(route for route in found["routes"] if route["name"] == "scoring")
    scoring["arms"].append({"name": "candidate", "version": "2", "weight": 0})
    scoring["shadow"] = {"arm": "candidate", "share": 2_000}
    for limit in found["limits"]:
        limit["on_store_error"] = "local"
    noisy = {"name": "noisy-rate", "operations": ["READ"], "when": f'agent.name == "{NOISY}"', "by": ["agent"]}
    found["limits"].append(noisy | {"rate": NOISY_RATE, "on_store_error": "local"})
    return found


def fresh_keys() -> Mapping[str, str]:
    """A new API key for each agent."""
    return {name: f"pilote_{name}_{secrets.token_urlsafe(32)}" for name in (IMPORTER, *AGENTS, NOISY)}


def facts_file(people: Sequence[DemoContact]) -> bytes:
    """What is known of these people, as `pilote facts import` reads it."""
    lines = [
        json.dumps(
            {
                "tenant": TENANT,
                "subject": f"contacts/{person.contact_id}",
                "facts": msgspec.to_builtins(facts_of(person)),
            }
        )
        for person in people
    ]
    return "\n".join(lines).encode() + b"\n"


def bring_in(people: Sequence[DemoContact], *, gateway: str, key: str) -> None:
    """Create these people and their deals through the gateway; again does no harm.

    Raises:
        grpc.RpcError: one was refused.
    """
    metadata = (("x-api-key", key),)
    with grpc.insecure_channel(gateway, options=(("grpc.enable_http_proxy", 0),)) as channel:
        contact: Any = channel.unary_unary("/pilote.crm.v1.ContactService/CreateContact")
        deal: Any = channel.unary_unary("/pilote.crm.v1.DealService/CreateDeal")
        at_once: list[Any] = []
        for person in people:
            at_once.append(contact.future(creation_of(person).SerializeToString(), metadata=metadata, timeout=30))
            if len(at_once) == 16:
                _ended(at_once)
        _ended(at_once)
        for person in people:
            for each in person.deals:
                data = opening_of(each, person).SerializeToString()
                at_once.append(deal.future(data, metadata=metadata, timeout=30))
                if len(at_once) >= 16:
                    _ended(at_once)
        _ended(at_once)


def _ended(calls: list[Any]) -> None:
    for call in calls:
        call.result()
    calls.clear()
