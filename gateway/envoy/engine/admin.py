"""What an Envoy of ours is asked over its admin socket."""

import json
from pathlib import Path
from typing import Any, Final

import aiohttp

SOCKET: Final = "admin"
"""Its name, in the folder with all that Envoy reads."""
_ANSWER_SECONDS: Final = 5


class Admin:
    """Whatever is asked is answered as by one that has nothing, while there is no Envoy."""

    def __init__(self, home: Path) -> None:
        self._socket = str(home / SOCKET)

    async def clusters(self) -> frozenset[str]:
        """Names of the clusters that it can send calls to."""
        told = await self._told("/config_dump?resource=dynamic_active_clusters")
        return frozenset(each["cluster"]["name"] for each in told.get("configs", []))

    async def port(self) -> int:
        """Where agents call; 0 while it does not listen."""
        told = await self._told("/listeners?format=json")
        for each in told.get("listener_statuses", []):
            if each["name"] == "agents":
                return int(each["local_address"]["socket_address"]["port_value"])
        return 0

    async def listens(self) -> bool:
        """Whether agents can call."""
        return bool(await self.port())

    async def running(self) -> int:
        """Calls that are under way."""
        text = await self._text("GET", "/stats?filter=^http.agents.downstream_rq_active$")
        return int(text.partition(":")[2] or 0)

    async def drain(self) -> None:
        """Take no new connection, and tell callers to connect elsewhere."""
        await self._text("POST", "/drain_listeners?graceful")

    async def _told(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self._text("GET", path) or "{}")
        return found

    async def _text(self, verb: str, path: str) -> str:
        connector, timeout = aiohttp.UnixConnector(self._socket), aiohttp.ClientTimeout(_ANSWER_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(verb, f"http://envoy{path}") as response,
            ):
                return await response.text()
        except (aiohttp.ClientError, OSError):  # a TimeoutError is one
            return ""
