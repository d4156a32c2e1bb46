"""Profiles of customers as contracts have them: read, changed, and told what a customer agrees to."""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.adapters.fact_changes import FactChanges, Words
from gateway.core.call import Facts
from gateway.core.errors import CallEnded, Reason
from gateway.core.fact_changes import Known
from gateway.core.record import subject_ref
from gateway.rpc.times import timestamp
from pilote.cdp.v1 import profile_pb2
from pilote.cdp.v1 import profile_service_pb2 as pb
from pilote.cdp.v1.profile_service_pb2_grpc import ProfileServiceServicer
from services.intake.asking import agent_of, customer_in, reading, tenant_of
from services.intake.consent_messages import consents_of, said_in, statements_of
from services.intake.policy import Sources
from services.intake.profile_changes import changes_of, wish_in
from services.intake.registry import Registry
from services.intake.repeats import Repeats


class ProfileServicer(ProfileServiceServicer):
    """Serves profiles to agents, who come through the gateway: its policy says who may change what.

    `clock_ms` gives milliseconds since the epoch.
    """

    def __init__(
        self,
        sources: Sources,
        facts: FactChanges,
        registry: Registry,
        repeats: Repeats,
        *,
        pseudonym_key: bytes,
        clock_ms: Callable[[], int],
    ) -> None:
        self._sources = sources
        self._facts = facts
        self._registry = registry
        self._repeats = repeats
        self._key = pseudonym_key
        self._clock_ms = clock_ms

    async def GetProfile(self, request: pb.GetProfileRequest, context: Any) -> pb.GetProfileResponse:
        """Read the profile of one customer."""
        tenant, customer = tenant_of(self._sources, context), customer_in("customer", request.customer)
        with reading():
            known = await self._facts.read(tenant, subject_ref(self._key, tenant=tenant, subject=customer))
        if known is None:
            raise CallEnded(Reason.NOT_FOUND, "Nothing is known of this customer.")
        return pb.GetProfileResponse(profile=_named(customer, profile_of(known)))

    async def UpdateProfile(self, request: pb.UpdateProfileRequest, context: Any) -> pb.UpdateProfileResponse:
        """Change what the mask names, whatever else is told of the customer at the same time."""
        tenant = tenant_of(self._sources, context)
        customer = customer_in("profile.customer", request.profile.customer)
        wish, etag = wish_in(request.profile, request.update_mask.paths), request.profile.etag

        async def update() -> pb.UpdateProfileResponse:
            audiences = {name for name, _ in await self._registry.all(tenant)} if "segments" in wish.replaced else set()

            def words(known: Known | None) -> Words:
                if etag and (known is None or etag != _etag(known)):
                    raise CallEnded(Reason.CONFLICT, "The profile has changed since it was read; read it again.")
                return Words(changes_of(wish, known, audiences=audiences, now_ms=self._clock_ms()))

            return pb.UpdateProfileResponse(profile=await self._changed(tenant, customer, words))

        with reading():
            answer = await self._repeats.once(
                tenant, request, pb.UpdateProfileResponse, update, agent=agent_of(context)
            )
        return pb.UpdateProfileResponse(profile=_named(customer, answer.profile))

    async def SetConsents(self, request: pb.SetConsentsRequest, context: Any) -> pb.SetConsentsResponse:
        """Add what a customer has said to what they have said before; the last word stands, by its time."""
        tenant, customer = tenant_of(self._sources, context), customer_in("customer", request.customer)
        agent = agent_of(context)
        said = said_in(request.consents, agent=agent, now_ms=self._clock_ms())

        async def note() -> pb.SetConsentsResponse:
            def words(known: Known | None) -> Words:
                facts = known.facts if known is not None else Facts()
                return Words(statements=statements_of(said, facts, now_ms=self._clock_ms()))

            return pb.SetConsentsResponse(profile=await self._changed(tenant, customer, words))

        with reading():
            answer = await self._repeats.once(tenant, request, pb.SetConsentsResponse, note, agent=agent)
        return pb.SetConsentsResponse(profile=_named(customer, answer.profile))

    async def _changed(self, tenant: str, customer: str, words: Callable[[Known | None], Words]) -> profile_pb2.Profile:
        """The profile after the change, without a name: what is kept of it for repeats names nobody."""
        ref = subject_ref(self._key, tenant=tenant, subject=customer)
        return profile_of(await self._facts.change(tenant, ref, words))


def profile_of(known: Known) -> profile_pb2.Profile:
    """The profile that facts are, without whose it is."""
    facts = known.facts
    profile = profile_pb2.Profile(
        traits=facts.traits,
        scores=facts.scores,
        segments=facts.segments,
        time_zone=facts.time_zone,
        language=facts.language,
        consents=consents_of(facts),
        etag=_etag(known),
    )
    last_ms = max([*known.times.values(), *(each.said_ms for each in facts.consent_records)], default=0)
    if last_ms:
        profile.update_time.CopyFrom(timestamp(last_ms))
    return profile


def _etag(known: Known) -> str:
    return hashlib.sha256(msgspec.json.encode(known.facts, order="sorted")).hexdigest()[:32]


def _named(customer: str, profile: profile_pb2.Profile) -> profile_pb2.Profile:
    profile.name, profile.customer = f"{customer}/profile", customer
    return profile
