"""What README and its chapters promise is so."""

import re
from pathlib import Path

import pytest
import yaml

from gateway.settings import Settings
from services.audit.filters.expression import All
from services.audit.filters.field_tables import field_rows, function_rows
from services.audit.filters.filter import parse
from services.crm.connectors.reading import VENDORS, read
from tests.chapters import CHAPTERS, README, ROOT, chapter, everything
from tests.policies import demo, revision

WRITTEN = everything()
FILE = re.compile(r"`((?:gateway|services|protos|tests|loadtests)/[\w./-]+\.(?:py|lua|yaml|proto))`")


def test_every_setting_is_in_the_table() -> None:
    rows = [line for line in WRITTEN.splitlines() if line.startswith("|")]
    variables = [f"`PILOTE_{name.upper()}`" for name in Settings.__struct_fields__]
    assert [variable for variable in variables if not any(variable in row for row in rows)] == []


def test_the_table_names_no_setting_that_is_none() -> None:
    known = {f"PILOTE_{name.upper()}" for name in Settings.__struct_fields__}
    assert set(re.findall(r"`(PILOTE_[A-Z_]+)`", README.read_text("utf-8"))) <= known


def test_the_files_to_read_first_are_there() -> None:
    named = list(dict.fromkeys(FILE.findall(WRITTEN)))
    assert len(named) >= 6
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_example_of_a_redacting_rule_is_a_good_one() -> None:
    example = re.search(r"```yaml\n(- name: research-sees-no-people.*?)```", WRITTEN, re.DOTALL)
    assert example is not None
    rules = [{"name": "open", "effect": "allow"}, *yaml.safe_load(example[1])]
    read = revision(rules=rules).methods["/pilote.crm.v1.ContactService/GetContact"]
    assert list(read.takes["reply"]) == ["research-sees-no-people"]


def test_every_example_of_a_section_is_a_good_policy() -> None:
    examples = [
        yaml.safe_load(each) for each in re.findall(r"```yaml\n((?!connector:|suite:)\w+:.*?)```", WRITTEN, re.DOTALL)
    ]
    sections = {name for example in examples for name in example}
    assert {"limits", "caps", "pressure", "sequences", "consents", "routes"} <= sections
    inference = demo()
    for example in examples:
        models = {name: inference[name] for name in ("upstreams", "models", "contracts", "routes")}
        assert revision(**(models | example)).number == 1


def test_the_example_of_a_connector_is_a_good_one() -> None:
    example = re.search(r"```yaml\n(connector:.*?)```", WRITTEN, re.DOTALL)
    assert example is not None
    assert list(read(example[1]).methods) == ["CreateContact", "GetContact", "ListContacts"]


def test_the_table_of_connectors_has_all_that_ship() -> None:
    table = chapter("services/crm/connectors")
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == sorted(file.stem for file in VENDORS.glob("*.yaml"))


def test_the_table_of_what_filters_may_name_is_the_one_that_they_are_read_by() -> None:
    written = chapter("services/audit/filters")
    rows = [
        tuple(cell.strip(" `") for cell in line.strip("| ").split(" | "))
        for line in written.splitlines()
        if line.startswith("| `")
    ]
    assert rows == [*field_rows(language="en")[1:], *function_rows(language="en")[1:]]


def test_the_example_of_a_filter_is_a_good_one() -> None:
    example = chapter("services/audit/filters").split("```")[1]
    read = parse(example)
    assert isinstance(read, All)
    assert len(read.parts) == 4


def _anchor(heading: str) -> str:
    """As the places that show Markdown make it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _links(file: Path) -> list[tuple[Path, str]]:
    """What a file links to: which file, and which heading of it."""
    prose = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
    found = [link.partition("#") for link in re.findall(r"\]\((?!https?:)([^)]+)\)", prose)]
    return [((file.parent / path).resolve() if path else file, anchor) for path, _, anchor in found]


@pytest.mark.parametrize("file", [README, *CHAPTERS], ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_leads_somewhere(file: Path) -> None:
    for target, anchor in _links(file):
        assert target.is_file()
        headings = re.findall(r"^#+ (.*)", target.read_text("utf-8"), re.MULTILINE)
        assert not anchor or anchor in map(_anchor, headings)


def test_readme_leads_to_every_chapter() -> None:
    assert {target for target, _ in _links(README)} >= set(CHAPTERS)
