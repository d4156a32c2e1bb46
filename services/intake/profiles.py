"""Profiles of customers as contracts have them: what is known of them here, read only."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from gateway.adapters.fact_changes import FactChanges
from gateway.core.call import Facts
from gateway.core.consents import Basis, Consent, Status, latest
from gateway.core.errors import CallEnded, Reason
from gateway.core.fact_changes import Known
from gateway.core.record import subject_ref
from gateway.rpc.times import timestamp
from pilote.cdp.v1 import profile_pb2
from pilote.cdp.v1 import profile_service_pb2 as pb
from pilote.cdp.v1.profile_service_pb2_grpc import ProfileServiceServicer
from services.intake.asking import customer_in, reading, tenant_of
from services.intake.policy import Sources

ANY: Final = "*"
_MOST_SOURCE: Final = 100
_STATUSES: Final[Mapping[Status, "profile_pb2.ConsentStatus.ValueType"]] = {
    "granted": profile_pb2.CONSENT_STATUS_GRANTED,
    "refused": profile_pb2.CONSENT_STATUS_DENIED,
    "withdrawn": profile_pb2.CONSENT_STATUS_WITHDRAWN,
}
_BASES: Final[Mapping[Basis, "profile_pb2.LegalBasis.ValueType"]] = {
    "consent": profile_pb2.LEGAL_BASIS_CONSENT,
    "contract": profile_pb2.LEGAL_BASIS_CONTRACT,
    "existing_customer": profile_pb2.LEGAL_BASIS_LEGITIMATE_INTEREST,
    "legitimate_interest": profile_pb2.LEGAL_BASIS_LEGITIMATE_INTEREST,
    "legal_obligation": profile_pb2.LEGAL_BASIS_LEGAL_OBLIGATION,
}
"""The contract has no word for the others."""


class ProfileServicer(ProfileServiceServicer):
    """Serves profiles to agents, who come through the gateway.

    They are written by what systems tell, not by agents: else an agent could give itself a consent.
    """

    def __init__(self, sources: Sources, facts: FactChanges, *, pseudonym_key: bytes) -> None:
        self._sources = sources
        self._facts = facts
        self._key = pseudonym_key

    async def GetProfile(self, request: pb.GetProfileRequest, context: Any) -> pb.GetProfileResponse:
        """Read the profile of one customer."""
        tenant, customer = tenant_of(self._sources, context), customer_in("customer", request.customer)
        with reading():
            known = await self._facts.read(tenant, subject_ref(self._key, tenant=tenant, subject=customer))
        if known is None:
            raise CallEnded(Reason.NOT_FOUND, "Nothing is known of this customer.")
        return pb.GetProfileResponse(profile=profile_of(customer, known))

    async def UpdateProfile(self, request: pb.UpdateProfileRequest, context: Any) -> pb.UpdateProfileResponse:
        """Refuse: see the class."""
        raise _read_only()

    async def SetConsents(self, request: pb.SetConsentsRequest, context: Any) -> pb.SetConsentsResponse:
        """Refuse: see the class."""
        raise _read_only()


def profile_of(customer: str, known: Known) -> profile_pb2.Profile:
    """The profile that facts are."""
    facts = known.facts
    profile = profile_pb2.Profile(
        name=f"{customer}/profile",
        customer=customer,
        traits=facts.traits,
        scores=facts.scores,
        segments=facts.segments,
        time_zone=facts.time_zone,
        language=facts.language,
        consents=_consents(facts),
        etag=hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()[:32],
    )
    last_ms = max([*known.times.values(), *(each.said_ms for each in facts.consent_records)], default=0)
    if last_ms:
        profile.update_time.CopyFrom(timestamp(last_ms))
    return profile


def _consents(facts: Facts) -> Iterator[profile_pb2.Consent]:
    """The last words, as rules see them (`gateway.core.consents.by_channel`); those without a time come last."""
    records, said = facts.consent_records, set[str]()
    for channel, purpose in dict.fromkeys((each.channel, each.purpose) for each in records):
        met = [each for each in records if each.channel == channel and each.purpose in ("", purpose)]
        points = {each.contact_point for each in met}
        words = [latest(each for each in met if each.contact_point in ("", point)) for point in points]
        # One contact point that may not be used makes it a no, which is the one to show.
        noes = [each for each in words if each is not None and not each.granted]
        last = latest(noes or [each for each in words if each is not None])
        said.add(f"{channel}/{purpose}" if purpose else channel)
        if last is not None:
            yield _consent(last, purpose)
    for name, granted in facts.consents.items():
        if name not in said:
            channel, _, purpose = name.partition("/")
            status = profile_pb2.CONSENT_STATUS_GRANTED if granted else profile_pb2.CONSENT_STATUS_DENIED
            yield profile_pb2.Consent(purpose=purpose or ANY, channel=channel, status=status)


def _consent(last: Consent, purpose: str) -> profile_pb2.Consent:
    consent = profile_pb2.Consent(
        purpose=purpose or ANY,
        channel=last.channel,
        status=_STATUSES[last.status],
        legal_basis=_BASES.get(last.legal_basis, profile_pb2.LEGAL_BASIS_UNSPECIFIED),
        source=last.proof[:_MOST_SOURCE],
    )
    if last.captured_ms:
        consent.capture_time.CopyFrom(timestamp(last.captured_ms))
    if last.withdrawn_ms:
        consent.withdrawal_time.CopyFrom(timestamp(last.withdrawn_ms))
    return consent


def _read_only() -> CallEnded:
    text = "Profiles are read only for agents: send what is to change to `pilote intake`, as a source of the policy."
    return CallEnded(Reason.NOT_BUILT, text)
