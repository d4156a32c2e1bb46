"""ContactService: the persons whom the company knows."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from typing import Any, ClassVar

from gateway.rpc.times import timestamp
from pilote.crm.v1 import contact_service_pb2 as pb
from pilote.crm.v1.contact_pb2 import Contact, ContactChange
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceServicer
from services.crm import checks, repeats
from services.crm.collection import QUERY, Collection
from services.crm.resources import Resources, Wanted


class Contacts(Collection[Contact]):
    """How contacts are kept. A deleted contact takes everything that is about it along."""

    kind = Contact
    table = "contacts"
    word = "contact"
    id_prefix = "cnt"
    limits: ClassVar = {
        "display_name": 200,
        "email": 254,
        "phone": 16,
        "company": 200,
        "job_title": 200,
        "seniority": 60,
        "role_function": 60,
        "industry": 60,
        "region": 60,
        "language": 35,
        "time_zone": 60,
    }
    filters = ("company", "region", "lifecycle_stage", "email")
    searched = True
    remembered = True

    def problems(self, resource: Contact) -> Iterator[checks.Problem]:
        """A time zone that does not exist, wrong tags or attributes."""
        yield from checks.time_zone(resource.time_zone)
        yield from checks.attributes(resource.attributes)
        if len(resource.tags) > 50:
            yield "tags", "must be at most 50"
        if any(not 0 < len(tag) <= 60 for tag in resource.tags):
            yield "tags", "must be 1 to 60 characters each"

    def subject(self, resource: Contact) -> str:
        """The contact itself."""
        return resource.name

    def filter_value(self, resource: Contact, field: str) -> str | int:
        """Mail addresses compare without case."""
        value = super().filter_value(resource, field)
        return value.casefold() if isinstance(value, str) and field == "email" else value

    def texts(self, resource: Contact) -> Iterator[str]:
        """Everything that people look for somebody by."""
        yield from (resource.display_name, resource.email, resource.phone, resource.company, resource.job_title)
        yield from resource.tags
        yield from resource.attributes.values()

    def deleted(self, connection: sqlite3.Connection, resource: Contact) -> None:
        """Delete deals, activities and messages of the contact, and forget the answers that showed it."""
        connection.execute("DELETE FROM deals WHERE contact = ?", (resource.name,))
        connection.execute("DELETE FROM activities WHERE contact = ?", (resource.name,))
        connection.execute("DELETE FROM messages WHERE customer = ?", (resource.name,))
        repeats.erase(connection, resource.name)


class ContactServicer(ContactServiceServicer):
    """Serves contacts."""

    def __init__(self, contacts: Resources[Contact]) -> None:
        self._contacts = contacts

    async def CreateContact(self, request: pb.CreateContactRequest, context: Any) -> pb.CreateContactResponse:
        """Create a contact."""
        wanted = Wanted(request.contact, request.request_id, request.contact_id)
        return pb.CreateContactResponse(contact=await self._contacts.create(wanted))

    async def GetContact(self, request: pb.GetContactRequest, context: Any) -> pb.GetContactResponse:
        """Read one contact."""
        return pb.GetContactResponse(contact=await self._contacts.get(request.name))

    async def ListContacts(self, request: pb.ListContactsRequest, context: Any) -> pb.ListContactsResponse:
        """List contacts, oldest first."""
        contacts, token = await self._contacts.page(
            {
                "company": request.company,
                "region": request.region,
                "lifecycle_stage": request.lifecycle_stage,
                "email": request.email.casefold(),
                QUERY: checks.query(request.query),
            },
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListContactsResponse(contacts=contacts, next_page_token=token)

    async def StreamContacts(
        self, request: pb.StreamContactsRequest, context: Any
    ) -> AsyncIterator[pb.StreamContactsResponse]:
        """Send every contact that matches, oldest first."""
        filters: dict[str, str | int] = {
            "company": request.company,
            "region": request.region,
            "lifecycle_stage": request.lifecycle_stage,
            QUERY: checks.query(request.query),
        }
        async for contact in self._contacts.every(filters):
            yield pb.StreamContactsResponse(contact=contact)

    async def UpdateContact(self, request: pb.UpdateContactRequest, context: Any) -> pb.UpdateContactResponse:
        """Change fields of a contact."""
        contact = await self._contacts.update(request.contact, mask=request.update_mask, request_id=request.request_id)
        return pb.UpdateContactResponse(contact=contact)

    async def ListContactChanges(
        self, request: pb.ListContactChangesRequest, context: Any
    ) -> pb.ListContactChangesResponse:
        """List what a contact was after each of its changes, newest first."""
        found, token = await self._contacts.changes(
            request.contact, field="contact", page_size=request.page_size, page_token=request.page_token
        )
        listed = [
            ContactChange(change_time=timestamp(each.at_ms), fields=each.fields, contact=Contact.FromString(each.body))
            for each in found
        ]
        return pb.ListContactChangesResponse(changes=listed, next_page_token=token)

    async def DeleteContact(self, request: pb.DeleteContactRequest, context: Any) -> pb.DeleteContactResponse:
        """Delete a contact and everything that is about it."""
        await self._contacts.delete(request.name, etag=request.etag, request_id=request.request_id)
        return pb.DeleteContactResponse()
