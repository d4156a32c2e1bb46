"""Every alert fires when what it is about happens, as Prometheus itself evaluates it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.monitoring import rule_file
from tests.monitoring.files import RULES

CASES = Path(__file__).parent / "alerts_test.yaml"


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    text = CASES.read_text("utf-8")
    assert [rule.alert for rule in rule_file.read(RULES).rules if f'"{rule.alert}"' not in text] == []


@pytest.mark.integration
async def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here; Debian's package is prometheus")
    for arguments in (("check", "rules", str(RULES)), ("test", "rules", str(CASES))):
        process = await asyncio.create_subprocess_exec(
            promtool, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()
