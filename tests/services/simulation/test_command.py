"""`pilote simulate`: a home is filled, the same for the same seed, and what was recorded can be decided once more."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import yaml

from gateway.adapters import policy_files
from services import redis_server
from services.audit.sqlite.store import SqliteStore
from services.simulation.default_policy import POLICY
from tests.services import command_line
from tests.services.ports import free

WEEK = ("--customers", "40", "--weeks", "1", "--decisions", "300")


def run(*arguments: str, language: str = "en", **own: str) -> subprocess.CompletedProcess[str]:
    return command_line.pilote(*arguments, environment=environment(PILOTE_LANG=language, **own), timeout=240)


def environment(**own: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PILOTE_")}  # noqa: TID251
    return {**kept, **own, "COLUMNS": "200"}


@contextlib.contextmanager
def served(home: Path) -> Iterator[str]:
    """The home's store and its audit service; gives the address of that."""
    address = f"127.0.0.1:{free(1)[0]}"
    running = [subprocess.Popen(redis_server.command(home / "redis"), stdout=subprocess.DEVNULL)]
    try:
        started = environment(PILOTE_HOME=str(home), PILOTE_AUDIT_LISTEN=address)
        running.append(subprocess.Popen((sys.executable, "-m", "services.cli", "audit"), env=started))
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=60)
        yield address
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


async def stored(home: Path) -> tuple[int, bytes]:
    """How many decisions there are, and the root of the log."""
    store = SqliteStore(home)
    try:
        return await store.count(), await store.log.root(await store.log.size())
    finally:
        await store.close()


@pytest.mark.timeout(600)
async def test_a_home_is_filled_the_same_for_the_same_seed_and_backtests_work_on_it(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    first = run("simulate", "--home", str(one), *WEEK)
    assert first.returncode == 0, first.stderr
    assert "300 decisions" in first.stdout
    assert run("simulate", "--home", str(other), *WEEK, language="fr").returncode == 0
    assert await stored(one) == await stored(other)
    assert (await stored(one))[0] == 300
    truth = json.loads((one / "truth.json").read_text())
    assert truth == json.loads((other / "truth.json").read_text())
    assert truth["people"]["heldOut"] > 0
    assert truth["contacts"]["all"]["all"]["contacts"] > 50

    again = run("simulate", "--home", str(one), *WEEK)
    assert again.returncode == 2
    assert "must not be mixed" in again.stderr

    file = tmp_path / "tighter.yaml"
    policy, _ = policy_files.read(POLICY)
    assert isinstance(policy, dict)
    policy["caps"][0]["max"] = 1
    file.write_text(yaml.safe_dump(policy), encoding="utf-8")
    with served(one) as address:
        told = run(
            *("backtest", "--revision", str(file), "--since", "9d", "--json"),
            PILOTE_HOME=str(one),
            PILOTE_AUDIT_LISTEN=address,
        )
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["calls"], found["counted"], found["leftOut"]) == (300, True, {})
    assert found["newlyRefused"] > 0
    forecast = found["forecast"]
    assert forecast["refused"] <= found["newlyRefused"]
    assert forecast["avoided"] is None or forecast["avoided"]["low"] <= forecast["avoided"]["value"]
    assert {each["by"] for each in found["changes"] if each["becomes"] == "DENY"} == {"CAP_EXCEEDED marketing-pressure"}


def test_what_cannot_be_simulated_is_told_in_both_languages(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    few = run("simulate", "--home", home, "--customers", "500", "--decisions", "30", language="fr")
    assert (few.returncode, "trop peu pour 500 clients" in few.stderr) == (2, True)
    day = run("simulate", "--home", home, "--until", "tomorrow")
    assert (day.returncode, "not tomorrow" in day.stderr) == (2, True)
    apart = run("simulate", "--home", home, PILOTE_REDIS_URL="redis://127.0.0.1:1")
    assert (apart.returncode, "unset PILOTE_REDIS_URL" in apart.stderr) == (2, True)
    file = tmp_path / "other.yaml"
    data, _ = policy_files.read(POLICY)
    assert isinstance(data, dict)
    data["agents"] = [each for each in data["agents"] if each["name"] != "news-bot"]
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    other = run("simulate", "--home", home, *WEEK, "--policy", str(file))
    assert (other.returncode, "no agent news-bot" in other.stderr) == (2, True)
