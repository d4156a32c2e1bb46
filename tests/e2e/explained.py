"""Every decision of a test, explained in both languages: none may be left without words."""

import contextlib
from typing import Any

import msgspec

from gateway.core import keys
from gateway.core.errors import Reason
from gateway.core.explain import explain
from gateway.core.obstacle_texts import explain_obstacles
from gateway.core.obstacles import obstacles
from gateway.core.reason_texts import REASONS
from gateway.core.record import Outcome, Record, Settlement
from gateway.core.texts import LANGUAGES
from tests.e2e.world import World

_MOST = 300
"""Decisions that are looked at of one tenant: a test under load makes thousands that are alike."""


async def unexplained(world: World) -> list[tuple[str, str, str]]:
    """(decision, language, what is wrong) of what a person could not read."""
    names: Any = await world.redis.smembers(keys.STREAMS)
    found = []
    for tenant in sorted({keys.tenant_of(name.decode()) for name in names} - {""}):
        admits: dict[str, tuple[Record, Outcome]] = {}
        ends: dict[str, Settlement] = {}
        for entry in await world.entries(tenant):
            with contextlib.suppress(msgspec.DecodeError, KeyError):  # some tests write what is no entry
                if entry[b"k"] == b"admit" and len(admits) < _MOST:
                    record = msgspec.json.decode(entry[b"r"], type=Record)
                    admits[record.id] = record, msgspec.json.decode(entry[b"o"], type=Outcome)
                elif entry[b"k"] == b"settle":
                    end = msgspec.json.decode(entry[b"r"], type=Settlement)
                    ends[end.id] = end
        found += [
            (record.id, language, wrong)
            for record, outcome in admits.values()
            for place, language in enumerate(LANGUAGES)
            if (wrong := _wrong(record, outcome, ends.get(record.id), place=place))
        ]
    return found


def _wrong(record: Record, outcome: Outcome, settlement: Settlement | None, *, place: int) -> str:
    language = LANGUAGES[place]
    said = explain(record, outcome, settlement=settlement, language=language)
    changes = explain_obstacles(obstacles(record, outcome), now_ms=record.decided_ms, language=language)
    broken = [line for line in (*said, *changes) if not line.endswith((".", ":"))]
    if broken:
        return f"no whole sentence: {broken[0]}"
    refused = next((line for line in said if line.startswith(("The call was refused:", "L’appel a été refusé :"))), "")
    if refused and not any(REASONS[reason][place] in refused for reason in Reason):
        return f"no words for its reason: {refused}"
    return "" if not refused or len(changes) > 1 else f"nothing to change: {refused}"
