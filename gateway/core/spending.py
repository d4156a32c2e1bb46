"""What a call has really cost, and what an upstream tells of its quota, both read from its answer."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from gateway.core.limits import MOST, LimitRule, Reading

_LONGEST_NUMBER: Final = 15


class Told(msgspec.Struct, frozen=True):
    """What an upstream has told of its quota; -1 for what it has not."""

    used: int = -1
    remaining: int = -1
    max: int = -1


def costs(rules: Iterable[LimitRule], values: Mapping[str, object], *, now_ms: int) -> dict[str, int]:
    """The actual costs, by budget; those are left out that cannot be told, and settle with their estimate.

    `values` is what expressions see, `response` and `trailers` among them.
    """
    found = {}
    for rule in rules:
        cost = None if rule.actual is None else rule.actual.value(values, now_ms=now_ms)
        if isinstance(cost, int) and 0 <= cost <= MOST:
            found[rule.name] = cost
    return found


def told(rules: Iterable[LimitRule], metadata: Mapping[str, str]) -> dict[str, Told]:
    """What the metadata of an answer says of quotas, by limit; nothing where it says nothing that can be read."""
    found = {}
    for rule in rules:
        if rule.quota is None:
            continue
        said = Told(
            used=_number(rule.quota.used, metadata),
            remaining=_number(rule.quota.remaining, metadata),
            max=_number(rule.quota.max, metadata),
        )
        if said != Told():
            found[rule.name] = said
    return found


def _number(reading: Reading | None, metadata: Mapping[str, str]) -> int:
    if reading is None:
        return -1
    match = re.search(reading.pattern, metadata.get(reading.header, "")[:1000])
    digits = match[1] if match is not None else None
    return int(digits) if digits and digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER else -1
