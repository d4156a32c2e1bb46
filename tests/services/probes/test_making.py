"""Suites out of recorded decisions: valid, the same twice, and without anything that a record does not show."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.activation.loading import load
from services.probes.making import MOST_BASES, suite_of
from services.probes.policies import Policy
from services.probes.reading import read
from services.probes.recorded import NOBODY, Recorded, base_of
from services.probes.running import run
from tests.gateway.test_contracts import vendor_set
from tests.policies import INFER, READ, SEND, demo, revision

POLICY = revision()


def recorded(number: int = 1, **more: Any) -> Recorded:
    told: dict[str, Any] = {
        "id": f"{number:032x}",
        "agent": "bot",
        "method": SEND,
        "at": "2026-11-02T09:30:00Z",
        "subject": True,
        "channel": "email",
        "category": "marketing",
        "verdict": "ALLOW",
    }
    return Recorded(**(told | more))


def made(kind: str, *calls: Recorded, **more: Any) -> str | None:
    wanted: dict[str, Any] = {"name": "finding-x", "title": "It", "of": "findings/acme/0123", "language": "en"}
    return suite_of(kind, calls, POLICY, **(wanted | more))


def test_a_base_has_what_the_record_says_where_the_contract_wants_it_and_nobody_for_the_customer() -> None:
    base = base_of(recorded(consents={"email": True}, topics=("offers",)), POLICY, name="call")
    assert base == {
        "name": "call",
        "agent": "bot",
        "method": SEND,
        "request": {
            "message": {
                "channel": "email",
                "category": "marketing",
                "topics": ["offers"],
                "customer": NOBODY,
            }
        },
        "facts": {"consents": {"email": True}},
        "at": "2026-11-02T09:30:00Z",
    }
    assert base_of(recorded(method="/no.Such/Method"), POLICY, name="call") is None
    assert base_of(recorded(agent=""), POLICY, name="call") is None


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("fairness", "invariance"),
        ("pressure", "direction"),
        ("saturation", "direction"),
        ("adding-up", "direction"),
        ("probing", "direction"),
        ("drift", "expect"),
        ("novelty", "expect"),
        ("anything else", "expect"),
    ],
)
def test_what_must_hold_follows_from_what_the_finding_says_and_runs_as_it_is(kind: str, wanted: str) -> None:
    text = made(kind, recorded(), recorded(2, channel="sms"))
    assert text is not None
    suite = read(text, named="finding-x")
    assert {each.kind for each in suite.probes} == {wanted}
    assert len(suite.bases) == 2
    report = run(suite, Policy(POLICY, name="it"))
    assert report.passed, report


def test_whom_one_agent_is_refused_the_other_must_be_refused_too() -> None:
    refused = recorded(verdict="DENY", reason="POLICY_DENIED")
    text = made("around", refused, recorded(2, agent="other"), agents=("bot", "other"))
    assert text is not None
    (probe,) = yaml.safe_load(text)["probes"]
    assert (probe["kind"], probe["vary"]) == ("invariance", [{"field": "agent", "values": ["other"]}])


def test_the_same_call_counts_once_with_what_came_of_most_of_them() -> None:
    calls = [recorded(number, verdict="DENY" if number < 2 else "ALLOW") for number in range(6)]
    text = made("drift", *calls)
    assert text is not None
    (probe,) = yaml.safe_load(text)["probes"]
    assert probe["expect"] == {"verdict": "ALLOW"}
    many = [recorded(number, channel=f"channel-{number}") for number in range(30)]
    text = made("drift", *many)
    assert text is not None
    assert len(read(text).bases) == MOST_BASES


def test_of_nothing_that_the_policy_knows_nothing_is_made() -> None:
    assert made("drift") is None
    assert made("drift", recorded(method="/no.Such/Method")) is None
    assert made("drift", recorded(verdict="UNSPECIFIED")) is None


def test_a_question_to_a_model_names_the_model_alone() -> None:
    base = base_of(recorded(method=INFER, model="lead-score", channel="", category=""), load(demo()), name="call")
    assert base is not None
    assert base["request"]["model_name"] == "lead-score"


words = st.text(max_size=20)
calls = st.builds(
    Recorded,
    id=st.uuids().map(lambda each: each.hex),
    agent=words,
    method=st.sampled_from([SEND, READ, "/no.Such/Method", ""]),
    at=st.just("2026-11-02T09:30:00Z"),
    subject=st.booleans(),
    channel=words,
    category=words,
    brand=words,
    purpose=words,
    topics=st.lists(words, max_size=2).map(tuple),
    verdict=st.sampled_from(["ALLOW", "DENY", "HOLD", "DEFER", "UNSPECIFIED"]),
    reason=st.sampled_from(["", "POLICY_DENIED"]),
)


def test_an_enum_gets_the_value_that_is_told_so_and_none_that_ends_alike() -> None:
    binding = {"method": "/vendor.Service/Do", "operation": "WRITE", "channel": "channel"}
    contract = {"name": "vendor", "descriptor_set": vendor_set(), "methods": [binding]}
    policy = revision(contracts=[contract])
    for told, written in (("email", "CHANNEL_EMAIL"), ("no_email", "CHANNEL_NO_EMAIL"), ("fax", "fax")):
        base = base_of(recorded(method=binding["method"], subject=False, channel=told), policy, name="call")
        assert base is not None
        assert base["request"] == {"channel": written}


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(["fairness", "around", "pressure", "drift"]), st.lists(calls, max_size=5), st.data())
def test_whatever_was_recorded_the_same_calls_in_any_order_give_the_same_suite(
    kind: str, some: list[Recorded], data: st.DataObject
) -> None:
    known = [each for each in some if each.agent and not set(each.agent) - set("abcdefghijklmnopqrstuvwxyz")]
    first = made(kind, *known, agents=("bot", "other"))
    assert made(kind, *data.draw(st.permutations(known)), agents=("bot", "other")) == first
    if first is not None:
        read(first, named="finding-x")
