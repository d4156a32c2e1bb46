"""The checks of the contracts can fail: each kind of damage is done to a copy, and found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROTOS = Path("protos")
SERVICE = Path("pilote/crm/v1/message_service.proto")


def _check(folder: Path) -> "subprocess.CompletedProcess[str]":
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # noqa: TID251
    return subprocess.run(
        ("./build", "check"), cwd=folder, env={"PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("// Request of SendMessage.\n", "", "should have a non-empty comment"),
        ("string request_id = 2", "string request_key = 2", "changed name"),
        ("rpc SendMessage(", "rpc Send_message(", "Send_message"),
        ("// The messages that go to persons.", "// The messages that go to people.", "differ"),
    ],
    ids=["no comment", "field renamed", "rpc misnamed", "stubs out of date"],
)
def test_a_damaged_contract_is_found(before: str, after: str, told: str, tmp_path: Path) -> None:
    folder = shutil.copytree(PROTOS, tmp_path / "protos")
    file = folder / SERVICE
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after, 1))

    done = _check(folder)

    assert done.returncode != 0
    assert told in done.stdout + done.stderr
