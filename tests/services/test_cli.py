"""The command line, as a person uses it: in processes of its own."""

import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import command_line
from tests.services.ports import free

PILOTE = (sys.executable, "-m", "services.cli")
POLICY = Path("services/demo/policy.yaml")
TWELVE_MISTAKES = """
agents:
  - {name: Sales Bot, tenant: acme, keys: [{id: k, sha256: abc}]}
  - {name: quiet-bot, tenant: acme}
upstreams:
  - {name: crm, address: "nowhere"}
models:
  - {name: lead-score, versions: [{version: "1", upstream: scorer}]}
routes:
  - {name: crm, methods: ["/pilote.crm.v2.*"], arms: [{name: a, upstream: crm, weight: 9000}]}
rules:
  - {name: all, effect: alow}
  - {name: all, effect: allow, when: request.nothing == 1}
limits:
  - {name: rate, by: [agnt], rate: -1, per: 1 second}
caps:
  - {name: cap, max: many, windows: 7d}
"""


def _environment(home: Path, **settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    return {**kept, "PILOTE_HOME": str(home), "PILOTE_LANG": "en", "COLUMNS": "200", **settings}


def _run(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = _environment(home, **settings)
    return command_line.pilote(*arguments, environment=environment)


def _listens() -> dict[str, str]:
    names = (
        *("GATEWAY", "AUDIT", "CONTROL", "ROLLOUTS", "WEBHOOKS", "INSIGHTS", "AGENTS", "INTAKE", "INTAKE_GRPC", "CRM"),
        "MODELS",
    )
    ports = free(len(names) + 1)  # the second model server takes the port after the last
    return {f"PILOTE_{name}_LISTEN": f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=False)}


def test_it_says_which_version_it_is(tmp_path: Path) -> None:
    assert _run("--version", home=tmp_path).stdout == f"{importlib.metadata.version('pilote')}\n"


def test_the_example_policy_is_valid(tmp_path: Path) -> None:
    done = _run("check", str(POLICY), home=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert "4 agents, 3 routes, 7 rules, 3 limits, 3 caps" in done.stdout


def test_a_policy_with_twelve_mistakes_is_told_all_of_them_with_line_and_fix(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(TWELVE_MISTAKES)

    done = _run("check", str(file), home=tmp_path)

    assert done.returncode == 1
    found = re.findall(rf"{file}:(\d+): ([^:]+): ", done.stderr)
    assert len(found) == 14, done.stderr
    assert ("3", "agents[0].name") in found
    assert "did you mean 'allow'?" in done.stderr
    assert "did you mean 'window'?" in done.stderr


def test_the_mistakes_of_a_policy_are_told_in_french_to_who_wants_french(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(TWELVE_MISTAKES)

    done = _run("check", str(file), home=tmp_path, PILOTE_LANG="fr")

    assert done.returncode == 1
    assert "attendu\N{NO-BREAK SPACE}: un nombre entier\N{NARROW NO-BREAK SPACE}; trouvé" in done.stderr
    assert "vouliez-vous dire «\N{NARROW NO-BREAK SPACE}allow" in done.stderr
    assert not re.search(r"did you mean|[Ee]xpected|unknown|missing|write a", done.stderr)


def test_a_misspelt_setting_stops_the_start(tmp_path: Path) -> None:
    done = _run("status", home=tmp_path, PILOTE_GATEWAY_LISTN="x")

    assert done.returncode == 2
    assert "did you mean PILOTE_GATEWAY_LISTEN?" in done.stderr


def test_a_key_is_shown_once_and_only_its_hash_goes_into_the_policy(tmp_path: Path) -> None:
    done = _run("keys", "new", "sales-bot", home=tmp_path)

    key, entry = done.stdout.splitlines()
    assert key.startswith("pilote_sales-bot_")
    assert re.fullmatch(r'- \{id: k\d{8}, sha256: "[0-9a-f]{64}"\}', entry)


def test_without_a_running_pilote_each_command_says_what_to_do_in_both_languages(tmp_path: Path) -> None:
    settings = _listens()

    assert "pilote up" in _run("status", home=tmp_path, **settings).stderr
    assert "pilote up" in _run("decisions", "list", home=tmp_path, **settings).stderr
    told = _run("apply", str(POLICY), home=tmp_path, PILOTE_LANG="fr", **settings).stderr
    assert "Le stockage ne répond pas" in told
    assert "Traceback" not in told


def test_the_demonstration_runs_from_nothing_to_its_tables_and_leaves_nothing_running(tmp_path: Path) -> None:
    done = _run("demo", "--exit", "--contacts", "40", home=tmp_path, **_listens())

    assert done.returncode == 0, done.stdout + done.stderr
    for expected in (
        "CONSENT_MISSING",
        "LIMIT_EXCEEDED",
        "CAP_EXCEEDED",
        "POLICY_DENIED",
        "lead-score",
        "Its trace is",
    ):
        assert expected in done.stdout
    reconciled = re.search(r"(\d+) calls were made and (\d+) decisions recorded", done.stdout)
    assert reconciled is not None
    assert reconciled[1] == reconciled[2]
    state = json.loads((tmp_path / "demo" / "up.json").read_text())
    assert all(not Path(f"/proc/{child['pid']}").exists() for child in state["children"] if child.get("pid"))


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str], "subprocess.Popen[str]"]]:
    """`pilote up`, once it says that it is up."""
    settings = _listens()
    process = subprocess.Popen(
        (*PILOTE, "up"),
        env=_environment(tmp_path, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _read_until(process, "Ctrl-C stops everything")
        yield tmp_path, settings, process
    finally:
        process.kill()
        process.communicate()


def _read_until(process: "subprocess.Popen[str]", wanted: str) -> str:
    assert process.stdout is not None
    seen = ""
    while wanted not in seen:
        line = process.stdout.readline()  # pytest's timeout ends a miss
        assert line, f"never said {wanted!r}: {seen}"
        seen += line
    return seen


def test_up_refuses_everything_until_a_policy_is_applied_and_ends_all_even_after_a_child_was_killed(
    up: tuple[Path, dict[str, str], "subprocess.Popen[str]"],
) -> None:
    home, settings, process = up
    method = "/pilote.crm.v1.ContactService/ListContacts"

    refused = _run("call", method, "{}", "--key", "k", home=home, **settings)
    assert (refused.returncode, "REVISION_MISSING" in refused.stderr) == (1, True)
    french = _run("call", method, "{}", "--key", "k", home=home, **settings | {"PILOTE_LANG": "fr"})
    assert "Aucune politique n’est active" in french.stderr

    children = json.loads((home / "up.json").read_text())["children"]
    os.kill(next(child["pid"] for child in children if child["name"] == "crm"), signal.SIGKILL)
    assert "crm: restarting" in _read_until(process, "crm: restarting")

    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert "Everything has stopped." in out
    assert process.returncode == 0
    pids = [child["pid"] for child in json.loads((home / "up.json").read_text())["children"] if child.get("pid")]
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []


def test_a_policy_applied_to_a_running_pilote_is_live_and_its_calls_are_found(
    up: tuple[Path, dict[str, str], "subprocess.Popen[str]"],
) -> None:
    home, settings, _ = up
    key, entry = _run("keys", "new", "sales-bot", home=home).stdout.splitlines()
    policy = home / "policy.yaml"
    digest = re.search("[0-9a-f]{64}", entry)
    assert digest is not None
    text = POLICY.read_text().replace("0" * 63 + "2", digest[0])
    text = text.replace("127.0.0.1:50061", settings["PILOTE_CRM_LISTEN"])
    policy.write_text(text)
    (home / "open_inference.binpb").write_bytes(POLICY.with_name("open_inference.binpb").read_bytes())

    assert "Revision 1 is active" in _run("apply", str(policy), home=home, **settings).stdout
    status = ""
    while not re.search(r"gateway-\w{8}\t1\t.*\tcurrent\t", status):  # pytest's own timeout ends a miss
        status = _run("status", home=home, **settings).stdout
    assert "Revision 1 became active" in _run("apply", str(policy), "--expect", "0", home=home, **settings).stderr

    create = (
        "call",
        "/pilote.crm.v1.ContactService/CreateContact",
        '{"contact": {"displayName": "Ada"}}',
        "--key",
        key,
    )
    made = _run(*create, home=home, **settings)
    assert json.loads(made.stdout)["contact"]["displayName"] == "Ada"
    decision = re.search(r"pilote-decision-id: (\w+)", made.stderr)
    assert decision is not None
    evaluated = _run(*create, "--evaluate", home=home, **settings)
    assert "The rule writers-write allowed it." in evaluated.stdout

    listed = ""
    while decision[1] not in listed:  # visible within two seconds; pytest's own timeout ends a miss
        listed = _run("decisions", "list", 'agent = "sales-bot"', home=home, **settings).stdout
    assert "sales-bot a demandé" in _run("explain", decision[1], home=home, PILOTE_LANG="fr", **settings).stdout
    assert "Ada" not in listed

    halt = ("stop", "agent=sales-bot", "--reason", "it drifts")
    assert "is halted for acme" in _run(*halt, home=home, **settings).stdout
    assert "STOPPED" in _run(*create, home=home, **settings).stderr
    assert "agent=sales-bot" in _run("stops", home=home, **settings).stdout
    assert "reprend pour acme" in _run("resume", "agent=sales-bot", home=home, PILOTE_LANG="fr", **settings).stdout
    assert _run(*create, home=home, **settings).returncode == 0
    assert "cannot be stopped" in _run("stop", "sales-bot", "--reason", "x", home=home, **settings).stderr


def test_rules_that_can_do_nothing_are_told_and_fail_a_strict_check_only(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    shutil.copy(POLICY.parent / "open_inference.binpb", tmp_path)
    idle = "  - {name: idle, effect: deny, when: 'agent.name == \"salse-bot\"'}\n"
    file.write_text(POLICY.read_text(encoding="utf-8").replace("\nlimits:\n", f"\n{idle}limits:\n"), encoding="utf-8")

    done = _run("check", str(file), home=tmp_path)
    strict = _run("check", "--strict", str(file), home=tmp_path, PILOTE_LANG="fr")

    assert done.returncode == 0, done.stderr
    assert re.search(r"policy\.yaml:\d+: rules\[7\]: the rule idle can never match\n +mend its condition", done.stderr)
    assert strict.returncode == 1
    assert "la règle idle ne peut jamais s’appliquer" in strict.stderr
