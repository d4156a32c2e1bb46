"""What a run is told: mistakes end it before it begins, in words that say how to mend them."""

import argparse
import json
from pathlib import Path

import pytest

from loadtests.locusts.options import OptionsWrong, add_to, checked


def told(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_to(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def keys(tmp_path: Path) -> str:
    file = tmp_path / "keys.json"
    names = ("research-bot", "sales-bot", "marketing-bot")
    file.write_text(json.dumps(dict.fromkeys(names, "k")))
    return str(file)


def test_a_run_against_any_gateway_needs_keys_and_addresses_only(keys: str) -> None:
    found = checked(told("--keys", keys, "--gateway", "a:1,b:2", "--scenario", "soak", "--seconds", "3600"))
    assert found.gateways == ("a:1", "b:2")
    assert found.scenario.seconds == pytest.approx(3600)
    assert found.thresholds


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--scenario", "redis-outage"), "make load SCENARIO=redis-outage"),
        (("--scenario", "noisy-neighbour"), "missing: noisy-bot"),
        (("--rate", "0"), "--rate is above 0"),
        (("--connections", "0"), "--connections"),
        (("--seconds", "3"), "--seconds"),
        (("--part", "3/2"), "--part 3/2"),
        (("--thresholds", "/nowhere"), "--thresholds"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_called(keys: str, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(OptionsWrong, match=said):
        checked(told("--keys", keys, *arguments))


@pytest.mark.parametrize("content", [None, "{", "[]", '{"sales-bot": 1}', '{"sales-bot": "k"}'])
def test_keys_that_are_missing_or_no_keys_are_told(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(OptionsWrong, match="--keys names a JSON file"):
        checked(told("--keys", str(file)))


def test_a_scenario_that_hurts_the_stack_runs_where_its_owner_can_be_asked(keys: str) -> None:
    found = checked(told("--keys", keys, "--scenario", "slow-upstream", "--control", "acts.sock"))
    assert found.scenario.hurts == ("slow-crm", "quick-crm")
    assert checked(told("--keys", keys, "--thresholds", "none")).thresholds == ()
