"""`pilote probe`: a suite against a policy, at the command line."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import yaml

from tests.policies import SEND, policy
from tests.services import command_line
from tests.services.probes.suites import text

ALLOWS = {"kind": "expect", "expect": {"verdict": "ALLOW"}}
NAMES = {"kind": "invariance", "vary": [{"field": "facts.traits.first_name", "known": "first-names"}]}
UNFAIR = {"name": "unfair", "methods": [SEND], "effect": "deny", "when": 'facts.traits["first_name"] == "Zoé"'}


def run(*arguments: str, home: Path, language: str = "en") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    return command_line.pilote(
        "probe",
        *arguments,
        environment={**kept, "PILOTE_HOME": str(home / "home"), "PILOTE_LANG": language, "COLUMNS": "200"},
    )


def test_a_policy_is_probed_and_what_fails_is_told_with_a_probe_to_paste(tmp_path: Path) -> None:
    suite, file = tmp_path / "suite.yaml", tmp_path / "policy.yaml"
    suite.write_text(text(ALLOWS, NAMES), encoding="utf-8")
    file.write_text(yaml.safe_dump(policy(rules=[{"name": "open", "effect": "allow"}, UNFAIR])), encoding="utf-8")
    failing = run(str(suite), "--policy", str(file), home=tmp_path, language="fr")
    assert failing.returncode == 1, failing.stderr
    assert "ÉCHEC" in failing.stdout
    assert "facts.traits.first_name: Zoé" in failing.stdout
    assert "1 sondes sur 2 ne tiennent pas" in failing.stdout.replace("\N{NO-BREAK SPACE}", " ")

    file.write_text(yaml.safe_dump(policy()), encoding="utf-8")
    junit = tmp_path / "report.xml"
    good = run(str(suite), "--policy", str(file), "--json", "--junit", str(junit), home=tmp_path)
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["passed"] is True
    assert len(ElementTree.fromstring(junit.read_text(encoding="utf-8"))) == 2  # noqa: S314 - our own file


def test_a_suite_with_mistakes_is_told_with_lines_and_probes_nothing(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text(text({"kind": "guess"}), encoding="utf-8")
    wrong = run(str(suite), "--revision", "1", home=tmp_path)
    assert wrong.returncode == 2
    assert f"{suite}:" in wrong.stderr
    assert "is no kind of probe" in wrong.stderr
    suite.write_text(text(ALLOWS), encoding="utf-8")
    without = run(str(suite), home=tmp_path)
    assert (without.returncode, "--policy" in without.stderr) == (2, True)
