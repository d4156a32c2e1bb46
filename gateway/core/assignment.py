"""Who gets what: deterministic, stateless, the same on every gateway.

The hash is version 2 of GrowthBook's, and so are the ranges that it is looked up in, so that a team's own analysis
reproduces every assignment: `fnv1a32(str(fnv1a32(seed + id))) % 10000 / 10000`.
"""

import math
from collections.abc import Sequence
from typing import Final

from fnv_hash_fast import fnv1a_32

BASIS_POINTS: Final = 10_000
"""Weights of a route's arms, or of an experiment's variations, add up to this."""

Ranges = tuple[tuple[int, int], ...]
"""For each variation the basis points that are its own: the first, and the first that is not."""

_OFFSET: Final = 0x811C9DC5
_PRIME: Final = 0x01000193
_MASK: Final = 0xFFFFFFFF


def fnv1a32(text: str) -> int:
    """32-bit FNV-1a hash of the text's UTF-16 code units, as GrowthBook has it; of ASCII those are its bytes.

    For ASCII, which every pseudonym is, the loop is C: 0.2 us a point instead of 3.9, and a busy call needs ten.
    """
    if text.isascii():
        return fnv1a_32(text.encode())
    value = _OFFSET
    pairs = iter(text.encode("utf-16-le", "surrogatepass"))
    for low, high in zip(pairs, pairs, strict=True):
        value = (value ^ (low | high << 8)) * _PRIME & _MASK
    return value


def point(seed: str, unit: str) -> int:
    """Where `unit` lies among the basis points, 0 to 9999, for the experiment `seed`."""
    return fnv1a32(str(fnv1a32(seed + unit))) % BASIS_POINTS


def bucket_ranges(weights: Sequence[int], *, coverage: int = BASIS_POINTS) -> Ranges:
    """The basis points of each variation: from where its weight begins, `coverage` basis points of its weight.

    So as `coverage` grows each variation grows at its end, and nobody leaves one or changes it. Weights are basis
    points that add up to 10,000. The edges are summed up in floats, like GrowthBook's, to come out on the same point.
    """
    reached, share, found = 0.0, coverage / BASIS_POINTS, []
    for weight in weights:
        part = weight / BASIS_POINTS
        found.append((_first_from(reached), _first_from(reached + share * part)))
        reached += part
    return tuple(found)


def variation(ranges: Ranges, at: int) -> int:
    """Index of the variation that has basis point `at`; -1 where none has."""
    for index, (first, end) in enumerate(ranges):
        if first <= at < end:
            return index
    return -1


def _first_from(edge: float) -> int:
    """The first basis point that is not below `edge`, a share of the whole, which sums of floats may exceed."""
    at = math.floor(edge * BASIS_POINTS)
    while at / BASIS_POINTS < edge:
        at += 1
    while at > 0 and (at - 1) / BASIS_POINTS >= edge:
        at -= 1
    return min(at, BASIS_POINTS)
