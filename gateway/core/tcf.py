"""What a person has allowed by the IAB's Transparency and Consent Framework: the core of a TC string, version 2. Pure.

The layout is that of the IAB's "Consent string and vendor list format", version 2: fields of fixed bits from the
left, base64url without padding, further segments behind a ".". Only what a consent depends on is read.
"""

import base64
import binascii
from typing import Final

import msgspec

VERSION: Final = 2
LONGEST: Final = 8_192
"""Characters of a string that is read."""
_PURPOSES_AT: Final = 152
_PURPOSES: Final = 24
_VENDORS_AT: Final = 213
_CORE_BITS: Final = 230
"""As far as every string goes: to the flag that says how vendors are written."""


class Allowed(msgspec.Struct, frozen=True):
    """What a string allows."""

    purposes: frozenset[int]
    """Purposes with consent, 1 to 24; legitimate interest is none."""
    vendors: frozenset[int]
    """Vendors with consent, by their id in the global vendor list."""


def allowed_by(text: str) -> Allowed | None:
    """What a TC string allows; `None` for what is none, or is cut off."""
    core = text.partition(".")[0]
    try:
        raw = base64.b64decode(core + "=" * (-len(core) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    bits = _Bits(raw)
    if len(text) > LONGEST or bits.count < _CORE_BITS or bits.read(0, 6) != VERSION:
        return None
    purposes = frozenset(n + 1 for n in range(_PURPOSES) if bits.read(_PURPOSES_AT + n, 1))
    vendors = _vendors(bits)
    return None if vendors is None else Allowed(purposes, vendors)


def _vendors(bits: "_Bits") -> frozenset[int] | None:
    highest, ranges, at = bits.read(_VENDORS_AT, 16), bits.read(_VENDORS_AT + 16, 1), _VENDORS_AT + 17
    if not ranges:
        if bits.count < at + highest:
            return None
        return frozenset(n + 1 for n in range(highest) if bits.read(at + n, 1))
    found: set[int] = set()
    if bits.count < at + 12:
        return None
    entries, at = bits.read(at, 12), at + 12
    for _ in range(entries):
        size = 33 if bits.count > at and bits.read(at, 1) else 17
        if bits.count < at + size:
            return None
        first = bits.read(at + 1, 16)
        last = bits.read(at + 17, 16) if size == 33 else first
        if not 1 <= first <= last <= highest:
            return None
        found.update(range(first, last + 1))
        at += size
    return frozenset(found)


class _Bits:
    def __init__(self, raw: bytes) -> None:
        self.count: Final = 8 * len(raw)
        self._value: Final = int.from_bytes(raw)

    def read(self, at: int, size: int) -> int:
        return (self._value >> (self.count - at - size)) & ((1 << size) - 1)
