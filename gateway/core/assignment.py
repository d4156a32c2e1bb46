"""Who gets which arm: deterministic, stateless, the same on every gateway.

The hash is version 2 of GrowthBook's, so that a team's own analysis reproduces every assignment:
`fnv1a32(str(fnv1a32(seed + id))) % 10000 / 10000`.
"""

from collections.abc import Sequence
from typing import Final

BASIS_POINTS: Final = 10_000
"""Weights of a route's arms add up to this."""


def fnv1a32(text: str) -> int:
    """32-bit FNV-1a hash of the text's UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def point(seed: str, unit: str) -> int:
    """Where `unit` lies among the basis points, 0 to 9999, for the experiment `seed`."""
    return fnv1a32(str(fnv1a32(seed + unit))) % BASIS_POINTS


def choose(weights: Sequence[int], at: int) -> int:
    """Index of the arm that covers basis point `at`, for `weights` that add up to 10,000."""
    reached = 0
    for index, weight in enumerate(weights):
        reached += weight
        if at < reached:
            return index
    raise ValueError(f"weights add up to {reached}, not to {BASIS_POINTS}")
