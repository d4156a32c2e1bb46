"""What routing one call costs: `python -m loadtests.routing` prints it as JSON.

A revision of 200 routes over all methods that are described, and of 50 experiments in 12 layers. The call is a contact,
five or six routes are about its method: three have a condition that does not hold, the fourth has one that does, a
rollout, and two arms whose weights the customer's place decides between. Each call is about another customer, so that
nothing is found in a cache. Three revisions are measured: one where five experiments, in four layers, concern the call;
one where all 50 do; and one of 200 routes without conditions and no experiment.

`us` is the CPU of `route`, conditions, hashes and variations included. `values_us` is that of putting the call into the
form that conditions see; rules see the same form, so a gateway does it once for both, with or without conditions.
"""

import json
import secrets
import statistics
import sys
import time
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from gateway.activation.loading import load
from gateway.core.call import UNKNOWN_SUBJECT, Call, Operation
from gateway.core.decide import unrouted
from gateway.core.revision.compiled import Revision
from gateway.core.routing import route
from gateway.messages.describe import describe
from pilote.crm.v1.message_pb2 import Message
from pilote.crm.v1.message_service_pb2 import SendMessageRequest

NOW_MS: Final = 1_767_603_600_000
METHOD: Final = "/pilote.crm.v1.MessageService/SendMessage"
ROUTES: Final = 200
EXPERIMENTS: Final = 50
LAYERS: Final = 12
CONCERNED: Final = (0, 1, 2, 3, LAYERS)
"""Experiments about the called method: the first and the last share a layer, as on any busy page."""
ROUNDS: Final = 40
CALLS: Final = 1_000
"""In a round."""


def measured(*, rounds: int = ROUNDS, calls: int = CALLS) -> dict[str, Any]:
    """The figures: for each revision, median, least and most of the rounds' means, CPU in microseconds a call."""
    cases = {
        "realistic": _revision(concerned=CONCERNED),
        "worst": _revision(concerned=range(EXPERIMENTS)),
        "plain": _revision(concerned=(), plain=True),
    }
    found: dict[str, dict[str, list[float]]] = {name: {"us": [], "values_us": []} for name in cases}
    for _ in range(rounds):  # in turn, so that a slow moment of the machine meets them all
        for name, revision in cases.items():
            us, values_us = _round(revision, calls)
            found[name]["us"].append(us)
            found[name]["values_us"].append(values_us)
    shapes = {name: _shape(revision) for name, revision in cases.items()}
    return {
        name: shapes[name] | {figure: _spread(each) for figure, each in figures.items()}
        for name, figures in found.items()
    } | {"rounds": rounds, "calls": calls}


def _round(revision: Revision, count: int) -> tuple[float, float]:
    agent = revision.agent("bot")
    assert agent is not None  # noqa: S101 - it is in the policy below
    policy, clock = revision.methods[METHOD], time.process_time
    calls = _calls(revision, count)
    began = clock()
    values = [
        unrouted(revision, policy, agent=agent, call=call, facts=UNKNOWN_SUBJECT, now_ms=NOW_MS) for call in calls
    ]
    between = clock()
    for call, seen in zip(calls, values, strict=True):
        route(policy.routing, call, facts=UNKNOWN_SUBJECT, values=seen, now_ms=NOW_MS, draw=0.5)
    ended = clock()
    return (ended - between) / count * 1e6, (between - began) / count * 1e6


def _calls(revision: Revision, count: int) -> list[Call]:
    message = Message(customer="contacts/1", channel="email", category="marketing")
    request = SendMessageRequest(message=message)
    call = describe(revision.methods[METHOD].contract, request.SerializeToString(), metadata={})
    return [msgspec.structs.replace(call, subject_ref=secrets.token_hex(16)) for _ in range(count)]


def _shape(revision: Revision) -> dict[str, int]:
    """What there is in the revision, and what of it concerns the call."""
    rules = revision.methods[METHOD].routes
    taken = max(rules, key=lambda rule: len(rule.layers))
    return {
        "routes": len(revision.document.routes),
        "routes_of_method": len(rules),
        "experiments": len(revision.document.experiments),
        "experiments_of_call": sum(len(layer.experiments) for layer in taken.layers),
        "layers_of_call": len(taken.layers),
    }


def _spread(figures: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(figures), 2),
        "min": round(min(figures), 2),
        "max": round(max(figures), 2),
    }


def _revision(*, concerned: Collection[int], plain: bool = False) -> Revision:
    empty = _policy([{"name": "all", "methods": ["/pilote.*"], "arms": [_arm("now")]}])
    known = load(empty).methods.items()
    asked = (name for name, policy in known if name != METHOD and policy.contract.operation is not Operation.INFER)
    methods = [METHOD, *(name for name in asked if name.startswith("/pilote."))]
    routes = [_route(n, methods[n % len(methods)], nth=n // len(methods), plain=plain) for n in range(ROUTES)]
    experiments = [] if plain else [_experiment(n, methods, concerned=concerned) for n in range(EXPERIMENTS)]
    rollouts = [] if plain else [_rollout(len(methods) * 3)]
    return load(_policy(routes, experiments=experiments, rollouts=rollouts))


def _policy(routes: list[dict[str, Any]], **sections: Any) -> dict[str, Any]:
    return {
        "agents": [
            {"name": "bot", "tenant": "acme", "keys": [{"id": "one", "sha256": "0" * 64}], "labels": {"team": "a"}}
        ],
        "upstreams": [{"name": "crm", "address": "127.0.0.1:1"}],
        "routes": routes,
        "rules": [{"name": "open", "effect": "allow"}],
        **sections,
    }


def _arm(name: str, weight: int = 10_000) -> dict[str, Any]:
    return {"name": name, "upstream": "crm", "weight": weight}


def _route(n: int, method: str, *, nth: int, plain: bool) -> dict[str, Any]:
    """The nth route about a method: the fourth is the one that is taken, the first where there are no conditions."""
    if plain:
        return {"name": f"r{n}", "methods": [method], "arms": [_arm("now")]}
    holds = {"when": 'call.method != "" && agent.labels["team"] == "a"'} if nth == 3 else {}
    fails = {"when": f'agent.labels["team"] == "t{nth}" || call.category == "other-{nth}"'} if nth < 3 else {}
    arms = [_arm("now", 7_000), _arm("new", 3_000), _arm("next", 0)]
    return {"name": f"r{n}", "methods": [method], "arms": arms} | holds | fails


def _rollout(n: int) -> dict[str, Any]:
    """On the fourth route of the called method."""
    step = {"share": 500}
    return {"name": "up", "route": f"r{n}", "arm": "next", "against": "now", "state": "running", "steps": [step]}


def _experiment(n: int, methods: Sequence[str], *, concerned: Collection[int]) -> dict[str, Any]:
    """The nth of all, in a slot of its layer; a layer has four or five."""
    slot, slots = n // LAYERS, -(-EXPERIMENTS // LAYERS)
    return {
        "name": f"e{n}",
        "layer": f"l{n % LAYERS}",
        "first": slot * 10_000 // slots,
        "last": (slot + 1) * 10_000 // slots,
        "methods": [METHOD if n in concerned else methods[1 + n % (len(methods) - 1)]],
        "arms": [{"name": "a", "weight": 5_000}, {"name": "b", "weight": 5_000}],
    }


def main() -> int:
    """Measure, and print."""
    sys.stdout.write(json.dumps(measured()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
