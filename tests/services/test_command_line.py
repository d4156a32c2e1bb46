"""Commands that are forked say and do what commands do that are started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.command_line import pilote
from tests.services.environment import UNSET

HERE = {name: value for name, value in os.environ.items() if name not in UNSET}  # noqa: TID251


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("check", "services/demo/policy.yaml"),
        ("check", "pyproject.toml"),
        ("status",),
        ("nothing-of-the-kind",),
    ],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_forked_command_says_what_a_started_one_says(
    arguments: tuple[str, ...], language: str, tmp_path: Path
) -> None:
    environment = HERE | {"PILOTE_HOME": str(tmp_path), "PILOTE_LANG": language, "COLUMNS": "200"}
    started = subprocess.run(
        (sys.executable, "-m", "services.cli", *arguments), env=environment, capture_output=True, text=True, check=False
    )

    forked = pilote(*arguments, environment=environment)

    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert forked.stderr == started.stderr


def test_nothing_of_one_command_is_left_for_the_next(tmp_path: Path) -> None:
    for language, said in (("fr", "Rien ne tourne dans"), ("en", "Nothing runs in")):
        told = pilote("status", environment=HERE | {"PILOTE_HOME": str(tmp_path), "PILOTE_LANG": language})
        assert (told.returncode, said in told.stderr) == (1, True), told.stderr


def test_a_command_that_does_not_end_in_time_is_ended(tmp_path: Path) -> None:
    environment = HERE | {"PILOTE_HOME": str(tmp_path), "PILOTE_REDIS_URL": "redis://127.0.0.1:1"}
    with pytest.raises(subprocess.TimeoutExpired):
        pilote("audit", environment=environment, timeout=0.01)
