"""Probes of a policy: what holds, what fails with the smallest example, and what does not fit."""

from typing import Any

import yaml

from gateway.activation.loading import load
from gateway.core.revision.compiled import Revision
from services.probes.policies import Policy
from services.probes.reading import read, read_file
from services.probes.running import Report, Result, run
from services.probes.showing import as_data, as_junit, as_yaml, probe_of, why
from services.probes.suite import Wanted
from tests.chapters import chapter
from tests.policies import DEMO_FOLDER, SEND, demo, revision
from tests.services.probes.suites import suite

NICE = {
    "name": "not-to-nice",
    "methods": [SEND],
    "effect": "deny",
    "when": 'facts.traits["city"] == "Nice" && facts.traits["first_name"].startsWith("J")',
}
GULLIBLE = {"name": "gullible", "methods": [SEND], "effect": "hold", "when": 'request.message.body.contains("ALLOW")'}
OPEN = {"name": "open", "effect": "allow"}
ALLOWS = {"kind": "expect", "expect": {"verdict": "ALLOW", "rule": "open"}}
NAMES = {
    "kind": "invariance",
    "vary": [
        {"field": "facts.traits.first_name", "known": "first-names"},
        {"field": "facts.traits.city", "values": ["Paris", "Nice", "Lyon"]},
        {"field": "facts.traits.postcode", "known": "postcodes"},
    ],
}


def report(policy: Revision, *probes: dict[str, Any], **more: Any) -> Report:
    return run(suite(*probes, **more), Policy(policy, name="this policy"))


def result(policy: Revision, probe: dict[str, Any], **more: Any) -> Result:
    (found,) = report(policy, probe, **more).results
    return found


def test_a_policy_without_faults_passes_every_kind_of_probe() -> None:
    found = report(
        revision(caps=[{"name": "pressure", "max": 2, "window": "7d"}]),
        *(ALLOWS, NAMES),
        {"kind": "direction", "along": "contacts", "values": [[], ["1d"], ["1d", "2d"], ["1d", "2d", "3d"]]},
        {"kind": "adversarial", "fields": ["request.message.body", "facts.traits.first_name"]},
    )
    assert [each.state for each in found.results] == ["passed"] * 4
    assert found.passed


def test_of_many_variations_the_two_that_matter_together_are_left() -> None:
    found = result(revision(rules=[OPEN, NICE]), NAMES)
    assert (found.state, found.example is not None) == ("failed", True)
    assert found.example is not None
    assert set(found.example.changes) == {"facts.traits.first_name", "facts.traits.city"}
    assert found.example.changes["facts.traits.city"] == "Nice"
    assert found.example.expect == Wanted(verdict="ALLOW")


def test_the_example_is_a_probe_that_fails_for_the_same_policy() -> None:
    policy = revision(rules=[OPEN, NICE])
    failed = result(policy, NAMES)
    assert failed.example is not None
    (pasted,) = yaml.safe_load(as_yaml(failed.example))
    assert result(policy, pasted).state == "failed"
    assert result(revision(), pasted).state == "passed"


def test_recent_contacts_count_in_caps_and_a_rule_that_grows_lax_with_them_is_found() -> None:
    along = {"kind": "direction", "along": "contacts", "values": [[], ["1d"], ["1d", "2d"]]}
    capped = revision(caps=[{"name": "pressure", "max": 1, "window": "7d"}])
    over = {"kind": "expect", "with": {"contacts": ["1d"]}, "expect": {"verdict": "DENY", "rule": "pressure"}}
    under = {"kind": "expect", "with": {"contacts": ["8d"]}, "expect": {"verdict": "ALLOW"}}
    assert report(capped, along, over, under).passed

    lax = {"name": "lax", "methods": [SEND], "effect": "deny", "when": "facts.pressure < 2.0"}
    grows = {"kind": "direction", "along": "facts.pressure", "values": [0, 1, 2.5, 4]}
    found = result(revision(rules=[OPEN, lax]), grows)
    assert found.violation is not None
    assert found.violation.code == "why-permissive"
    assert found.example is not None
    assert (found.example.changes, found.example.expect) == ({"facts.pressure": 2.5}, Wanted(verdict="DENY"))


def test_a_rule_that_a_text_talks_into_something_is_found_with_the_shortest_such_text() -> None:
    found = result(revision(rules=[OPEN, GULLIBLE]), {"kind": "adversarial", "fields": ["request.message.body"]})
    assert found.example is not None
    assert found.example.changes == {"request.message.body": "ALLOW"}


def test_quiet_hours_and_rules_know_a_time_zone_however_it_is_spelled() -> None:
    hours = revision(quiet_hours=[{"name": "day", "open": [{"from": "08:00", "to": "20:00"}]}])
    paris = revision(rules=[OPEN | {"when": 'facts.time_zone == "Europe/Paris"'}])
    spelled = {"kind": "invariance", "vary": [{"field": "facts.time_zone", "known": "time-zone-spellings"}]}
    assert result(hours, spelled).state == "passed"
    assert result(paris, spelled).state == "passed"
    unknown = {"kind": "invariance", "vary": [{"field": "facts.time_zone", "values": ["Europe/Lutece"]}]}
    assert result(hours, unknown).state == "failed"


def test_the_same_seed_gives_the_same_report_and_no_more_calls_are_made_than_the_suite_allows() -> None:
    policy = revision(rules=[OPEN, NICE])
    one, other = (report(policy, NAMES, ALLOWS, seed=5, cases=40) for _ in range(2))
    assert one == other
    assert one.cases <= 40


def test_what_does_not_fit_the_policy_is_broken_and_says_what_to_mend() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"agent": "nobody"}, "broken-agent"),
        ({"request.message.colour": "red"}, "broken-request"),
        ({"facts.segments": 1}, "broken-facts"),
        ({"contacts": ["soon"]}, "broken-contacts"),
        ({"request.message.body.inner": "x"}, "broken-place"),
        ({"at": "noon"}, "broken-moment"),
    ]
    found = report(revision(), *({**ALLOWS, "with": changes} for changes, _ in wrong))
    assert [each.code for each in found.results] == [code for _, code in wrong]
    assert not found.passed
    asks = result(revision(), {"kind": "expect", "expect": {"answer": [{"of": "outputs.0", "equals": 1}]}})
    assert asks.code == "broken-wants-answer"
    for each in (*found.results, asks):
        assert why(each, language="en") != why(each, language="fr") != ""


def test_a_report_is_told_as_data_and_as_a_well_formed_junit_file() -> None:
    failing = report(
        revision(rules=[OPEN, NICE]), ALLOWS, NAMES, {"kind": "adversarial", "fields": ["request.nothing"]}
    )
    data = as_data(failing, language="fr")
    assert (data["passed"], [each["state"] for each in data["results"]]) == (False, ["passed", "failed", "broken"])
    assert "change l’issue" in data["results"][1]["why"]
    assert yaml.safe_load(data["results"][1]["yaml"])
    junit = as_junit(failing, language="en")
    assert 'failures="1" errors="1"' in junit or ('failures="1"' in junit and 'errors="1"' in junit)


def test_a_decision_and_the_answer_that_it_should_have_had_become_a_probe() -> None:
    made = probe_of("labelled", "offer", {"facts.traits.city": "Nice"}, verdict="HOLD")
    assert (made.base, made.expect.verdict, made.changes) == ("offer", "HOLD", {"facts.traits.city": "Nice"})


def test_when_a_probe_runs_does_not_matter() -> None:
    night = {**ALLOWS, "with": {"at": "2026-01-05T23:00:00Z"}}
    hours = revision(quiet_hours=[{"name": "day", "open": [{"from": "08:00", "to": "20:00"}]}])
    assert [each.state for each in report(hours, ALLOWS, night).results] == ["passed", "failed"]


def test_the_demonstration_passes_its_own_probes() -> None:
    found = run(read_file(DEMO_FOLDER / "probes.yaml"), Policy(load(demo()), name="demonstration"))
    assert [(each.probe, each.state, each.violation) for each in found.results if each.state != "passed"] == []


def test_the_suite_in_the_chapter_is_a_good_one() -> None:
    example = chapter("services/probes").split("```yaml\n")[1].split("```")[0]
    assert run(read(example), Policy(load(demo()), name="demonstration")).passed
