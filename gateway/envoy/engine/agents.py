"""What whoever decides has for the Envoy that carries agents' calls, beside what every Envoy may ask."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from gateway.envoy.engine.carried import Carried
from gateway.envoy.engine.checking import Checking
from gateway.envoy.engine.questions import answering
from gateway.envoy.engine.resuming import Resuming, resuming


class ForAgents(msgspec.Struct, frozen=True):
    """Its parts."""

    checking: Checking
    """Answers about each call."""
    carried: Carried
    """Those that Envoy carries right now."""
    resuming: Resuming
    """Goes on with those of them that Envoy has tried in vain."""
    key: str
    """By which that Envoy is known."""


@contextlib.asynccontextmanager
async def serving(agents: ForAgents, home: Path, *, max_message_bytes: int) -> AsyncIterator[None]:
    """Envoy is answered until the block ends. `home` is the folder with all that it reads.

    Raises:
        OSError: a socket cannot be made there.
    """
    async with (
        resuming(agents.resuming, home, max_message_bytes=max_message_bytes),
        answering(agents.checking, home, key=agents.key),
    ):
        yield
