"""The small overlay works: its containers, started as the manifests say, find each other and serve a call."""

import asyncio
import re
from pathlib import Path

import pytest
import yaml

from services.demo.run import Keys
from tests.chapters import ROOT
from tests.k8s.one_machine import Machine, collected, ended, ready, running

OWN_KEYS = {"pilote-audit": {"audit"}}
"""Who makes a key of its own at its first start, and where: the small overlay says so."""


@pytest.mark.integration
@pytest.mark.timeout(900)
@pytest.mark.parametrize("overlay", ["dev", "small-tls"])
async def test_the_small_overlay_starts_serves_a_call_and_ends_within_its_grace_periods(
    tmp_path: Path, overlay: str
) -> None:
    machine = Machine(tmp_path, overlay=overlay)
    async with collected(machine) as collector, running(machine) as pods:
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
        assert collector.spans
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
    if machine.authorities:
        for upstream in data["upstreams"]:  # as README says where there is TLS
            upstream["tls"] = "mutual"
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
