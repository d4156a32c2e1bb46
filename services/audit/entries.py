"""What one entry of a stream says; or why it says nothing that could be stored. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec

from gateway.core.record import Outcome, Record, Settlement

LARGEST: Final = 253_402_300_799_999
"""Largest number a field may hold: the last millisecond of the year 9999, where protobuf's timestamps end.

Without a bound, one absurd number would fail in SQLite or in protobuf, long after its entry was acknowledged.
"""

_SIGNED: Final = ("wait_ms", "refused")
"""Fields in which -1 has a meaning: never, and none."""
_ID_LENGTH: Final = 32
_HEX: Final = frozenset("0123456789abcdef")


class Admitted(msgspec.Struct, frozen=True):
    """A call was decided and admitted, or refused."""

    record: Record
    outcome: Outcome
    raw_record: bytes
    """The JSON as the gateway wrote it: what is kept, and one day proved, is this and not our reading of it."""
    raw_outcome: bytes

    @property
    def id(self) -> str:
        """The decision it belongs to."""
        return self.record.id


class Settled(msgspec.Struct, frozen=True):
    """An admitted call has ended."""

    settlement: Settlement
    raw: bytes

    @property
    def id(self) -> str:
        """The decision it belongs to."""
        return self.settlement.id


class Corrupt(msgspec.Struct, frozen=True):
    """An entry that cannot be stored, with the reason for people."""

    why: str


Entry = Admitted | Settled

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)


def read(fields: Mapping[bytes, bytes]) -> Entry | Corrupt:
    """The meaning of an entry's fields, see `gateway.core.record`."""
    kind = fields.get(b"k")
    wanted = {b"admit": (b"r", b"o"), b"settle": (b"r",)}.get(kind or b"")
    if not fields:
        return Corrupt("The entry was deleted before it was read.")
    if wanted is None:
        return Corrupt("The field k is neither admit nor settle.")
    if missing := [name.decode() for name in wanted if name not in fields]:
        return Corrupt(f"The entry lacks the field {missing[0]}.")
    try:
        return _admitted(fields[b"r"], fields[b"o"]) if kind == b"admit" else _settled(fields[b"r"])
    except (msgspec.DecodeError, ValueError) as error:
        return Corrupt(str(error))


def _admitted(raw_record: bytes, raw_outcome: bytes) -> Admitted:
    record, outcome = _record.decode(raw_record), _outcome.decode(raw_outcome)
    _check_id(record.id)
    for part in (record, *record.rules, *record.buckets, *outcome.looks):
        _check_numbers(part)
    return Admitted(record, outcome, raw_record, raw_outcome)


def _settled(raw: bytes) -> Settled:
    settlement = _settlement.decode(raw)
    _check_id(settlement.id)
    _check_numbers(settlement)
    return Settled(settlement, raw)


def _check_id(value: str) -> None:
    if len(value) != _ID_LENGTH or not _HEX.issuperset(value):
        raise ValueError("The id is not 32 hexadecimal digits.")


def _check_numbers(part: msgspec.Struct) -> None:
    for name in part.__struct_fields__:
        value = getattr(part, name)
        least = -1 if name in _SIGNED else 0
        if isinstance(value, int) and not least <= value <= LARGEST:
            raise ValueError(f"The field {name} is outside {least} to {LARGEST}.")
