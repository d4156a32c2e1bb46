"""Where rollouts stand, apart from everything else that a document says: moving them, and keeping them where they are.

Documents are canonical JSON. What is not about rollouts stays as it is, byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.core.authority import MOVEMENT, sections_in
from gateway.core.policy.learning import Rollout


class NotOnlyMoved(Exception):
    """Something else than where a rollout stands would change; `rollout` is its name."""

    def __init__(self, rollout: str) -> None:
        super().__init__(f"the rollout {rollout} would change in more than where it stands")
        self.rollout = rollout


def rollouts_in(document: bytes) -> tuple[Rollout, ...]:
    """The rollouts of a document; none where they cannot be read."""
    section = sections_in(document).get("rollouts")
    try:
        return () if section is None else msgspec.json.decode(section, type=tuple[Rollout, ...])
    except msgspec.DecodeError:
        return ()


def with_moved(document: bytes, moved: Sequence[Rollout]) -> bytes:
    """The document with those rollouts where they stand now.

    Raises:
        NotOnlyMoved: one of them is not there, or differs in anything else.
    """
    there = {rollout.name: rollout for rollout in rollouts_in(document)}
    for rollout in moved:
        if rollout.name not in there or not _same(there[rollout.name], rollout):
            raise NotOnlyMoved(rollout.name)
    return _with(document, there | {rollout.name: rollout for rollout in moved})


def carried(document: bytes, active: bytes) -> bytes:
    """A draft with its rollouts where the active document has them, unless it says itself where they stand.

    So a file in Git names no state, and whoever applies it moves no rollout, nor does who changes what is measured of
    one, or its further steps. With another route, candidate or seed, or other steps so far, it is another rollout.
    """
    stand = {rollout.name: rollout for rollout in rollouts_in(active)}
    drafted = {rollout.name: rollout for rollout in rollouts_in(document)}
    unsaid = [each for each in drafted.values() if _movement(each) == _movement(_still(each))]
    kept = {
        each.name: msgspec.structs.replace(each, **_moved(stand[each.name], last=len(each.steps) - 1))
        for each in unsaid
        if each.name in stand and _continues(stand[each.name], each)
    }
    return _with(document, drafted | kept) if kept else document


def followed(document: bytes, *, base: bytes, active: bytes) -> bytes:
    """A draft that was made from `base`, with the steps that rollouts have taken since then.

    Raises:
        NotOnlyMoved: the draft itself moves a rollout that has moved since.
    """
    before = {rollout.name: rollout for rollout in rollouts_in(base)}
    drafted = {rollout.name: rollout for rollout in rollouts_in(document)}
    taken: dict[str, Rollout] = {}
    for now in rollouts_in(active):
        was, wanted = before.get(now.name), drafted.get(now.name)
        if wanted is None or was is None or was == now or not _same(wanted, was):
            continue
        if wanted != was:
            raise NotOnlyMoved(now.name)
        taken[now.name] = now
    return _with(document, drafted | taken) if taken else document


def restored(document: bytes, *, active: bytes, now_ms: int, reason: str) -> bytes:
    """An earlier document to go back to, with the people of the active one.

    A candidate that was found harmful since stays rolled back; what was under way goes on only when somebody says so.
    """
    stand = {rollout.name: rollout for rollout in rollouts_in(active)}
    rollouts = {
        each.name: _resting(each, stand.get(each.name), now_ms=now_ms, reason=reason) for each in rollouts_in(document)
    }
    sections = sections_in(_with(document, rollouts) if rollouts else document)
    now = sections_in(active)
    for name in ("people", "approvals"):
        sections.pop(name, None)
        if name in now:
            sections[name] = now[name]
    return msgspec.json.encode(sections, order="sorted")


def _resting(rollout: Rollout, now: Rollout | None, *, now_ms: int, reason: str) -> Rollout:
    if now is not None and now.state == "rolled_back" and _same(now, rollout):
        return now
    if rollout.state in ("ready", "running", "paused"):
        changes = {"state": "paused", "since_ms": now_ms, "cause": "paused", "about": (), "reason": reason}
        return msgspec.structs.replace(rollout, **changes)
    return rollout


def _still(rollout: Rollout) -> Rollout:
    defaults: dict[str, Any] = {
        field.name: field.default for field in msgspec.structs.fields(Rollout) if field.name in MOVEMENT
    }
    return msgspec.structs.replace(rollout, **defaults)


def _movement(rollout: Rollout) -> tuple[Any, ...]:
    return tuple(getattr(rollout, name) for name in MOVEMENT)


def _continues(stands: Rollout, drafted: Rollout) -> bool:
    """Whether a draft is of the same rollout, so that nobody who is served by the candidate would notice it."""
    ways = [(each.route, each.arm, each.against, each.seed) for each in (stands, drafted)]
    taken = 0 if stands.state == "completed" else stands.step + 1
    return ways[0] == ways[1] and stands.steps[:taken] == drafted.steps[:taken]


def _moved(rollout: Rollout, *, last: int) -> dict[str, Any]:
    """Where it stands, on a step that is there."""
    return {name: getattr(rollout, name) for name in MOVEMENT} | {"step": max(0, min(rollout.step, last))}


def _same(one: Rollout, two: Rollout) -> bool:
    return _still(one) == _still(two)


def _with(document: bytes, rollouts: Mapping[str, Rollout]) -> bytes:
    sections = sections_in(document)
    sections["rollouts"] = msgspec.Raw(_encoded(rollouts[each.name] for each in rollouts_in(document)))
    return msgspec.json.encode(sections, order="sorted")


def _encoded(rollouts: Iterable[Rollout]) -> bytes:
    return msgspec.json.encode(tuple(rollouts), order="sorted")
