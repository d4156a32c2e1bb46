"""What a policy says itself of the calls its rules will see: agents, routes, and what a method's fields can be."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from gateway.core.analysis.solve import Domain, Known, path
from gateway.core.analysis.syntax import Node
from gateway.core.call import Operation
from gateway.core.contract import SUBJECT, TOKEN, MethodContract
from gateway.core.policy.document import Document
from gateway.core.revision.compiled import MethodPolicy

_TOKEN_OR_NONE: Final = re.compile(f"(?:{TOKEN.pattern})?")
_SUBJECT_OR_NONE: Final = re.compile(f"(?:{SUBJECT.pattern})?")
_INFERENCE: Final = re.compile(r"(?:[0-9a-f]{32})?")

_Row = Mapping[str, str]


class Knowledge:
    """What is known of the calls of each method. Each answer says only what the paths that are asked for need."""

    def __init__(self, document: Document) -> None:
        self._agents: list[_Row] = [
            {"agent.name": agent.name, "agent.tenant": agent.tenant, "agent.version": agent.version}
            | {f'agent.labels["{key}"]': value for key, value in agent.labels.items()}
            for agent in document.agents
        ]
        self._kept: dict[object, Known] = {}

    def of(self, policy: MethodPolicy, paths: frozenset[str]) -> Known:
        """What is known of the method's calls, as far as these paths go; the same value for the same knowledge."""
        rows: dict[str, tuple[_Row, ...]] = {"agent": _projected(self._agents, paths)}
        if any(each.startswith("route.") for each in paths):
            rows["route"] = _projected(_routes(policy), paths)
        domains = {name: domain for name, domain in _calls(policy.contract).items() if name in paths}
        key = (
            tuple((name, tuple(tuple(sorted(row.items())) for row in rows[name])) for name in sorted(rows)),
            tuple(sorted(((name, domain.values, domain.shape) for name, domain in domains.items()), key=str)),
        )
        return self._kept.setdefault(key, Known(rows=rows, domains=domains))


def paths_in(node: Node) -> frozenset[str]:
    """Every path that the condition reads."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.op in ("field", "index") and (name := path(here)):
            found.add(name)
        elif here.op == "has" or (here.op == "call" and here.name == "@in"):
            found |= _looked_for(here)
        waiting += here.args
    return frozenset(found)


def _looked_for(node: Node) -> set[str]:
    """The entry of a map that is only asked whether it is there."""
    if node.op == "has":
        group, key = node.args[0], Node("const", value=node.name, kind="string")
    else:
        key, group = node.args
    return {name} if (name := path(Node("index", args=(group, key)))) else set()


def _projected(rows: Iterable[_Row], paths: frozenset[str]) -> tuple[_Row, ...]:
    """The rows without what nobody asks for, each different one once."""
    kept = [{name: value for name, value in row.items() if name in paths} for row in rows]
    return tuple({tuple(sorted(row.items())): row for row in kept}.values())


def _routes(policy: MethodPolicy) -> list[_Row]:
    """Where the method's calls may go; nowhere too, for a model that no route serves."""
    found = [
        {
            "route.name": rule.name,
            "route.arm": target.arm,
            "route.version": target.version,
            "route.upstream": target.upstream,
            "route.rollout": rollout,
        }
        for rule in policy.routes
        for targets in rule.arms.values()
        for target in targets.values()
        for rollout in (
            "",
            *([rule.rollout.name] if rule.rollout is not None and rule.rollout.arm == target.arm else []),
        )
    ]
    return [*found, dict.fromkeys(("route.name", "route.arm", "route.version", "route.upstream", "route.rollout"), "")]


def _calls(contract: MethodContract) -> Mapping[str, Domain]:
    contact = contract.operation is Operation.CONTACT
    nothing = Domain(frozenset({""}))
    found = {
        "call.method": Domain(frozenset({contract.method})),
        "call.operation": Domain(frozenset({contract.operation.value})),
        "call.inference": Domain(shape=_INFERENCE),
        "call.subject": Domain(shape=SUBJECT if contact else _SUBJECT_OR_NONE),
        "call.channel": Domain(shape=TOKEN if contact else _TOKEN_OR_NONE),
        "call.category": Domain(shape=_TOKEN_OR_NONE),
    }
    for name in ("subject", "channel", "category", "model"):
        if name not in contract.says:
            found[f"call.{name}"] = nothing
        elif name in contract.closed:
            required = contact and name in ("subject", "channel")
            found[f"call.{name}"] = Domain(frozenset(contract.closed[name]) - ({""} if required else set()))
    return found
