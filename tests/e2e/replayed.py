"""Every decision of a test, decided once more: what `pytest tests/e2e --replay` asks of each of them."""

from typing import Any

import msgspec

from gateway.adapters.sealing import Sealer
from gateway.core import keys
from pilote.audit.v1 import planning_pb2
from services.commands.replaying import Replays, Revisions, Unusable
from tests.e2e.world import KEY, REPLAY_KEY, World


async def disagreeing(world: World) -> list[tuple[str, str]]:
    """(decision, why) of what does not come to what was recorded of it, over all tenants."""
    again = Replays(Revisions(world.redis), sealer=Sealer((REPLAY_KEY,)), pseudonym_key=KEY)
    names: Any = await world.redis.smembers(keys.STREAMS)
    found = []
    for tenant in sorted({keys.tenant_of(name.decode()) for name in names} - {""}):
        entries = await world.entries(tenant)
        admits = {msgspec.json.decode(each[b"r"])["id"]: each for each in entries if each[b"k"] == b"admit"}
        for each in entries:
            decision = msgspec.json.decode(each[b"r"])["id"]
            if each[b"k"] == b"inputs" and decision in admits and (why := await _judged(again, each, admits[decision])):
                found.append((decision, why))
    return found


async def _judged(again: Replays, inputs: dict[bytes, bytes], admission: dict[bytes, bytes]) -> str:
    """What is wrong with a replay; empty where it agrees."""
    kept = planning_pb2.CallInputs(sealed=inputs[b"i"], record=admission[b"r"], outcome=admission[b"o"])
    try:
        opened = again.open(kept)
        differing = (await again.once(opened)).differing
    except Unusable as unusable:
        # A gateway that the test runs as a process seals with a key of its own.
        return "" if unusable.why == "replay-key" else unusable.why
    return f"{opened.record.method} {', '.join(differing)}" if differing else ""
