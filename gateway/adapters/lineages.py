"""Which version answered an inference, and in which span, kept for a while, so that actions can be traced to it."""

import logging
from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec

from gateway.adapters.redis_connection import CommandRefused, StoreConnection, StoreDown
from gateway.core import keys
from gateway.core.call import Lineage
from gateway.core.cells import event_home
from gateway.core.errors import CallEnded, Reason

REMEMBERED: Final = 10_000
"""Most lineages that one gateway remembers itself: an agent often acts several times on one inference."""
_log = logging.getLogger(__name__)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(tuple[str, ...])


class Inferred(NamedTuple):
    """An inference that an action names."""

    lineage: Lineage
    traceparent: str = ""
    """Its span, as the W3C header has it; empty where an earlier version has kept it."""


class Lineages:
    """The lineages of recent inferences, by tenant and decision id. What an inference was never changes."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection
        self._known: OrderedDict[tuple[str, str], Inferred] = OrderedDict()

    async def note(self, tenant: str, decision: str, *, inferred: Inferred, cells: int, keep_ms: int) -> None:
        """Keep what an inference was for `keep_ms`. While the store is down nothing is kept.

        An action that names it is refused then where it must name one: never let through by mistake.
        """
        lineage, span = inferred
        parts = (lineage.model, lineage.version, lineage.route, lineage.arm, lineage.prompt, span)
        try:
            await self._connection.send("SET", _key(tenant, decision, cells), _ENCODER.encode(parts), "PX", keep_ms)
        except (StoreDown, CommandRefused):
            return

    async def find(self, tenant: str, decision: str, *, cells: int) -> Inferred | None:
        """What that inference was; `None` where nothing is known of it, or not any more.

        Raises:
            CallEnded: STORE_UNAVAILABLE when the store does not answer.
        """
        known = self._known.get((tenant, decision))
        if known is not None:
            return known
        try:
            found = await self._connection.send("GET", _key(tenant, decision, cells))
        except (StoreDown, CommandRefused) as error:
            raise CallEnded(Reason.STORE_UNAVAILABLE, "The store of inferences does not answer; retry.") from error
        if found is None:
            return None
        try:
            model, version, route, arm, prompt, *more = _DECODER.decode(found)
        except (msgspec.DecodeError, ValueError) as error:
            _log.error("what is kept of an inference cannot be read: it counts as unknown", exc_info=error)
            return None
        lineage = Lineage(model=model, version=version, route=route, arm=arm, prompt=prompt)
        inferred = self._known[tenant, decision] = Inferred(lineage, *more[:1])
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return inferred


def _key(tenant: str, decision: str, cells: int) -> str:
    return keys.inference(keys.cell(tenant, event_home(cells, decision) if cells > 1 else 0), decision)
