"""Loads and deletes what the vault holds, each time noted in the log first, and asks what was compared by it.

It never learns a value of anybody: it sends them on, and nothing gives them back.
"""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import grpc
import msgspec

from gateway.core.errors import Reason
from gateway.core.record import subject_ref
from pilote.vault.v1 import vault_service_pb2 as pb
from services.control.changes import Changes, Who
from services.control.undone import Undone, reason_given
from services.vault.attributes import ATTRIBUTES, LONGEST_CUSTOMER, MOST_KEEP_DAYS, MOST_PURPOSE, resource_of
from services.vault.rows import MOST_MISTAKES, Mistake, RowsRefused, rows_of

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.vault.v1.vault_service_pb2_grpc import VaultServiceAsyncStub

SECONDS: Final = 30.0


class Loading(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants loaded."""

    tenant: str
    attribute: str
    csv: str
    """`customer,value` a line, see `services.vault.rows`."""
    purpose: str
    legal_basis: str
    keep_days: int


class WrongRows(Undone):
    """Lines of a file are wrong, so nothing of it was taken."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        first = mistakes[0]
        super().__init__(Reason.ARGUMENT_INVALID, "vault-rows", field="csv", count=len(mistakes), line=first.line)
        self.mistakes = tuple(mistakes)

    @property
    def more(self) -> dict[str, object]:
        """The first of the lines, and a word for what is wrong with each; not what stands there."""
        return {"lines": [{"line": each.line, "problem": each.code} for each in self.mistakes[:MOST_MISTAKES]]}


class VaultDesk:
    """The vault, for people. `pseudonym_key` is that of the gateways."""

    def __init__(self, vault: "VaultServiceAsyncStub", changes: Changes, *, pseudonym_key: bytes) -> None:
        self._vault = vault
        self._changes = changes
        self._key = pseudonym_key

    async def held(self, tenants: Sequence[str] | None = None) -> tuple[pb.Attribute, ...]:
        """What is held of these tenants, or of all: of how many people, what for and until when.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with _asking():
            found = await self._vault.ListAttributes(pb.ListAttributesRequest(), timeout=SECONDS)
        return tuple(each for each in found.attributes if tenants is None or each.tenant in tenants)

    async def weeks(self, tenants: Sequence[str] | None = None) -> tuple[pb.Week, ...]:
        """What was compared in the last complete week of these tenants, or of all.

        Raises:
            Undone: STORE_UNAVAILABLE.
        """
        with _asking():
            found = await self._vault.ListComparisons(pb.ListComparisonsRequest(), timeout=SECONDS)
        return tuple(each for each in found.weeks if tenants is None or each.tenant in tenants)

    async def load(self, wanted: Loading, *, who: Who) -> pb.Attribute:
        """Load an attribute; gives what is held of it then.

        Raises:
            WrongRows: lines are wrong.
            Undone: ARGUMENT_INVALID for anything else that is; STORE_UNAVAILABLE where it cannot be noted, or the vault
                does not answer.
        """
        _known(wanted.attribute)
        purpose, basis = (reason_given(each, most=MOST_PURPOSE) for each in (wanted.purpose, wanted.legal_basis))
        if not 1 <= wanted.keep_days <= MOST_KEEP_DAYS:
            raise Undone(Reason.ARGUMENT_INVALID, "vault-days", field="keepDays", most=MOST_KEEP_DAYS)
        try:
            values = await asyncio.to_thread(self._values, wanted)  # twenty thousand lines take a while
        except RowsRefused as refused:
            raise WrongRows(refused.mistakes) from refused
        request = pb.LoadAttributeRequest(
            tenant=wanted.tenant,
            attribute=wanted.attribute,
            purpose=purpose,
            legal_basis=basis,
            keep_days=wanted.keep_days,
            values=values,
        )
        with _asking():
            async with self._changes.recording(
                who,
                operation="load",
                resource=resource_of(wanted.tenant, wanted.attribute),
                tenant=wanted.tenant,
                after={"people": len(values), "legalBasis": basis, "keepDays": wanted.keep_days},
                reason=purpose,
            ):
                answer = await self._vault.LoadAttribute(request, timeout=SECONDS)
        return answer.attribute

    async def forget(self, tenant: str, *, attribute: str, customer: str, reason: str, who: Who) -> int:
        """Delete values, of one attribute or all, of one customer or everybody; says how many that were.

        Raises:
            Undone: ARGUMENT_INVALID; STORE_UNAVAILABLE where the vault does not answer.
        """
        if attribute:
            _known(attribute)
        if len(customer) > LONGEST_CUSTOMER:
            raise Undone(Reason.ARGUMENT_INVALID, "subject-needed", field="customer")
        ref = subject_ref(self._key, tenant=tenant, subject=customer) if customer else ""
        request = pb.DeleteValuesRequest(tenant=tenant, attribute=attribute, subject_ref=ref)
        with _asking():
            async with self._changes.recording(
                who,
                operation="forget",
                resource=resource_of(tenant, attribute),
                tenant=tenant,
                before={"subjectRef": ref} if ref else None,
                reason=reason_given(reason, most=MOST_PURPOSE),
                takes_away=True,
            ):
                answer = await self._vault.DeleteValues(request, timeout=SECONDS)
        return answer.values

    def _values(self, wanted: Loading) -> Mapping[str, str]:
        """What the file says, by pseudonym.

        Raises:
            RowsRefused: lines are wrong.
        """
        rows = rows_of(wanted.csv, attribute=wanted.attribute)
        return {subject_ref(self._key, tenant=wanted.tenant, subject=row.customer): row.value for row in rows}


def _known(attribute: str) -> None:
    if attribute not in ATTRIBUTES:
        raise Undone(Reason.ARGUMENT_INVALID, "vault-attribute", field="attribute", known=", ".join(ATTRIBUTES))


@contextlib.contextmanager
def _asking() -> Iterator[None]:
    """A block that asks the vault.

    Raises:
        Undone: STORE_UNAVAILABLE where its process does not answer.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
            raise Undone(Reason.STORE_UNAVAILABLE, "vault-down", wait_s=5) from error
        raise
