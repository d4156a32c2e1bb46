"""Which methods an agent may use is worked out from the policy alone, and nothing that can be refused is promised."""

from typing import Any

import pytest

from gateway.core.analysis.conditions import Parsed
from gateway.core.analysis.usable import Usable, usable
from tests.policies import READ, SEND, agent, demo, revision

DELETE = "/pilote.crm.v1.ContactService/DeleteContact"


def found(name: str = "bot", **sections: Any) -> dict[str, Usable]:
    compiled = revision(**sections)
    return {each.method: each for each in usable(compiled, name, parsed=Parsed(compiled.engine)) if each is not None}


def allow(**more: Any) -> dict[str, Any]:
    return {"name": "allowing", "effect": "allow"} | more


def deny(**more: Any) -> dict[str, Any]:
    return {"name": "denying", "effect": "deny"} | more


def test_what_a_rule_allows_is_listed_with_its_operation() -> None:
    listed = found()
    assert {READ, SEND, DELETE} <= listed.keys()
    assert (listed[READ].operation, listed[SEND].operation, listed[DELETE].operation) == ("READ", "CONTACT", "DELETE")
    assert not listed[SEND].may_be_held
    assert listed[SEND].autonomy == "autonomous"


def test_nothing_is_listed_that_no_rule_allows_or_no_route_serves() -> None:
    assert found(rules=[]) == {}
    assert found(rules=[allow(mode="monitor")]) == {}
    only = found(routes=[{"name": "crm", "methods": [READ], "arms": [{"name": "only", "upstream": "crm"}]}])
    assert list(only) == [READ]


@pytest.mark.parametrize(
    ("rules", "listed"),
    [
        ([allow(operations=["READ"])], {READ}),
        ([allow(), deny(operations=["DELETE"])], {READ, SEND}),
        ([allow(), deny(methods=[SEND], when='agent.labels["access"] == "read-only"')], {READ, DELETE}),
        ([allow(), deny(methods=[SEND], when='agent.name == "other"')], {READ, SEND, DELETE}),
        ([allow(when='agent.name == "other"')], set()),
        ([allow(when='agent.name.startsWith("b")')], {READ, SEND, DELETE}),
        ([allow(), deny(methods=[SEND], when='call.channel == "email"')], {READ, SEND, DELETE}),
        ([allow(), deny(methods=[READ], when='call.subject != ""'), deny(name="two", methods=[READ])], {SEND, DELETE}),
        ([allow(), deny(when="now < timestamp('2020-01-01T00:00:00Z')")], {READ, SEND, DELETE}),
        (
            [allow(methods=[SEND], when='call.channel == "sms"'), deny(methods=[SEND], when='call.channel == "sms"')],
            set(),
        ),
        ([allow(), deny(mode="monitor")], {READ, SEND, DELETE}),
    ],
)
def test_a_method_is_listed_unless_its_calls_are_refused_whatever_they_say(
    rules: list[dict[str, Any]], listed: set[str]
) -> None:
    known = found(agents=[agent(labels={"access": "read-only"})], rules=rules)
    assert known.keys() & {READ, SEND, DELETE} == listed


def test_of_two_agents_each_gets_its_own_list() -> None:
    agents = [agent("one"), agent("two", sha256="b" * 64)]
    rules = [allow(when='agent.name == "one"'), allow(name="reading", operations=["READ"])]
    assert {READ, SEND} <= found("one", agents=agents, rules=rules).keys()
    assert SEND not in found("two", agents=agents, rules=rules)
    assert found("nobody", agents=agents, rules=rules) == {}


def test_it_says_whether_calls_may_be_kept_and_by_what_they_are_limited() -> None:
    hold = {"name": "two-eyes", "effect": "hold", "methods": [SEND]}
    assert found(rules=[allow(), hold])[SEND].may_be_held
    assert found(rules=[hold]).keys() == {SEND}
    approving = found(agents=[agent(autonomy={"DELETE": "approve", "READ": "observe"})])
    assert (approving[DELETE].autonomy, approving[DELETE].may_be_held) == ("approve", True)
    assert (approving[READ].autonomy, approving[READ].may_be_held) == ("observe", False)
    caps = [{"name": "pressure", "max": 3, "window": "7d", "on_exceed": "defer"}]
    limits = [{"name": "calls", "by": ["agent"], "rate": 10, "per": "1s"}]
    limited = found(caps=caps, limits=limits)
    assert (limited[SEND].limits, limited[SEND].may_be_held) == (("calls", "pressure"), True)
    assert (limited[READ].limits, limited[READ].may_be_held) == (("calls",), False)


def test_the_demonstrations_agents_are_offered_what_they_are_for() -> None:
    from gateway.activation.loading import load

    compiled = load(demo())
    for each in compiled.document.agents:
        listed = [one for one in usable(compiled, each.name, parsed=Parsed(compiled.engine)) if one is not None]
        assert listed, each.name
