"""Two people and a policy, over the command line, in processes of its own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from gateway.redis_clients import Client
from tests.services import command_line

DEMO = Path("services/demo")


class Desk:
    """One person's terminal."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
        self._environment = {
            **kept,
            "PILOTE_HOME": str(folder / "home"),
            "PILOTE_REDIS_URL": redis_url,
            "PILOTE_LANG": "en",
            "COLUMNS": "200",
        }

    def run(self, *arguments: object, lang: str = "en") -> subprocess.CompletedProcess[str]:
        return command_line.pilote(*map(str, arguments), environment=self._environment | {"PILOTE_LANG": lang})

    def signed(self, *arguments: object, by: str, option: str = "--by") -> subprocess.CompletedProcess[str]:
        return self.run(*arguments, option, by, "--key", self.folder / f"{by}.pem")


@pytest.fixture
def desk(tmp_path: Path, redis: Client, redis_url: str) -> Desk:
    """A terminal at an empty store, and the demonstration's policy with two people in `policy.yaml`."""
    desk = Desk(tmp_path, redis_url)
    made = [desk.run("people", "new", name, "--key", tmp_path / f"{name}.pem") for name in ("ada", "bob")]
    assert [each.returncode for each in made] == [0, 0]
    shutil.copy(DEMO / "open_inference.binpb", tmp_path)
    people = "people:\n" + "".join(each.stdout for each in made)
    text = (DEMO / "policy.yaml").read_text(encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(f"{text}\n{people}", encoding="utf-8")
    return desk


@pytest.mark.one_server
def test_the_story_of_two_people(desk: Desk, tmp_path: Path) -> None:
    policy, text = tmp_path / "policy.yaml", (tmp_path / "policy.yaml").read_text(encoding="utf-8")
    assert "a change must be signed" in desk.run("apply", policy).stderr

    proposed = desk.signed("apply", policy, "--reason", "first", by="ada", option="--author")
    assert "Proposal 1 waits for 1 person(s) other than ada" in proposed.stdout, proposed.stderr
    assert "ada wrote this proposal" in desk.signed("approve", 1, by="ada").stderr
    assert "active as revision 1" in desk.signed("approve", 1, "--comment", "read it", by="bob").stdout

    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(text.replace("max: 2", "max: 1"), encoding="utf-8")
    assert stricter.read_text(encoding="utf-8") != text
    described = tmp_path / "described.yaml"
    described.write_text(re.sub("(?m)^description: .*$", "description: mine", text), encoding="utf-8")
    apply = ("--reason", "why", "--expect", 1)
    assert desk.signed("apply", stricter, *apply, by="ada", option="--author").returncode == 0
    assert desk.signed("apply", described, *apply, by="bob", option="--author").returncode == 0
    listed = desk.run("proposals", "list").stdout
    assert [line.split("\t")[0] for line in listed.splitlines()[1:]] == ["2", "3"]
    assert "Changes the cap" in desk.run("proposals", "show", 2).stdout
    assert "pilote plan --proposal 2 --backtest" in desk.run("proposals", "show", 2).stdout
    planned = desk.run("plan", "--proposal", 2).stdout
    assert "Proposal 2" in planned
    assert "Changes the cap" in planned
    assert "active as revision 2" in desk.signed("approve", 2, by="bob").stdout

    conflict = desk.signed("approve", 3, by="ada")
    assert conflict.returncode == 3
    for told in ("Revision 2 became active", "Changes the cap", "description", "pilote rebase 3 > merged.yaml"):
        assert told in conflict.stderr
    merged = tmp_path / "merged.yaml"
    merged.write_text(desk.run("rebase", 3).stdout, encoding="utf-8")
    assert yaml.safe_load(merged.read_text(encoding="utf-8"))["description"] == "mine"
    assert "is a valid policy" in desk.run("check", merged).stdout
    assert desk.signed("apply", merged, *apply[:2], by="bob", option="--author").returncode == 0
    assert "active as revision 3" in desk.signed("approve", 4, by="ada").stdout
    assert "Proposal 3 is withdrawn" in desk.signed("proposals", "withdraw", 3, by="bob").stdout

    back = desk.signed("rollback", "--reason", "complaints", by="ada", option="--author")
    assert "Revision 4 is active: revision 2 again" in back.stdout, back.stderr
    history = [line.split("\t") for line in desk.run("history").stdout.splitlines()]
    assert [(row[0], row[2], row[3], row[4], row[5]) for row in history[1:]] == [
        ("4", "ada", "rolled back to 2", "", "complaints"),
        ("3", "bob", "applied", "ada", "why"),
        ("2", "ada", "applied", "bob", "why"),
        ("1", "ada", "applied", "bob", "first"),
    ]
    shown = tmp_path / "shown.yaml"
    shown.write_text(desk.run("revisions", "show", 4).stdout, encoding="utf-8")
    assert shown.read_text(encoding="utf-8").startswith("# Made from revision 4: apply with --expect 4\n")
    assert "is a valid policy" in desk.run("check", shown).stdout


@pytest.mark.one_server
def test_what_cannot_be_is_said_in_both_languages_without_a_trace(desk: Desk, tmp_path: Path) -> None:
    cases = [
        (("approve", 9, "--by", "bob", "--key", tmp_path / "bob.pem"), 1, "Il n’y a pas de proposition 9"),
        (("rollback", "--reason", "x"), 1, "Aucune politique n’est encore active"),
        (("revisions", "show", 3), 1, "Il n’y a pas de révision 3"),
        (("rebase",), 2, "Dites quoi rebaser"),
        (("plan",), 2, "Dites sur quoi planifier"),
        (("plan", "--proposal", 9), 1, "Il n’y a pas de proposition 9"),
        (("people", "new", "Ada Lovelace", "--key", tmp_path / "x.pem"), 2, "n’est pas un nom"),
        (("people", "new", "ada", "--key", tmp_path / "ada.pem"), 1, "existe déjà"),
        (("approve", 1, "--by", "bob", "--key", tmp_path / "policy.yaml"), 2, ""),
        (("approve", 1, "--by", "bob", "--key", tmp_path / "none.pem"), 2, "ne peut pas être lu"),
    ]
    for arguments, code, french in cases:
        done = desk.run(*arguments, lang="fr")
        assert (done.returncode, french in done.stderr, "Traceback" in done.stderr) == (code, True, False), done
        assert desk.run(*arguments).stderr != done.stderr or not french
    (tmp_path / "open.pem").write_bytes((tmp_path / "ada.pem").read_bytes())
    (tmp_path / "open.pem").chmod(0o644)
    readable = desk.run("approve", 1, "--by", "ada", "--key", tmp_path / "open.pem")
    assert "others may read this key" in readable.stderr
    assert re.search("PRIVATE KEY", (tmp_path / "ada.pem").read_text(encoding="utf-8"))


@pytest.mark.one_server
def test_a_gateway_that_cannot_read_whom_it_trusts_does_not_start(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "trust.json").write_text("{}", encoding="utf-8")
    for process in ("gateway", "control"):
        done = desk.run(process)
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert "is damaged: it says which people this process trusts" in done.stderr
