"""What README promises is so."""

import re
from pathlib import Path

from gateway.settings import Settings

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
