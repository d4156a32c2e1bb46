"""What a finding is about becomes the condition of a rule, and the name of a stop."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.stops import is_stop
from services.control.findings.ruling import rule_of, stop_of, when_of
from services.findings.finding import found
from tests.services.findings.test_finding import first, seen


@pytest.mark.parametrize(
    ("about", "when", "stop"),
    [
        ({"agent": "a", "measure": "latency"}, 'agent.name == "a"', "agent=a"),
        ({"channel": "sms", "category": "ads"}, 'call.channel == "sms" && call.category == "ads"', "channel=sms"),
        ({"model": "m", "version": "2"}, 'call.model == "m" && route.version == "2"', "version=m/2"),
        (
            {"agent": "a", "version": "2"},
            'agent.name == "a" && (agent.version == "2" || route.version == "2")',
            "version=a/2",
        ),
        (
            {"version": "m/2"},
            '(agent.name == "m" || call.model == "m") && (agent.version == "2" || route.version == "2")',
            "version=m/2",
        ),
        ({"segment": "vip"}, "", ""),
        ({"rule": "asks"}, "", ""),
    ],
)
def test_what_it_is_about_is_a_condition_and_a_stop(about: dict[str, str], when: str, stop: str) -> None:
    assert when_of(about) == when
    assert stop_of(about) == stop
    assert not stop or is_stop(stop)


def test_a_rule_only_watches_at_first_and_has_a_name_of_its_own() -> None:
    rule = rule_of(first(), title="Drift")
    assert rule is not None
    assert (rule["effect"], rule["mode"], rule["name"]) == ("deny", "monitor", f"finding-drift-{first().id[:8]}")
    assert rule_of(found(None, seen(about=()), now_ms=0), title="Drift") is None


@given(st.text(min_size=1, max_size=20))
def test_a_value_stays_within_the_text_that_it_stands_in(value: str) -> None:
    assert msgspec.json.decode(when_of({"agent": value}).removeprefix("agent.name == ")) == value
