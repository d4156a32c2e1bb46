"""Opens what calls were decided by, for sums that name nobody: what a contract says is personal is left out."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.adapters.sealing import Damaged, KeyMissing, Sealer
from gateway.core.policy.document import Document
from gateway.core.revision.decode import Mistakes
from gateway.core.used import SealedValues, WrappedKey, paths_in
from gateway.messages.contracts import ContractBook
from gateway.messages.sensitivity import level_of, sensitivity_along
from gateway.records.opening import opened
from pilote.audit.v1 import personal_pb2
from services.audit.explaining import Policies
from services.commands.policies import published
from services.workbench.columns.measured import Values

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

KEYS_AT_ONCE: Final = 1_000
ANSWER_SECONDS: Final = 10.0
BOOKS: Final = 8
"""Policies whose contracts are kept; entries of the log are of a few of them."""
_VALUES: Final = b'"values":{'
_REQUEST: Final = "request."

_log = logging.getLogger(__name__)


class _Sealed(msgspec.Struct, frozen=True):
    """What is needed of a record."""

    id: str
    received_ms: int
    values: SealedValues | None = None
    tenant: str = ""
    method: str = ""
    revision: int = 0
    revision_sha256: str = ""


_record: Final = msgspec.json.Decoder(_Sealed)


class Sums:
    """A `Summing` of the workbench. `sealer` holds the master keys, `policies` gives what contracts say."""

    def __init__(self, sealer: Sealer, policies: Policies) -> None:
        self._sealer = sealer
        self._policies = policies
        self._books: dict[str, _Open] = {}
        self._missed = False

    async def opened(
        self, records: Sequence[bytes], audit: "AuditServiceAsyncStub", *, since_ms: int
    ) -> Mapping[str, Values]:
        """See `Summing.opened`."""
        found = await asyncio.to_thread(_sealed_of, records, since_ms)
        keys = await self._keys(found, audit)
        books = {each.revision_sha256: await self._book(each) for each in _by_policy(found)}
        return await asyncio.to_thread(self._values, found, keys, books)

    def seal(self, clear: bytes, *, bound_to: bytes) -> bytes:
        """See `Summing.seal`."""
        return self._sealer.seal(clear, bound_to=bound_to)

    def open(self, sealed: bytes, *, bound_to: bytes) -> bytes | None:
        """See `Summing.open`."""
        try:
            return self._sealer.open(sealed, bound_to=bound_to)
        except (Damaged, KeyMissing):
            return None

    async def _keys(self, found: Sequence[_Sealed], audit: "AuditServiceAsyncStub") -> Mapping[str, WrappedKey]:
        """The keys that are still there, by id; asked for anew each time, since customers are erased meanwhile."""
        wanted: dict[str, dict[str, None]] = {}
        for each in found:
            if each.values is not None:
                wanted.setdefault(each.tenant, {})[each.values.key] = None
        keys: dict[str, WrappedKey] = {}
        for tenant, ids in wanted.items():
            listed = list(ids)
            for start in range(0, len(listed), KEYS_AT_ONCE):
                part = listed[start : start + KEYS_AT_ONCE]
                asked = personal_pb2.ReadKeysRequest(tenant=tenant, ids=part, packed=True)
                keys |= _keys_of(await audit.ReadKeys(asked, timeout=ANSWER_SECONDS))
        return keys

    async def _book(self, record: _Sealed) -> "_Open":
        """What may be measured under the policy of a record; only facts where that policy is not there any more."""
        if record.revision_sha256 in self._books:
            return self._books[record.revision_sha256]
        document = await self._policies(record.revision, record.revision_sha256)
        made = await asyncio.to_thread(_Open, document)
        if document is not None:
            if len(self._books) >= BOOKS:
                del self._books[next(iter(self._books))]
            self._books[record.revision_sha256] = made
        return made

    def _values(
        self, found: Sequence[_Sealed], keys: Mapping[str, WrappedKey], books: Mapping[str, "_Open"]
    ) -> Mapping[str, Values]:
        values: dict[str, Values] = {}
        for each in found:
            key = None if each.values is None else keys.get(each.values.key)
            if key is None or each.values is None:
                continue
            try:
                used = opened(each.values, key, sealer=self._sealer, tenant=each.tenant, decision=each.id)
            except (KeyMissing, Damaged, msgspec.DecodeError):
                self._miss()
                continue
            may = books[each.revision_sha256].may
            values[each.id] = [pair for pair in used.values if may(each.method, pair[0])]
        return values

    def _miss(self) -> None:
        if not self._missed:
            _log.warning("what a call was decided by cannot be opened: its drift is not looked for")
        self._missed = True


def sums_with(keys: Sequence[bytes], redis_url: str) -> Sums:
    """What opens calls with these master keys, under the policies that were published; also in another process."""
    return Sums(Sealer(keys), published(redis_url))


class _Open:
    """Says of names whether the contracts of a policy let their values be measured."""

    def __init__(self, document: Document | None) -> None:
        self._book = None if document is None else ContractBook(document.contracts, Mistakes())
        self.may = lru_cache(maxsize=4_096)(self._may)

    def _may(self, method: str, name: str) -> bool:
        if not name.startswith(_REQUEST):
            return name.startswith("facts.")
        contract = None if self._book is None else self._book.get(method)
        if self._book is None or contract is None:
            return False
        kind = self._book.pool.FindMessageTypeByName(contract.request_type)
        paths = [each for each in paths_in(name) if each.name == name]
        return bool(paths) and sensitivity_along(kind, paths[0].steps) < level_of("PERSONAL")


def _sealed_of(records: Sequence[bytes], since_ms: int) -> list[_Sealed]:
    with_values = (_record.decode(record) for record in records if _VALUES in record)
    return [record for record in with_values if record.received_ms >= since_ms]


def _keys_of(answer: personal_pb2.ReadKeysResponse) -> Mapping[str, WrappedKey]:
    """The keys of an answer by their ids, also of an audit service that does not pack them yet."""
    told = answer.packed
    found = map(WrappedKey, told.ids, told.subject_refs, told.make_times_ms, told.wrapped)
    single = (WrappedKey(key.id, key.subject_ref, key.make_time.ToMilliseconds(), key.wrapped) for key in answer.keys)
    return {key.id: key for key in (*found, *single)}


def _by_policy(found: Sequence[_Sealed]) -> Sequence[_Sealed]:
    return tuple({each.revision_sha256: each for each in found}.values())
