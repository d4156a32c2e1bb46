"""The first administrator comes in by what `pilote up` prints, once."""

import re
import signal
import subprocess
from pathlib import Path

import pytest
import requests

from tests.services.test_cli import PILOTE, _environment, _listens, _read_until

GOOD = "seven green umbrellas"


def _up(home: Path, settings: dict[str, str], *command: str) -> "subprocess.Popen[str]":
    environment = _environment(home, **settings)
    return subprocess.Popen(
        (*PILOTE, *(command or ("up",))), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _stop(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.mark.timeout(240)
def test_the_first_administrator_logs_in_with_what_up_prints_and_it_prints_it_once(tmp_path: Path) -> None:
    settings = _listens()
    process = _up(tmp_path, settings)
    try:
        said = _read_until(process, "Ctrl-C stops everything")
        found = re.search(r"Log in at (\S+) as admin with this password, once: (\S+)", said)
        assert found is not None, said
        assert found[1] == f"http://{settings['PILOTE_CONTROL_LISTEN']}"
        browser = requests.Session()
        answer = browser.post(f"{found[1]}/v1/session", json={"name": "admin", "password": found[2]}, timeout=30)
        assert answer.json()["account"]["mustChangePassword"]
        token = {"x-csrf-token": answer.json()["csrfToken"]}
        body = {"old": found[2], "new": GOOD}
        assert browser.post(f"{found[1]}/v1/session/password", json=body, headers=token, timeout=30).ok
        _stop(process)
        process = _up(tmp_path, settings)
        assert "as admin" not in _read_until(process, "Ctrl-C stops everything")
        again = requests.post(f"{found[1]}/v1/session", json={"name": "admin", "password": GOOD}, timeout=30)
        assert set(again.json()["account"]["grants"]["*"]) == {"admin", "officer"}
        secrets = (path for path in (tmp_path / "secrets").iterdir())
        assert (tmp_path / "secrets" / "control.key") in secrets
        logs = "".join(path.read_text() for path in (tmp_path / "logs").rglob("*") if path.is_file())
        assert found[2] not in logs
    finally:
        process.kill()
        process.communicate()


@pytest.mark.timeout(240)
def test_who_has_run_the_demonstration_can_look_at_it_in_the_console(tmp_path: Path) -> None:
    process = _up(tmp_path, _listens(), "demo", "--contacts", "20")
    try:
        said = _read_until(process, "Ctrl-C stops everything")
        found = re.search(r"Log in at (\S+) as admin with this password, once: (\S+)", said)
        assert found is not None, said
        body = {"name": "admin", "password": found[2]}
        assert requests.post(f"{found[1]}/v1/session", json=body, timeout=30).ok
        _stop(process)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
