"""Each answer to a threat that the chapter gives names a test that exists."""

import re
from pathlib import Path
from typing import Final

from tests.chapters import README, ROOT

CHAPTER: Final = ROOT / ".github" / "SECURITY.md"
NAMED: Final = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def test_every_test_that_is_named_exists() -> None:
    named = NAMED.findall(CHAPTER.read_text("utf-8"))
    assert len(named) > 30
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or (name and f"def {name}(" not in (ROOT / path).read_text("utf-8"))
    ]
    assert missing == []


def test_every_threat_has_an_answer_and_a_test() -> None:
    rows = re.findall(r"^\| ([STRIDE]) \| (.*) \|$", CHAPTER.read_text("utf-8"), re.MULTILINE)
    assert {kind for kind, _ in rows} == set("STRIDE")
    assert [row for _, row in rows if not NAMED.search(row.split(" | ")[-1])] == []


def test_readme_leads_there_and_its_links_lead_somewhere() -> None:
    assert "(.github/SECURITY.md)" in README.read_text("utf-8")
    links = re.findall(r"\]\((\.\./[^)#]+)", CHAPTER.read_text("utf-8"))
    assert [link for link in links if not Path(CHAPTER.parent / link).resolve().is_file()] == []
