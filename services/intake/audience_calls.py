"""Audiences as contracts have them: made, said and asked for by agents, who come through the gateway."""

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from gateway.core.errors import CallEnded, Reason, invalid
from pilote.dmp.v1 import audience_pb2
from pilote.dmp.v1 import audience_service_pb2 as pb
from pilote.dmp.v1.audience_service_pb2_grpc import AudienceServiceServicer
from services.intake.asking import agent_of, customer_in, reading, tenant_of
from services.intake.audience_messages import audience_in, audience_of, member_of
from services.intake.audience_pages import member_place_in, page, page_size, token_of
from services.intake.audiences import Audiences, Busy, Named, Synced
from services.intake.member_order import Place
from services.intake.policy import Sources
from services.intake.registry import Entry, Registry, place_of
from services.intake.repeats import Repeats

MOST_CUSTOMERS: Final = 1_000
"""Of one message."""
BUSY_RETRY_MS: Final = 1_000
_ID: Final = re.compile(r"[a-z0-9_-]{1,63}\Z")
_TEXTS: Final = {"display_name": 200, "description": 2_000, "purpose": 60}


class AudienceServicer(AudienceServiceServicer):
    """Serves audiences, by the same `Audiences` as over HTTP."""

    def __init__(self, sources: Sources, audiences: Audiences, registry: Registry, repeats: Repeats) -> None:
        self._sources = sources
        self._audiences = audiences
        self._registry = registry
        self._repeats = repeats

    async def CreateAudience(self, request: pb.CreateAudienceRequest, context: Any) -> pb.CreateAudienceResponse:
        """Make an audience without members."""
        tenant, wanted = tenant_of(self._sources, context), request.audience
        name = request.audience_id or f"aud_{secrets.token_hex(8)}"
        if not _ID.match(name):
            raise invalid("audience_id", "audience_id must be 1 to 63 characters of a-z, 0-9, _ and -.")
        if not wanted.display_name:
            raise invalid("audience.display_name", "audience.display_name must name it.")
        for field, most in _TEXTS.items():
            if len(getattr(wanted, field)) > most:
                raise invalid(f"audience.{field}", f"audience.{field} must be at most {most} characters.")
        entry = Entry(display_name=wanted.display_name, description=wanted.description, purpose=wanted.purpose)

        async def make() -> pb.CreateAudienceResponse:
            made = await self._registry.make(tenant, name, entry)
            return pb.CreateAudienceResponse(audience=await self._shown(tenant, name, made))

        with reading():
            return await self._repeats.once(tenant, request, pb.CreateAudienceResponse, make, agent=agent_of(context))

    async def GetAudience(self, request: pb.GetAudienceRequest, context: Any) -> pb.GetAudienceResponse:
        """Read one audience, and how far its synchronisation is."""
        tenant, name = tenant_of(self._sources, context), audience_in("name", request.name)
        with reading():
            return pb.GetAudienceResponse(audience=await self._found(tenant, name))

    async def ListAudiences(self, request: pb.ListAudiencesRequest, context: Any) -> pb.ListAudiencesResponse:
        """List audiences, oldest first."""
        tenant, size = tenant_of(self._sources, context), page_size(request.page_size)
        member = customer_in("member", request.member) if request.member else ""
        with reading():
            found = await self._registry.all(tenant)
            if request.purpose:
                found = [each for each in found if each[1].purpose == request.purpose]
            if member:
                ref = self._audiences.ref(tenant, member)
                inside = await self._audiences.having(tenant, [name for name, _ in found], ref)
                found = [each for each in found if each[0] in inside]
            shown, token = page(
                [(place_of(*each), each) for each in found],
                size=size,
                token=request.page_token,
                question=(tenant, request.purpose, member),
            )
            audiences = [await self._shown(tenant, name, entry) for name, entry in shown]
        return pb.ListAudiencesResponse(audiences=audiences, next_page_token=token)

    async def DeleteAudience(self, request: pb.DeleteAudienceRequest, context: Any) -> pb.DeleteAudienceResponse:
        """Put everybody out, and let there be no such audience any more."""
        tenant, name = tenant_of(self._sources, context), audience_in("name", request.name)

        async def delete() -> pb.DeleteAudienceResponse:
            found = await self._found(tenant, name)
            if name in self._sources.audiences_of(tenant):
                raise CallEnded(Reason.CONFLICT, "The policy names this audience; take it out of there first.")
            if request.etag and request.etag != found.etag:
                raise CallEnded(Reason.CONFLICT, "The audience has changed since; read it again.")
            try:
                await self._audiences.drop(tenant, name)
            except Busy as error:
                raise _busy() from error
            await self._registry.forget(tenant, name)
            return pb.DeleteAudienceResponse()

        with reading():
            return await self._repeats.once(tenant, request, pb.DeleteAudienceResponse, delete, agent=agent_of(context))

    async def AddMembers(self, request: pb.AddMembersRequest, context: Any) -> pb.AddMembersResponse:
        """Let customers belong to an audience."""
        tenant, name = tenant_of(self._sources, context), audience_in("audience", request.audience)
        named = self._named(tenant, request.customers, "customers", member=True, least=1)

        async def add() -> pb.AddMembersResponse:
            synced = await self._sync(tenant, name, _once(named), whole=False)
            return pb.AddMembersResponse(audience=await self._found(tenant, name), added_count=synced.joined)

        with reading():
            return await self._repeats.once(tenant, request, pb.AddMembersResponse, add, agent=agent_of(context))

    async def RemoveMembers(self, request: pb.RemoveMembersRequest, context: Any) -> pb.RemoveMembersResponse:
        """Put customers out of an audience."""
        tenant, name = tenant_of(self._sources, context), audience_in("audience", request.audience)
        named = self._named(tenant, request.customers, "customers", member=False, least=1)

        async def remove() -> pb.RemoveMembersResponse:
            synced = await self._sync(tenant, name, _once(named), whole=False)
            return pb.RemoveMembersResponse(audience=await self._found(tenant, name), removed_count=synced.left)

        with reading():
            return await self._repeats.once(tenant, request, pb.RemoveMembersResponse, remove, agent=agent_of(context))

    async def SyncMembers(self, requests: AsyncIterator[pb.SyncMembersRequest], context: Any) -> pb.SyncMembersResponse:
        """Take all members, or what changes about them, and apply it once all of it is here."""
        tenant, first = tenant_of(self._sources, context), await anext(aiter(requests), None)
        if first is None:
            raise invalid("audience", "audience must be named by the first message; there was none.")
        name = audience_in("audience", first.audience)
        with reading():
            synced = await self._sync(tenant, name, self._streamed(tenant, first, requests), whole=first.complete)
            return pb.SyncMembersResponse(
                audience=await self._found(tenant, name),
                joined_count=synced.joined,
                left_count=synced.left,
                damaged_count=synced.damaged,
            )

    async def CheckMembership(self, request: pb.CheckMembershipRequest, context: Any) -> pb.CheckMembershipResponse:
        """Say whether a customer belongs to an audience."""
        tenant, name = tenant_of(self._sources, context), audience_in("audience", request.audience)
        ref = self._audiences.ref(tenant, customer_in("customer", request.customer))
        with reading():
            await self._registry.get(tenant, name)
            return pb.CheckMembershipResponse(belongs=await self._audiences.belongs(tenant, name, ref))

    async def ListMembers(self, request: pb.ListMembersRequest, context: Any) -> pb.ListMembersResponse:
        """List who belongs to an audience, in the order in which they were added."""
        tenant, name = tenant_of(self._sources, context), audience_in("audience", request.audience)
        size, question = page_size(request.page_size), (tenant, "members", name)
        after = member_place_in(request.page_token, question)
        with reading():
            await self._registry.get(tenant, name)
            found, last = await self._audiences.order.page(tenant, name, after=after and Place(*after), size=size)
        token = token_of(last, question) if last is not None else ""
        return pb.ListMembersResponse(members=map(member_of, found), next_page_token=token)

    async def _sync(self, tenant: str, name: str, named: AsyncIterator[Sequence[Named]], *, whole: bool) -> Synced:
        await self._registry.get(tenant, name)
        try:
            return await self._audiences.sync(tenant, name, named=named, whole=whole)
        except Busy as error:
            raise _busy() from error

    async def _streamed(
        self, tenant: str, first: pb.SyncMembersRequest, others: AsyncIterator[pb.SyncMembersRequest]
    ) -> AsyncIterator[Sequence[Named]]:
        yield self._some(tenant, first)
        async for request in others:
            if request.audience not in ("", first.audience):
                raise invalid("audience", "audience must be the one of the first message, or empty.")
            yield self._some(tenant, request)

    def _some(self, tenant: str, request: pb.SyncMembersRequest) -> list[Named]:
        return [
            *self._named(tenant, request.customers, "customers", member=True),
            *self._named(tenant, request.removed_customers, "removed_customers", member=False),
        ]

    def _named(self, tenant: str, customers: Sequence[str], field: str, *, member: bool, least: int = 0) -> list[Named]:
        if not least <= len(customers) <= MOST_CUSTOMERS:
            raise invalid(field, f"{field} must name {least} to {MOST_CUSTOMERS} customers.")
        return [Named(self._audiences.ref(tenant, customer_in(field, each)), member, each) for each in customers]

    async def _found(self, tenant: str, name: str) -> audience_pb2.Audience:
        return await self._shown(tenant, name, await self._registry.get(tenant, name))

    async def _shown(self, tenant: str, name: str, entry: Entry) -> audience_pb2.Audience:
        return audience_of(name, entry, await self._audiences.look(tenant, name))


def _busy() -> CallEnded:
    text = "The audience is being synchronised; retry once that is over, as GetAudience tells."
    return CallEnded(Reason.CONFLICT, text, retry_after_ms=BUSY_RETRY_MS)


async def _once(named: Sequence[Named]) -> AsyncIterator[Sequence[Named]]:
    yield named
