"""What the audit service needs of a store about people: the keys of what records say of them, and who was erased."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from gateway.core.record import DEFAULT_KEEP_DAYS, Record
from gateway.core.used import WrappedKey
from services.audit.entries import Noted
from services.audit.noting import NotesQuery, Written

ERASURE: Final = "erasure"
"""Kind of the log's own entry that a customer was erased: the JSON of `ErasureNote`."""
ACCESS: Final = "access"
"""Kind of the log's own entry that somebody asked for personal values, the JSON of `AccessNote`, or for all that is
recorded about a customer, that of `ReportNote`."""
_DAY_MS: Final = 86_400_000
_NEVER_MS: Final = 1 << 53
"""A gateway may say any number of days; more than this no store can count to."""
SKEW_MS: Final = 60_000
"""How far a gateway's clock may be behind the audit service's: keys that seem made so soon after an erasure are dropped
as well. Nobody's are lost for it but those of calls about an erased customer within that minute."""


def over_ms(record: Record) -> int:
    """Until when a record is kept."""
    return min(record.received_ms + (record.keep_days or DEFAULT_KEEP_DAYS) * _DAY_MS, _NEVER_MS)


def until_ms(record: Record) -> int:
    """Until when a record is kept, and a day longer: so long the key stays that opens it."""
    return over_ms(record) + _DAY_MS


class Person(msgspec.Struct, frozen=True):
    """One customer of one tenant."""

    tenant: str
    subject_ref: str


class Destroyed(msgspec.Struct, frozen=True):
    """What an erasure has destroyed."""

    person: Person
    keys: int
    inputs: int


class ErasureNote(msgspec.Struct, frozen=True, kw_only=True):
    """In the log: who was erased, by whom and why. Times are milliseconds since the epoch."""

    at_ms: int
    tenant: str
    subject_ref: str
    person: str
    """Who asked for it, as they named themselves."""
    reason: str
    keys: int
    inputs: int

    @property
    def entry(self) -> Noted:
        """The entry of the log."""
        return Noted(ERASURE, msgspec.json.encode(self))


class AccessNote(msgspec.Struct, frozen=True, kw_only=True):
    """In the log: who asked for the values of which decision, and why."""

    at_ms: int
    decision: str
    tenant: str
    person: str
    reason: str
    given: bool
    """Whether there was anything to give."""

    @property
    def entry(self) -> Noted:
        """The entry of the log."""
        return Noted(ACCESS, msgspec.json.encode(self))


class ReportNote(msgspec.Struct, frozen=True, kw_only=True):
    """In the log: who asked for all that is recorded about a customer, and why."""

    at_ms: int
    subject_ref: str
    tenant: str
    person: str
    """Empty where nobody in particular asked."""
    reason: str
    decisions: int
    """How many were given."""

    @property
    def entry(self) -> Noted:
        """The entry of the log."""
        return Noted(ACCESS, msgspec.json.encode(self))


class Personal(Protocol):
    """Keeps keys, and forgets them for good. Raises like `services.audit.store.DecisionStore`."""

    async def key(self, tenant: str, key_id: str) -> WrappedKey | None:
        """The key of that id; `None` where it is not kept."""

    async def keys(self, tenant: str, key_ids: Sequence[str]) -> tuple[WrappedKey, ...]:
        """Those keys of a tenant that are kept, in any order."""

    async def erased_ms(self, person: Person) -> int:
        """When the customer was erased last; 0 for never."""

    async def erase(
        self, people: Sequence[Person], *, now_ms: int, note: Callable[[Destroyed], ErasureNote]
    ) -> tuple[Destroyed, ...]:
        """Destroy the customers' keys and inputs, and write what was done into the log, in one transaction.

        What comes later and was made before is not kept. `note` gives the entry of the log.
        """

    async def clear_files(self) -> bool:
        """Leave nothing in the files of what was deleted; False where somebody still reads it, so try again."""

    async def untold(self) -> tuple[Person, ...]:
        """Who was erased since the gateways were told last, at most a thousand."""

    async def told(self, people: Sequence[Person]) -> None:
        """The gateways were told of these."""

    async def notes(self, query: NotesQuery, *, before: int, size: int) -> tuple[Written, ...]:
        """The newest `size` entries of the log's own that match and stand before a place in it."""

    async def noted(self, request: str) -> Written | None:
        """The entry that is written once only, see `services.audit.noting.FoundBy`; `None` where there is none."""

    async def rewrap(self, wrapped: Callable[[str, WrappedKey], bytes]) -> int:
        """Put in place of every key what `wrapped` makes of it, given its tenant; returns how many there were.

        A failure of `wrapped` ends it; what was done by then stays done.
        """
