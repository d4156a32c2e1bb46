"""Which calls a probe makes: by its kind, its values and a seed; the same seed makes the same. Pure."""

import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from services.probes.corpus import HARMFUL, known_values
from services.probes.places import key_of, value_at
from services.probes.suite import Adversarial, Changes, Direction, Invariance, Variation

_TRIES: Final = 4
"""How often a case is drawn anew that there is already, before no further ones are looked for."""
T = TypeVar("T")


def drawing(seed: int, probe: str) -> random.Random:
    """What a probe's cases are drawn by."""
    return random.Random(f"{seed}/{probe}")  # noqa: S311 - cases must be the same again, not secret


def varied(probe: Invariance, call: Mapping[str, Any], *, most: int, draw: random.Random) -> list[Changes]:
    """Each value alone, then several together; `most` of them."""
    values = [values_of(each, call) for each in probe.vary]
    fields = [each.field for each in probe.vary]
    cases: list[Changes] = [{field: value} for field, some in zip(fields, values, strict=True) for value in some]
    if len(cases) >= most:
        return _some(cases, most=most, draw=draw)
    whole = 1
    for some in values:
        whole *= len(some) + 1
    seen = {key_of(case) for case in cases}
    tries = _TRIES * most if len(fields) > 1 else 0
    while tries > 0 and len(cases) < min(most, whole - 1):
        tries -= 1
        chosen = draw.sample(range(len(fields)), draw.randint(2, len(fields)))
        case = {fields[at]: draw.choice(values[at]) for at in sorted(chosen)}
        if key_of(case) not in seen:
            seen.add(key_of(case))
            cases.append(case)
    return cases


def courses(probe: Direction, call: Mapping[str, Any], *, most: int, draw: random.Random) -> list[Changes]:
    """What else is different while the values are gone along: nothing, then each variation alone."""
    others: list[Changes] = [{each.field: value} for each in probe.vary for value in values_of(each, call)]
    return [{}, *_some(others, most=max(0, most // len(probe.values) - 1), draw=draw)]


def harmful(probe: Adversarial, *, most: int, draw: random.Random) -> list[Changes]:
    """Each text in each field."""
    texts = tuple(dict.fromkeys((*HARMFUL, *probe.texts)))
    return _some([{field: text} for field, text in itertools.product(probe.fields, texts)], most=most, draw=draw)


def values_of(variation: Variation, call: Mapping[str, Any]) -> Sequence[Any]:
    """The values that a field may have, in this call."""
    if variation.known is None:
        return variation.values
    return known_values(variation.known, value_at(call, variation.field))


def _some(items: list[T], *, most: int, draw: random.Random) -> list[T]:
    """All of them, or so many of them in their order."""
    if len(items) <= most:
        return items
    return [items[at] for at in sorted(draw.sample(range(len(items)), most))]
