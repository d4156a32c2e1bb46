"""Rules that can do nothing are found with place and fix, in both languages, and no other rule is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.activation.loading import load
from gateway.adapters import policy_files
from gateway.core.analysis import findings as module
from gateway.core.analysis.findings import Analysis, Finding, analyse, text
from tests.policies import agent, demo, policy, revision

CASES = sorted((Path(__file__).parent.parent / "cases" / "findings").glob("*.yaml"))
UPDATE = ["/pilote.crm.v1.DealService/UpdateDeal"]


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_everything_that_can_do_nothing_is_found_and_nothing_else(case: Path, tmp_path: Path) -> None:
    told = yaml.safe_load(case.read_text(encoding="utf-8"))
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy(**told["sections"]), allow_unicode=True), encoding="utf-8")
    data, lines = policy_files.read(file)
    analysis = analyse(load(data, lines=lines), lines)
    found = [{"path": f.path, "kind": f.kind, "says": text(f, language="en")[0]} for f in analysis.findings]
    assert found == told["wanted"]
    assert all(finding.line > 0 for finding in analysis.findings)
    assert analysis.complete


def test_nothing_is_found_in_the_demonstrations_policy() -> None:
    assert analyse(load(demo())) == Analysis((), complete=True)


@pytest.mark.parametrize("kind", module._TEXTS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_finding_says_what_is_wrong_and_what_to_do(kind: Any, language: str) -> None:
    finding = Finding(kind=kind, rule="one", others=("two", "three"), effect="deny")
    problem, fix = text(finding, language=language)
    assert "one" in problem
    assert fix
    assert "{" not in problem + fix


def test_an_enum_has_no_values_but_its_own() -> None:
    method = "/pilote.crm.v1.ContactService/ListContacts"
    binding = {"method": method, "operation": "READ", "channel": "lifecycle_stage"}
    rules: list[dict[str, Any]] = [
        {"name": "open", "effect": "allow"},
        {"name": "leads", "effect": "deny", "methods": [method], "when": 'call.channel == "lead"'},
        {"name": "telex", "effect": "deny", "methods": [method], "when": 'call.channel == "telex"'},
    ]
    found = analyse(revision(rules=rules, contracts=[{"name": "crm", "methods": [binding]}])).findings
    assert [finding.rule for finding in found] == ["telex"]


def test_a_rule_is_only_shadowed_where_each_of_its_methods_is() -> None:
    reads, updates = "/pilote.crm.v1.DealService/GetDeal", UPDATE[0]
    rules: list[dict[str, Any]] = [
        {"name": "deals", "effect": "allow", "methods": [reads, updates]},
        {"name": "no-updates", "effect": "deny", "methods": [updates]},
    ]
    assert analyse(revision(rules=rules)).findings == ()
    rules.append({"name": "no-reads", "effect": "deny", "methods": [reads]})
    (finding,) = analyse(revision(rules=rules)).findings
    assert set(finding.others) == {"no-updates", "no-reads"}


def test_a_policy_of_too_many_rules_says_that_not_all_were_compared() -> None:
    rules: list[dict[str, Any]] = [
        {"name": f"r{n}", "effect": "deny", "methods": UPDATE, "when": f"request.deal.amount_cents == {n}"}
        for n in range(9)
    ]
    assert analyse(revision(rules=rules)).complete
    assert not analyse(revision(rules=rules), most_pairs=3).complete


def test_what_is_said_of_agents_counts_their_labels_together() -> None:
    agents = [agent("a", labels={"team": "x"}), agent("b", sha256="b" * 64, labels={"team": "y"})]
    rules: list[dict[str, Any]] = [
        {"name": "open", "effect": "allow", "when": 'agent.name == "a"'},
        {"name": "closed", "effect": "deny", "when": 'agent.labels["team"] == "x"'},
    ]
    (finding,) = analyse(revision(agents=agents, rules=rules)).findings
    assert (finding.kind, finding.rule, finding.others) == ("shadowed", "open", ("closed",))
