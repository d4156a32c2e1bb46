"""What one entry of a stream says; or why it says nothing that could be stored. Pure."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import msgspec

from gateway.core import keys
from gateway.core.record import CustomerOutcome, Outcome, Record, SealedInputs, Settlement
from gateway.core.shadows import LONGEST_PATH, MOST_DIFFERENCES, ShadowResult
from gateway.core.used import WrappedKey

LARGEST: Final = 253_402_300_799_999
"""Largest number a field may hold: the last millisecond of the year 9999, where protobuf's timestamps end.

Without a bound, one absurd number would fail in SQLite or in protobuf, long after its entry was acknowledged.
"""

LARGEST_AMOUNT: Final = 1 << 53
"""The same for amounts: what the store of limits counts to exactly."""

_AMOUNTS: Final = frozenset({"capacity", "cost", "used", "revenue_cents"})
_LEAST: Final = {"wait_ms": -1, "until_ms": -1, "refused": -1, "capacity": -1, "revenue_cents": -LARGEST_AMOUNT}
"""Fields in which less than 0 has a meaning: never, none, a score without a maximum, and money given back."""
_ID_LENGTH: Final = 32
_KEY_ID_LENGTH: Final = 16
_LARGEST_KEY: Final = 256
_HEX: Final = frozenset("0123456789abcdef")


class Admitted(msgspec.Struct, frozen=True):
    """A call was decided and admitted, or refused."""

    record: Record
    outcome: Outcome
    raw_record: bytes
    """The JSON as the gateway wrote it: what is kept and proved is this, and not our reading of it."""
    raw_outcome: bytes
    key: WrappedKey | None = None
    """The key of its sealed values, which lay beside it: no part of what is proved, so that it can be destroyed."""

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


class Reported(msgspec.Struct, frozen=True):
    """A customer has done something after a contact."""

    outcome: CustomerOutcome
    tenant: str
    """Whose agent told it; the decision may be another tenant's, and then it means nothing."""
    raw: bytes


class Copied(msgspec.Struct, frozen=True):
    """A copy of a call has ended."""

    result: ShadowResult
    raw: bytes
    tenant: str

    @property
    def id(self) -> str:
        """The decision about the call that was copied."""
        return self.result.id


class Recorded(msgspec.Struct, frozen=True):
    """What a call was decided by, sealed: nobody here can open it."""

    said: SealedInputs
    tenant: str
    sealed: bytes

    @property
    def id(self) -> str:
        """The decision about the call."""
        return self.said.id


class Noted(msgspec.Struct, frozen=True):
    """Something that was done to the log itself: an entry that no stream brings."""

    kind: str
    """What was done, such as "erasure": none of the kinds of `services.proof.leaves`."""
    raw: bytes
    """JSON."""


class Corrupt(msgspec.Struct, frozen=True):
    """An entry that cannot be stored, with the reason for people."""

    why: str


Entry = Admitted | Settled | Reported | Copied | Recorded | Noted

_record: Final = msgspec.json.Decoder(Record)
_outcome: Final = msgspec.json.Decoder(Outcome)
_settlement: Final = msgspec.json.Decoder(Settlement)
_wrapped: Final = msgspec.json.Decoder(WrappedKey)
_reported: Final = msgspec.json.Decoder(CustomerOutcome)
_copied: Final = msgspec.json.Decoder(ShadowResult)
_inputs: Final = msgspec.json.Decoder(SealedInputs)
_WANTED: Final = {
    b"admit": (b"r", b"o"),
    b"settle": (b"r",),
    b"outcome": (b"r",),
    b"copy": (b"r",),
    b"inputs": (b"r", b"i"),
}


def read(fields: Mapping[bytes, bytes], *, stream: bytes) -> Entry | Corrupt:
    """The meaning of an entry's fields, see `gateway.core.record`."""
    # Gateways of the first version wrote no kind to the stream of outcomes.
    kind = fields.get(b"k", b"outcome")
    wanted = _WANTED.get(kind)
    if not fields:
        return Corrupt("The entry was deleted before it was read.")
    if wanted is None:
        return Corrupt("The field k is none of admit, settle, copy, inputs and outcome.")
    if missing := [name.decode() for name in wanted if name not in fields]:
        return Corrupt(f"The entry lacks the field {missing[0]}.")
    try:
        for name in wanted if kind != b"inputs" else ():
            fields[name].decode()  # what is proved is exported as text
        if kind == b"outcome":
            return _told(fields[b"r"], tenant=keys.tenant_of(stream.decode()))
        if kind == b"inputs":
            return _recorded(fields[b"r"], fields[b"i"], tenant=keys.tenant_of(stream.decode()))
        if kind == b"copy":
            return _copy(fields[b"r"], tenant=keys.tenant_of(stream.decode()))
        return _admitted(fields[b"r"], fields[b"o"], fields.get(b"w")) if kind == b"admit" else _settled(fields[b"r"])
    except (msgspec.DecodeError, ValueError) as error:
        return Corrupt(str(error))


def _admitted(raw_record: bytes, raw_outcome: bytes, raw_key: bytes | None) -> Admitted:
    record, outcome = _record.decode(raw_record), _outcome.decode(raw_outcome)
    _check_id(record.id)
    for part in (record, *record.rules, *record.buckets, *outcome.looks):
        _check_numbers(part)
    return Admitted(record, outcome, raw_record, raw_outcome, None if raw_key is None else _key(raw_key, record))


def _key(raw: bytes, record: Record) -> WrappedKey:
    key = _wrapped.decode(raw)
    _check_numbers(key)
    if record.values is None or key.id != record.values.key or key.subject_ref not in ("", record.subject_ref):
        raise ValueError("The key is not that of the record's values.")
    if len(key.id) != _KEY_ID_LENGTH or not _HEX.issuperset(key.id) or len(key.wrapped) > _LARGEST_KEY:
        raise ValueError("The key is none.")
    return key


def _settled(raw: bytes) -> Settled:
    settlement = _settlement.decode(raw)
    _check_id(settlement.id)
    for part in (settlement, *settlement.attempts):
        _check_numbers(part)
    if not all(0 <= cost <= LARGEST_AMOUNT for cost in settlement.costs.values()):
        raise ValueError(f"A cost is outside 0 to {LARGEST_AMOUNT}.")
    return Settled(settlement, raw)


def _told(raw: bytes, *, tenant: str) -> Reported:
    outcome = _reported.decode(raw)
    _check_id(outcome.decision)
    _check_numbers(outcome)
    if not tenant:
        raise ValueError("The stream belongs to no tenant.")
    return Reported(outcome, tenant, raw)


def _copy(raw: bytes, *, tenant: str) -> Copied:
    result = _copied.decode(raw)
    _check_id(result.id)
    for part in (result, *result.differences):
        _check_numbers(part)
    if len(result.differences) > MOST_DIFFERENCES or any(len(each.path) > LONGEST_PATH for each in result.differences):
        raise ValueError("The differences are more, or their paths longer, than any gateway keeps.")
    if not all(0 <= each.relative <= 2 for each in result.differences):
        raise ValueError("A relative difference is outside 0 to 2.")
    if not all(0 <= cost <= LARGEST_AMOUNT for cost in (*result.costs.values(), *result.served_costs.values())):
        raise ValueError(f"A cost is outside 0 to {LARGEST_AMOUNT}.")
    return Copied(result, raw, tenant)


def _recorded(raw: bytes, sealed: bytes, *, tenant: str) -> Recorded:
    said = _inputs.decode(raw)
    _check_id(said.id)
    _check_numbers(said)
    if not tenant:
        raise ValueError("The stream belongs to no tenant.")
    return Recorded(said, tenant, sealed)


def _check_id(value: str) -> None:
    if len(value) != _ID_LENGTH or not _HEX.issuperset(value):
        raise ValueError("The id is not 32 hexadecimal digits.")


def _check_numbers(part: msgspec.Struct) -> None:
    for name, least, most in _numbers_of(type(part)):
        if not least <= getattr(part, name) <= most:
            raise ValueError(f"The field {name} is outside {least} to {most}.")


@cache
def _numbers_of(kind: type[msgspec.Struct]) -> tuple[tuple[str, int, int], ...]:
    """Fields of a struct that hold numbers, each with the least and the most that it may hold."""
    names = [field.name for field in msgspec.structs.fields(kind) if field.type is int]
    return tuple((name, _LEAST.get(name, 0), LARGEST_AMOUNT if name in _AMOUNTS else LARGEST) for name in names)
