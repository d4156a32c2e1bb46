"""New keys of agents, and keys that go, as edits of a policy. Pure."""

from collections.abc import Sequence

from gateway.core.policy.callers import Agent
from services.control.agents import NewKey
from services.control.drafts.edits import Edit


def with_key(agent: Agent, made: NewKey) -> tuple[Edit, ...]:
    """A new key beside those that the agent has, so that both count until the old one goes."""
    return _keys(agent, [*_of(agent), {"id": made.id, "sha256": made.sha256}])


def without_key(agent: Agent, key: str) -> tuple[Edit, ...]:
    """The agent's keys but that one; empty where it has no such key."""
    kept = [each for each in _of(agent) if each["id"] != key]
    return _keys(agent, kept) if len(kept) < len(agent.keys) else ()


def lines_of(agent: Agent, made: NewKey) -> str:
    """What somebody who writes the policy adds to it, as YAML."""
    return f"agents:\n- name: {agent.name}\n  keys:\n  - id: {made.id}\n    sha256: {made.sha256}\n"


def _keys(agent: Agent, keys: Sequence[dict[str, str]]) -> tuple[Edit, ...]:
    return (Edit(kind="set", section="agents", name=agent.name, path=("keys",), value=keys),)


def _of(agent: Agent) -> list[dict[str, str]]:
    return [{"id": key.id, "sha256": key.sha256} for key in agent.keys]
