"""What README promises is so."""

import re
from pathlib import Path

import yaml

from gateway.settings import Settings
from services.audit.filters.expression import All
from services.audit.filters.field_tables import field_rows, function_rows
from services.audit.filters.filter import parse
from services.crm.connectors.reading import VENDORS, read
from tests.policies import demo, revision

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FILE = re.compile(r"`((?:gateway|services|protos|tests|loadtests)/[\w./-]+\.(?:py|lua|yaml|proto))`")


def test_every_setting_is_in_the_table() -> None:
    rows = [line for line in README.splitlines() if line.startswith("|")]
    variables = [f"`PILOTE_{name.upper()}`" for name in Settings.__struct_fields__]
    assert [variable for variable in variables if not any(variable in row for row in rows)] == []


def test_the_table_names_no_setting_that_is_none() -> None:
    known = {f"PILOTE_{name.upper()}" for name in Settings.__struct_fields__}
    assert set(re.findall(r"`(PILOTE_[A-Z_]+)`", README)) <= known


def test_the_files_to_read_first_are_there() -> None:
    named = list(dict.fromkeys(FILE.findall(README)))
    assert len(named) >= 6
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_example_of_a_redacting_rule_is_a_good_one() -> None:
    example = re.search(r"```yaml\n(- name: research-sees-no-people.*?)```", README, re.DOTALL)
    assert example is not None
    rules = [{"name": "open", "effect": "allow"}, *yaml.safe_load(example[1])]
    read = revision(rules=rules).methods["/pilote.crm.v1.ContactService/GetContact"]
    assert list(read.takes["reply"]) == ["research-sees-no-people"]


def test_every_example_of_a_section_is_a_good_policy() -> None:
    examples = [yaml.safe_load(each) for each in re.findall(r"```yaml\n((?!connector:)\w+:.*?)```", README, re.DOTALL)]
    sections = {name for example in examples for name in example}
    assert {"limits", "caps", "pressure", "sequences", "consents", "routes"} <= sections
    inference = demo()
    for example in examples:
        models = {name: inference[name] for name in ("upstreams", "models", "contracts", "routes")}
        assert revision(**(models | example)).number == 1


def test_the_example_of_a_connector_is_a_good_one() -> None:
    example = re.search(r"```yaml\n(connector:.*?)```", README, re.DOTALL)
    assert example is not None
    assert list(read(example[1]).methods) == ["CreateContact", "GetContact", "ListContacts"]


def test_the_table_of_connectors_has_all_that_ship() -> None:
    section = README.split("## Connectors")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == sorted(file.stem for file in VENDORS.glob("*.yaml"))


def test_the_table_of_what_filters_may_name_is_the_one_that_they_are_read_by() -> None:
    section = README.split("## Finding decisions")[1].split("\n## ")[0]
    rows = [
        tuple(cell.strip(" `") for cell in line.strip("| ").split(" | "))
        for line in section.splitlines()
        if line.startswith("| `")
    ]
    assert rows == [*field_rows(language="en")[1:], *function_rows(language="en")[1:]]


def test_the_example_of_a_filter_is_a_good_one() -> None:
    example = README.split("## Finding decisions")[1].split("```")[1]
    read = parse(example)
    assert isinstance(read, All)
    assert len(read.parts) == 4
