"""Whether an action can be traced to a version that the policy knows. Pure."""

from gateway.core.call import Agent, Call, Lineage, Route
from gateway.core.policy.serving import Lineage as Policy
from gateway.core.policy.serving import Model


class LineageRule:
    """What a revision says of lineages, and the versions that it knows."""

    def __init__(self, policy: Policy, models: tuple[Model, ...], *, keep_ms: int) -> None:
        self.keep_ms = keep_ms
        """How long an inference can be named, in milliseconds; 0: none can."""
        self._required = frozenset(policy.required_for)
        self._exempt = frozenset(policy.exempt)
        self._known = frozenset((model.name, version.version) for model in models for version in model.versions)

    def traced(self, agent: Agent, call: Call) -> bool:
        """Whether the call says enough of what led to it.

        The version that led to it must be one that the policy knows. Where the operation must name an inference, an
        agent that is registered with a version of its own has named it by that.
        """
        if call.lineage is not None:
            return (call.lineage.model, call.lineage.version) in self._known
        needed = call.operation in self._required and call.category not in self._exempt
        return not needed or agent.version != ""


def lineage_of(call: Call, route: Route, *, prompt: str = "") -> Lineage:
    """What an inference was, for the actions that follow from it."""
    return Lineage(model=call.model, version=route.version, route=route.name, arm=route.arm, prompt=prompt)
