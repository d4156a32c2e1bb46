"""Packs at the command line: listed, shown, copied to be edited, and checked in a policy."""

import os
import subprocess
from pathlib import Path

import yaml

from tests.policies import policy
from tests.services import command_line


def run(*arguments: str, home: Path, language: str = "en") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    return command_line.pilote(
        *arguments, environment={**kept, "PILOTE_HOME": str(home / "home"), "PILOTE_LANG": language, "COLUMNS": "200"}
    )


def test_packs_are_listed_in_both_languages_as_starting_points(tmp_path: Path) -> None:
    english, french = (run("packs", "list", home=tmp_path, language=language).stdout for language in ("en", "fr"))
    assert "fr-telephone  2026.1  Telephone marketing" in english
    assert "fr-telephone  2026.1  Démarchage téléphonique" in french
    assert ("not legal advice" in english, "non un conseil juridique" in french) == (True, True)


def test_a_copy_may_be_edited_and_its_mistakes_are_told_where_they_stand(tmp_path: Path) -> None:
    assert "is yours to edit" in run("packs", "copy", "fr-telephone", str(tmp_path), home=tmp_path).stdout
    copy = tmp_path / "fr-telephone-2026.1.yaml"
    assert run("packs", "show", "fr-telephone", home=tmp_path).stdout == copy.read_text(encoding="utf-8")
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy(packs=[{"file": copy.name}])))
    assert "valid policy" in run("check", str(file), home=tmp_path).stdout

    text = copy.read_text(encoding="utf-8").replace("max: 4", "max: four")
    copy.write_text(text, encoding="utf-8")
    line = next(number for number, each in enumerate(text.splitlines(), start=1) if "max: four" in each)
    assert f"{copy}:{line}: caps[0].max:" in run("check", str(file), home=tmp_path).stderr

    again = run("packs", "copy", "fr-telephone", str(tmp_path), home=tmp_path, language="fr")
    assert (again.returncode, "existe déjà" in again.stderr) == (1, True)
    assert copy.read_text(encoding="utf-8") == text


def test_an_unknown_pack_is_told_with_those_there_are(tmp_path: Path) -> None:
    for arguments in (("show", "de-telefon"), ("show", "fr-telephone", "--version", "1"), ("copy", "x", str(tmp_path))):
        done = run("packs", *arguments, home=tmp_path)
        assert (done.returncode, "fr-telephone 2026.1" in done.stderr) == (2, True)
