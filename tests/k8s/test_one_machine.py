"""The small overlay works: its containers, started as the manifests say, find each other and serve a call."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from services.demo.run import Keys
from tests.chapters import ROOT
from tests.fakes.collector import Collector, collecting
from tests.k8s.one_machine import Machine, ended, ready, running

OWN_KEYS = {"pilote-audit": {"audit"}}
"""Who makes a key of its own at its first start, and where: the small overlay says so."""


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with collecting() as found:
        yield found


@pytest.mark.integration
@pytest.mark.timeout(900)
async def test_the_small_overlay_starts_serves_a_call_and_ends_within_its_grace_periods(
    collector: Collector, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, collector=collector.endpoint.rpartition("//")[2])
    async with running(machine) as pods:
        keys = Keys("acme")
        policy = _policy(machine, keys, tmp_path)
        told = await _pilote(machine, "apply", str(policy))
        assert "1" in told
        await ready(machine, pods)
        listed = "/pilote.crm.v1.ContactService/ListContacts"
        gateway = f"127.0.0.1:{machine.port('pilote-gateway', 50051)}"
        told = await _pilote(machine, "call", listed, "{}", "--key", keys["import-bot"], PILOTE_GATEWAY_LISTEN=gateway)
        assert "pilote-decision-id" in told or "{}" in told
        made = {
            name: [file for file in machine.home(name).rglob("*") if file.suffix in {".key", ".pem"}] for name in pods
        }
        assert {name for name, files in made.items() if files} == set(OWN_KEYS)
        codes = await ended(pods)
    assert codes == dict.fromkeys(pods, 0)


def _policy(machine: Machine, keys: Keys, folder: Path) -> Path:
    """The demonstration's policy as README changes it, with the addresses of this machine."""
    demo = ROOT / "services" / "demo"
    (command,) = re.findall(
        r"^sed '(.*)' services/demo/policy.yaml", (ROOT / "k8s" / "README.md").read_text("utf-8"), re.MULTILINE
    )
    text = (demo / "policy.yaml").read_text("utf-8")
    for part in command.split("; "):
        _, before, after, _ = part.split("/")
        text = text.replace(before, machine.text("pilote-gateway", after))
    data = yaml.safe_load(text)
    keys.put_into(data)
    (folder / "open_inference.binpb").write_bytes((demo / "open_inference.binpb").read_bytes())
    (folder / "policy.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    return folder / "policy.yaml"


async def _pilote(machine: Machine, *arguments: str, **environment: str) -> str:
    """What a command says that is run where the control plane is."""
    command = machine.command("pilote-control")[:3]
    process = await asyncio.create_subprocess_exec(
        *command,
        *arguments,
        env=machine.environment("pilote-control") | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    return told.decode()
