"""Both kinds of the client kit, so that one suite can ask either."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import pilote.client
import pilote.client.aio
from tests.e2e.policy import key_of
from tests.e2e.world import World

KINDS: Final = ("sync", "aio")


@dataclass
class Kit:
    """Clients of one kind."""

    kind: str
    world: World
    paused: list[float] = field(default_factory=list)
    """Seconds that clients were to wait between tries."""

    def client(self, agent: str = "sales-bot", *, port: int | None = None, **options: Any) -> Any:
        """A client until the test ends, by default of the first gateway."""
        pause = self._pause if self.kind == "sync" else self._pause_async
        chosen: dict[str, Any] = {"key": key_of(agent), "pause": pause} | options
        address = f"127.0.0.1:{port or self.world.gateways[0].port}"
        if self.kind == "sync":
            made = pilote.client.Pilote(address, **chosen)
            self.world.stack.callback(made.close)
            return made
        asynchronous = pilote.client.aio.Pilote(address, **chosen)
        self.world.stack.push_async_callback(asynchronous.close)
        return asynchronous

    async def ask(self, make: Callable[[], Any]) -> Any:
        """What the call that `make` makes comes to."""
        return await (asyncio.to_thread(make) if self.kind == "sync" else make())

    async def read(self, make: Callable[[], Any]) -> list[Any]:
        """All that the stream which `make` begins answers with."""
        if self.kind == "sync":
            return await asyncio.to_thread(lambda: list(make()))
        return [each async for each in make()]

    async def refused(self, make: Callable[[], Any]) -> Any:
        """The refusal of the call that `make` makes; fails where it goes through."""
        try:
            await self.ask(make)
        except pilote.client.CallEnded as error:
            return error
        raise AssertionError("the call went through")

    def _pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        threading.Event().wait(seconds)

    async def _pause_async(self, seconds: float) -> None:
        self.paused.append(seconds)
        await asyncio.sleep(seconds)
