"""What a call costs grows with the rules about its method, not with those of the revision. Structure, not time."""

import statistics
import time
from typing import Any

import pytest

from gateway.activation.loading import load
from gateway.core.analysis.syntax import parse
from gateway.core.revision.decode import Mistakes
from gateway.messages.contracts import ContractBook
from tests.policies import READ, SEND, policy, revision

ABOUT = {READ: 20, SEND: 3}


def thousand(about: dict[str, int]) -> list[dict[str, Any]]:
    """A thousand rules; so many of them are about these methods, all others about one more."""
    methods = [method for method, count in about.items() for _ in range(count)]
    methods += ["/pilote.crm.v1.DealService/UpdateDeal"] * (1_000 - len(methods))
    return [
        {"name": f"r{n}", "effect": "deny", "methods": [method], "when": f'agent.name == "a{n}"'}
        for n, method in enumerate(methods)
    ]


@pytest.mark.parametrize("method", ABOUT)
def test_only_the_conditions_about_a_method_are_evaluated_for_it(method: str) -> None:
    made = revision(rules=thousand(ABOUT))
    policy = made.methods[method]
    programs = [parse(program.serialize()) for program, _ in policy.conditions._lists]

    assert len(made.document.rules) == 1_000
    assert len(policy.rules) == ABOUT[method]
    assert sum(len(program.args) for program in programs) == ABOUT[method]


def test_a_method_that_no_rule_is_about_evaluates_nothing() -> None:
    policy = revision(rules=thousand(ABOUT)).methods["/pilote.crm.v1.DealService/GetDeal"]
    assert policy.rules == ()
    assert policy.conditions._lists == ()
    assert policy.conditions.evaluate({}, now_ms=0) == []


def test_a_method_that_nothing_redacts_has_nothing_to_take_out() -> None:
    rules: list[dict[str, Any]] = [
        {"name": "open", "effect": "allow"},
        {"name": "hide", "effect": "redact", "methods": [READ], "fields": ["contact.email"]},
    ]
    methods = revision(rules=rules).methods
    assert [name for name, policy in methods.items() if policy.takes["reply"]] == [READ]
    assert not any(policy.takes["request"] for policy in methods.values())


@pytest.mark.integration
def test_ten_thousand_rules_load_in_about_a_second() -> None:
    """The budget is one second on a quiet machine (design, section 9); this one is shared, so twice that is the end."""
    methods = [contract.method for contract in ContractBook((), Mistakes())]
    when = 'agent.labels["team"] == "t{0}" && call.request_bytes > {0}'
    data = policy(
        rules=[
            {"name": f"r{n}", "effect": "deny", "methods": [methods[n % len(methods)]], "when": when.format(n)}
            for n in range(10_000)
        ]
    )
    took = []
    for _ in range(5):
        began = time.perf_counter()
        load(data)
        took.append(time.perf_counter() - began)
    assert min(took) < 2, f"median {statistics.median(took):.2f} s ({min(took):.2f} to {max(took):.2f})"
