"""How far changes of a policy reach."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway.activation.loading import load
from gateway.core.changes import changes
from gateway.core.policy.document import Document
from gateway.core.reach import _BY_SECTION, Count, Reach, Sides, reach, touched
from gateway.core.revision.compiled import MethodPolicy
from gateway.core.revision.decode import PolicyInvalid
from tests.policies import INFER, READ, SEND, agent, demo

_DEMO = demo()
_CONTACTS = {SEND, "/pilote.orchestration.v1.JourneyService/EnrolCustomer"}


def reached(change: Callable[[Any], object]) -> list[Reach]:
    """How far the changes of the demonstration's policy reach."""
    data = copy.deepcopy(_DEMO)
    change(data)
    sides = Sides(load(_DEMO), load(data))
    assert sides.old is not None
    return [reach(each, sides) for each in changes(sides.old.document, sides.new.document)]


def test_a_rule_reaches_the_methods_that_it_covers_before_and_after() -> None:
    def narrow(data: Any) -> None:
        data["rules"][0]["operations"] = ["READ"]  # INFER no longer

    def one(data: Any) -> None:
        data["rules"].append({"name": "no-mail", "effect": "deny", "methods": [SEND]})

    (its,) = reached(narrow)
    assert {READ, INFER} <= its.methods
    assert SEND not in its.methods
    assert reached(one) == [Reach(methods=frozenset({SEND}))]


def test_weights_of_a_route_reach_the_calls_that_took_it_and_another_order_all_its_methods() -> None:
    def shift(data: Any) -> None:
        data["routes"][1]["arms"][0]["weight"], data["routes"][1]["arms"][1]["weight"] = 6_000, 4_000

    def open_up(data: Any) -> None:
        data["routes"][1]["arms"][0]["weight"], data["routes"][1]["arms"][1]["weight"] = 10_000, 0

    assert reached(shift) == [Reach(methods=frozenset({INFER}), routes=frozenset({"scoring"}))]
    assert reached(open_up) == [Reach(methods=frozenset({INFER}))]
    assert all(each.routes is None for each in reached(lambda data: data["routes"].reverse()))


def test_an_agent_reaches_its_own_calls_and_a_tenant_those_of_its_agents() -> None:
    def change(data: Any) -> None:
        data["agents"][0]["labels"] = {"access": "read"}

    def add(data: Any) -> None:
        data["agents"].append(agent("new-bot", sha256="f" * 64))

    def split(data: Any) -> None:
        data["tenants"] = [{"name": "acme", "cells": 2}]

    assert [its.agents for its in reached(change)] == [frozenset({"import-bot"})]
    assert [its.agents for its in reached(add)] == [frozenset({"new-bot"})]
    (its,) = reached(split)
    assert its.agents == frozenset(each["name"] for each in _DEMO["agents"])


def test_caps_holdouts_and_quiet_hours_reach_contacts_only() -> None:
    def change(data: Any) -> None:
        data["caps"][0]["max"] = 1
        data["holdouts"] = [{"name": "silent", "share": 500}]

    for its in reached(change):
        assert SEND in its.methods
        assert not {READ, INFER} & its.methods


def test_models_and_upstreams_reach_who_asks_them() -> None:
    def other(data: Any) -> None:
        data["upstreams"][1]["timeout"] = "9s"

    def alias(data: Any) -> None:
        data["models"][0]["aliases"] = {"champion": "1"}

    assert [set(its.methods) for its in reached(other)] == [{INFER}]
    assert [set(its.methods) for its in reached(alias)] == [{INFER}]


def test_words_reach_nobody() -> None:
    def change(data: Any) -> None:
        data["description"] = "Another one."
        data["rules"][6]["description"] = "Another one."

    assert [its.methods for its in reached(change)] == [frozenset(), frozenset()]


def test_every_section_says_how_far_it_reaches() -> None:
    assert set(Document.__struct_fields__) <= set(_BY_SECTION)


def test_calls_that_two_changes_touch_count_once() -> None:
    counts = [
        Count(method=SEND, agent="sales-bot", route="crm", calls=10),
        Count(method=SEND, agent="marketing-bot", route="crm", calls=20),
        Count(method=READ, agent="sales-bot", route="", calls=40),
    ]
    sends, sales = (
        Reach(methods=frozenset({SEND})),
        Reach(methods=frozenset({SEND, READ}), agents=frozenset({"sales-bot"})),
    )
    on_crm = Reach(methods=frozenset({SEND, READ}), routes=frozenset({"crm"}))
    assert [touched(counts, [its]) for its in (sends, sales, on_crm)] == [30, 50, 30]
    assert touched(counts, [sends, sales]) == 70


def _bound(policy: MethodPolicy) -> object:
    """What a method's calls are routed and decided by, as far as it can be compared."""
    return (
        policy.rules,
        [rule.bucket for rule in policy.limits],
        policy.caps,
        policy.score,
        dict(policy.autonomy),
        [rule.name for rule in policy.steps],
        [(rule.document, dict(rule.arms), rule.rollout, rule.ranges, rule.layers) for rule in policy.routes],
    )


@pytest.mark.parametrize("section", sorted(name for name, parts in _DEMO.items() if isinstance(parts, list)))
def test_no_method_that_a_removed_part_governs_is_out_of_reach(section: str) -> None:
    old, tried = load(_DEMO), 0
    for index in range(len(_DEMO[section])):
        data = copy.deepcopy(_DEMO)
        del data[section][index]
        try:
            new = load(data)
        except PolicyInvalid:  # something else needs it
            continue
        tried += 1
        sides = Sides(old, new)
        reached = [reach(each, sides) for each in changes(old.document, new.document)]
        methods = {method for its in reached for method in its.methods}
        for method in old.methods.keys() - methods:
            assert _bound(old.methods[method]) == _bound(new.methods[method]), (section, index, method)
    assert tried or section in ("upstreams", "models", "contracts", "rest", "routes", "tenants", "packs")
