"""The conditions of rules, taken apart, and which of their outcomes have which effect."""

from gateway.core.analysis.formula import ERROR, TRUE, Outcomes
from gateway.core.analysis.known import paths_in
from gateway.core.analysis.syntax import Node, parse
from gateway.core.policy.ruling import Rule
from gateway.core.revision.compiled import MethodPolicy
from gateway.core.rules import RuleEngine


class Parsed:
    """Conditions as trees, each taken apart once for every type of request."""

    def __init__(self, engine: RuleEngine) -> None:
        self._engine = engine
        self._nodes: dict[tuple[str, str], tuple[Node, frozenset[str]]] = {}

    def of(self, rule: Rule, policy: MethodPolicy) -> tuple[Node, frozenset[str]]:
        """The rule's condition over calls of that method, and every path that it reads."""
        request_type = policy.contract.request_type
        key = (rule.when, request_type)
        if key not in self._nodes:
            node = parse(self._engine.checked(rule.when, request_type=request_type))
            self._nodes[key] = (node, paths_in(node))
        return self._nodes[key]


def outcomes_of(rule: Rule, effect: str) -> Outcomes:
    """The outcomes of its condition at which the rule has that effect."""
    held = {TRUE} if rule.effect == effect else set()
    failed = {ERROR} if rule.on_failure == effect and effect != "allow" else set()
    return frozenset(held | failed)
