"""The packs that come with Pilote, as tables: each file in `cases/packs` is one version of one, and what it says."""

import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.activation.loading import load
from gateway.adapters import policy_files
from gateway.core.revision.compiled import Revision
from gateway.packs.shipped import shipped
from tests.core.test_decide import decided, shown
from tests.policies import SEND, policy

FOLDER = Path(__file__).parent / "cases" / "packs"
CASES = {
    f"{path.stem}: {case['name']}": (told, case)
    for path in sorted(FOLDER.glob("*.yaml"))
    for told in [yaml.safe_load(path.read_text(encoding="utf-8"))]
    for case in told["calls"]
}


@pytest.fixture(scope="module")
def revision_with(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A policy that allows everything and includes one pack."""

    @functools.cache
    def made(name: str, version: str) -> Revision:
        file = tmp_path_factory.mktemp("packs") / "policy.yaml"
        file.write_text(yaml.safe_dump(policy(packs=[{"name": name, "version": version}])), encoding="utf-8")
        data, lines = policy_files.read(file)
        return load(data, lines=lines, number=1)

    return made


@pytest.mark.parametrize("name", CASES)
def test_the_pack_says_what_its_table_says(name: str, revision_with: Any) -> None:
    told, case = CASES[name]
    asked = {"method": SEND, "request": told["request"], "facts": told["facts"]} | case
    decision = decided(revision_with(**told["pack"]), asked)
    assert shown(decision) == {"looks": [], "buckets": [], **case["wanted"]}


def test_every_version_of_every_pack_has_its_table_and_says_that_it_is_no_legal_advice() -> None:
    assert {f"{pack.name}-{pack.version}" for pack in shipped()} == {path.stem for path in FOLDER.glob("*.yaml")}
    for pack in shipped():
        text = pack.file.read_text(encoding="utf-8")
        assert "starting point, not legal advice" in " ".join(text.replace("#", "").split())
        found = policy_files.read_pack(pack.file, label=pack.label)
        assert (found.header.name, found.header.version) == (pack.name, pack.version)
        assert all(part["citation"] for parts in found.sections.values() for part in parts)
