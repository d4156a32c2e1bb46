"""Answers for the vault: what is loaded, deleted, listed and compared. No answer tells of one person."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from gateway.core.errors import invalid
from gateway.core.policy.vocabulary import NAME
from gateway.rpc.times import timestamp
from pilote.vault.v1 import vault_service_pb2 as pb
from pilote.vault.v1.vault_service_pb2_grpc import VaultServiceServicer
from services.vault.attributes import ATTRIBUTES, MOST_KEEP_DAYS, MOST_PURPOSE, MOST_ROWS
from services.vault.store import DAY_MS, Held, Load, Vault

SERVICE: Final = "pilote.vault.v1.VaultService"
_REF: Final = re.compile(r"[0-9a-f]{32}")


class Compared(Protocol):
    """What statistics have compared; `services.workbench.looks.fairness_telling` makes it."""

    def __call__(self) -> pb.ListComparisonsResponse:
        """It as it stands."""


class VaultServicer(VaultServiceServicer):
    """See the contract. `clock_ms` is milliseconds since the epoch."""

    def __init__(self, vault: Vault, *, compared: Compared, clock_ms: Callable[[], int]) -> None:
        self._vault = vault
        self._compared = compared
        self._clock_ms = clock_ms

    async def LoadAttribute(self, request: pb.LoadAttributeRequest, context: Any) -> pb.LoadAttributeResponse:
        """Take in values.

        Raises:
            CallEnded: ARGUMENT_INVALID, naming the field.
        """
        values = dict(request.values)
        _tenant(request.tenant)
        _attribute(request.attribute)
        for field in ("purpose", "legal_basis"):
            if not 1 <= len(getattr(request, field).strip()) <= MOST_PURPOSE:
                raise invalid(field, f"{field} must have 1 to {MOST_PURPOSE} characters.")
        if not 1 <= request.keep_days <= MOST_KEEP_DAYS:
            raise invalid("keep_days", f"keep_days must be 1 to {MOST_KEEP_DAYS}.")
        _values(values, request.attribute)
        now_ms = self._clock_ms()
        wanted = Load(
            tenant=request.tenant,
            attribute=request.attribute,
            purpose=request.purpose.strip(),
            legal_basis=request.legal_basis.strip(),
            keep_until_ms=now_ms + request.keep_days * DAY_MS,
            values=values,
        )
        await asyncio.to_thread(self._vault.load, wanted, now_ms=now_ms)
        held = [
            each
            for each in await asyncio.to_thread(self._vault.held)
            if (each.tenant, each.attribute) == (wanted.tenant, wanted.attribute)
        ]
        return pb.LoadAttributeResponse(attribute=_shown(held[0]) if held else None)

    async def ListAttributes(self, request: pb.ListAttributesRequest, context: Any) -> pb.ListAttributesResponse:
        """What is held."""
        held = await asyncio.to_thread(self._vault.held)
        return pb.ListAttributesResponse(attributes=[_shown(each) for each in held])

    async def DeleteValues(self, request: pb.DeleteValuesRequest, context: Any) -> pb.DeleteValuesResponse:
        """Delete values.

        Raises:
            CallEnded: ARGUMENT_INVALID, naming the field.
        """
        _tenant(request.tenant)
        if request.attribute:
            _attribute(request.attribute)
        if request.subject_ref and not _REF.fullmatch(request.subject_ref):
            raise invalid("subject_ref", "subject_ref must be 32 hexadecimal digits, or empty.")
        people = [request.subject_ref] if request.subject_ref else None
        count = await asyncio.to_thread(self._vault.forget, request.tenant, attribute=request.attribute, people=people)
        return pb.DeleteValuesResponse(values=count)

    async def ListComparisons(self, request: pb.ListComparisonsRequest, context: Any) -> pb.ListComparisonsResponse:
        """What was compared in the last complete week."""
        return self._compared()


def _shown(held: Held) -> pb.Attribute:
    return pb.Attribute(
        tenant=held.tenant,
        attribute=held.attribute,
        purpose=held.purpose,
        legal_basis=held.legal_basis,
        people=held.people,
        load_time=timestamp(held.loaded_ms),
        first_expire_time=timestamp(held.first_over_ms) if held.people else None,
        last_expire_time=timestamp(held.last_over_ms) if held.people else None,
    )


def _tenant(name: str) -> None:
    if not re.fullmatch(NAME, name):
        raise invalid("tenant", "tenant must be the name of one.")


def _attribute(name: str) -> None:
    if name not in ATTRIBUTES:
        raise invalid("attribute", f"attribute must be one of {', '.join(ATTRIBUTES)}.")


def _values(values: Mapping[str, str], attribute: str) -> None:
    known = frozenset(ATTRIBUTES[attribute])
    if not 1 <= len(values) <= MOST_ROWS:
        raise invalid("values", f"values must be those of 1 to {MOST_ROWS} customers.")
    if not all(_REF.fullmatch(each) for each in values):
        raise invalid("values", "values must be given by pseudonyms of 32 hexadecimal digits.")
    if not known.issuperset(values.values()):
        raise invalid("values", f"values of {attribute} must be among {', '.join(ATTRIBUTES[attribute])}.")
