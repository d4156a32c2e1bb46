"""One day as it was told: when it was worked out, by which rates, and how it changed afterwards."""

from collections.abc import Mapping
from typing import Final

import msgspec

DAY_MS: Final = 86_400_000
FOLLOW_DAYS: Final = 28
"""How long after a contact what a customer does counts."""
OPEN_DAYS: Final = FOLLOW_DAYS + 7
"""How long a day is worked out again: a week more, for what is reported late."""
MOST_CHANGES: Final = 40

Heads = dict[str, int]
"""What a change is told of: contacts, active, converted, left, scores, felt, and revenue in cents."""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a day that was over changed by what was reported later, on one day."""

    at_ms: int
    """When it was worked out last on that day."""
    was: Heads
    """What was told before, of those that changed; `now` likewise."""
    now: Heads


class Day(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a day, in UTC."""

    worked_out_ms: int
    over: bool = False
    """Whether it was over then: what is told of a day that still goes on changes without being revised."""
    currency: str = "EUR"
    rates: dict[str, str] = {}
    """What one unit of each currency was worth, as the policy said it then."""
    apart: dict[str, tuple[int, int]] = {}
    """Amounts in currencies without a rate: how many, and their sum in cents of it. They are in no number."""
    heads: Heads = {}
    changes: tuple[Change, ...] = ()
    """Oldest first."""


def revised(before: Day | None, after: Day) -> Day:
    """A day as it is told now, with how it changed since it was told first.

    What changes within one day is one change: from what was told before that day.
    """
    if before is None or not before.over:
        return after
    changed = {name for name in {*before.heads, *after.heads} if before.heads.get(name, 0) != after.heads.get(name, 0)}
    if not changed:
        return msgspec.structs.replace(after, changes=before.changes)
    *earlier, last = before.changes or (None,)
    today = last is not None and last.at_ms // DAY_MS == after.worked_out_ms // DAY_MS
    old = dict(last.was) if last is not None and today else {}
    was = {name: before.heads.get(name, 0) for name in sorted(changed)} | old
    now = {name: after.heads.get(name, 0) for name in sorted(was)}
    kept = earlier if today else [*earlier, last]
    change = Change(at_ms=after.worked_out_ms, was=dict(sorted(was.items())), now=now)
    changes = (*(each for each in kept if each is not None), *((change,) if was != now else ()))
    return msgspec.structs.replace(after, changes=changes[-MOST_CHANGES:])


class Revised(msgspec.Struct, frozen=True, kw_only=True):
    """How days that were over changed."""

    at_ms: int
    """When last."""
    by: int
    """By how much in all, since each was told first."""


def revised_by(days: Mapping[int, Day], name: str) -> Revised | None:
    """How what was told of days changed in one respect; `None` where it did not."""
    changes = [each for day in days.values() for each in day.changes if name in each.was]
    by = sum(each.now.get(name, 0) - each.was[name] for each in changes)
    return Revised(at_ms=max(each.at_ms for each in changes), by=by) if changes else None
