"""What every connector must do with contacts, as checks over its contract alone: for tests, and `pilote connector try`.

A check makes what it needs, and raises `Failed` with what was wrong or `LeftOut` where it does not apply.
"""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import grpc

from gateway.core.errors import Reason
from gateway.rpc.status import reason_from
from pilote.crm.v1.contact_pb2 import Contact
from pilote.crm.v1.contact_service_pb2 import (
    CreateContactRequest,
    DeleteContactRequest,
    GetContactRequest,
    ListContactsRequest,
    UpdateContactRequest,
)
from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceStub
from pilote.crm.v1.deal_service_pb2_grpc import DealServiceStub
from pilote.crm.v1.message_service_pb2_grpc import MessageServiceStub

if TYPE_CHECKING:  # the asynchronous stubs exist for type checkers only
    from pilote.crm.v1.contact_service_pb2_grpc import ContactServiceAsyncStub
    from pilote.crm.v1.deal_service_pb2_grpc import DealServiceAsyncStub
    from pilote.crm.v1.message_service_pb2_grpc import MessageServiceAsyncStub

PAGES_AT_MOST: Final = 200


class Failed(Exception):
    """The connector does not do what it must."""


class LeftOut(Exception):
    """The check does not apply to this system."""


class Faults(Protocol):
    """Makes things go wrong, between us and the vendor or at the vendor itself."""

    def refuse_next(self) -> None:
        """Answer the next request with 429."""

    def expire(self) -> None:
        """Make what the connector logs in with worthless, once."""

    def lose_next_answer(self) -> None:
        """Carry the next change out, and lose its answer."""


class System(NamedTuple):
    """What is checked."""

    channel: grpc.aio.Channel
    methods: frozenset[str]
    """Names of the methods that it has."""
    faults: Faults | None = None
    renews: bool = False
    """Whether it logs in by itself when it is told that it has to."""
    contact_point: str = ""
    """Address or number that messages may go to; empty: none may."""
    messages_by: str = "email"
    """The channel by which they go there."""
    sent: Callable[[], int] | None = None
    """How many messages have reached the vendor so far; `None`: nobody can see."""

    deals_need: tuple[str, ...] = ()
    """Fields without which it makes no deal, beyond those of the contract."""

    @property
    def contacts(self) -> "ContactServiceAsyncStub":
        """Its contacts."""
        return ContactServiceStub(self.channel)

    @property
    def deals(self) -> "DealServiceAsyncStub":
        """Its deals."""
        return DealServiceStub(self.channel)

    @property
    def messages(self) -> "MessageServiceAsyncStub":
        """Its messages."""
        return MessageServiceStub(self.channel)


Check = Callable[[System], Awaitable[None]]


async def created_is_read_again(system: System) -> None:
    """What is created is read again, with the name and the values it was given."""
    made = await _made(system)
    found = (await system.contacts.GetContact(GetContactRequest(name=made.name))).contact
    see(found.name == made.name and found.email == made.email, "the contact is not what was created")
    see(found.display_name == made.display_name, "the contact has another name")


async def update_changes_what_is_named(system: System) -> None:
    """An update changes the fields it names and leaves the others."""
    needs(system, "UpdateContact")
    made = await _made(system)
    wanted = Contact(name=made.name, display_name="Grace Hopper", email="other@example.org")
    request = UpdateContactRequest(contact=wanted)
    request.update_mask.paths.append("display_name")
    await system.contacts.UpdateContact(request)
    found = (await system.contacts.GetContact(GetContactRequest(name=made.name))).contact
    see(found.display_name == "Grace Hopper", "the named field has not changed")
    see(found.email == made.email, "a field that was not named has changed")


async def deleted_is_not_found(system: System) -> None:
    """What is deleted is not found any more."""
    needs(system, "DeleteContact")
    made = await _made(system)
    await system.contacts.DeleteContact(DeleteContactRequest(name=made.name))
    await refused(system.contacts.GetContact(GetContactRequest(name=made.name)), Reason.NOT_FOUND)


async def unknown_is_not_found(system: System) -> None:
    """A name that nothing has is not found, and one that is no name is an invalid argument."""
    needs(system, "GetContact")
    await refused(system.contacts.GetContact(GetContactRequest(name="contacts/999999999")), Reason.NOT_FOUND)
    await refused(system.contacts.GetContact(GetContactRequest(name="deals/1")), Reason.ARGUMENT_INVALID)


async def pages_hold_everything_once(system: System) -> None:
    """A list comes page by page, with everything in it once."""
    needs(system, "ListContacts")
    made = [(await _made(system)).name for _ in range(5)]
    found = [name async for name in _names(system, size=2)]
    see(len(found) == len(set(found)), "a contact is on two pages")
    see(set(made) <= set(found), "a contact is on no page")


async def page_of_another_list_is_refused(system: System) -> None:
    """A page token that was made up is refused."""
    needs(system, "ListContacts")
    request = ListContactsRequest(page_token="bm90IG91cnM")  # noqa: S106 - a page token
    await refused(system.contacts.ListContacts(request), Reason.ARGUMENT_INVALID)


async def stale_state_is_a_conflict(system: System) -> None:
    """A change of what has changed since it was read is refused."""
    needs(system, "UpdateContact")
    made = await _made(system)
    read = (await system.contacts.GetContact(GetContactRequest(name=made.name))).contact
    if not read.etag:
        raise LeftOut("it tells no state")
    first = Contact(name=made.name, display_name="Grace Hopper", etag=read.etag)
    await system.contacts.UpdateContact(UpdateContactRequest(contact=first))
    second = Contact(name=made.name, display_name="Joan Clarke", etag=read.etag)
    await refused(system.contacts.UpdateContact(UpdateContactRequest(contact=second)), Reason.CONFLICT)


async def repeat_creates_nothing_twice(system: System) -> None:
    """A request that is repeated with its id creates nothing twice and gets the first answer again."""
    needs(system, "ListContacts")
    request = CreateContactRequest(contact=_contact(), request_id=uuid.uuid4().hex)
    first = await system.contacts.CreateContact(request)
    again = await system.contacts.CreateContact(request)
    see(first.contact == again.contact, "the repeat got another answer")
    see(await _count(system, first.contact.email) == 1, "the repeat created a second one")
    other = CreateContactRequest(contact=_contact(), request_id=request.request_id)
    await refused(system.contacts.CreateContact(other), Reason.IDEMPOTENCY_KEY_REUSED)


async def wrong_request_names_its_field(system: System) -> None:
    """A request that lacks what the contract requires is refused before anything is asked."""
    await refused(system.contacts.CreateContact(CreateContactRequest()), Reason.ARGUMENT_INVALID)


async def refusal_says_when(system: System) -> None:
    """A vendor that takes no more is told as a limit, and nothing is created."""
    faults = _faults(system)
    request = CreateContactRequest(contact=_contact())
    faults.refuse_next()
    await refused(system.contacts.CreateContact(request), Reason.LIMIT_EXCEEDED)
    see(await _count(system, request.contact.email) == 0, "it was created all the same")


async def worn_out_login_is_renewed(system: System) -> None:
    """Credentials that have run out are renewed without the caller's notice, or told as the operator's matter."""
    faults = _faults(system)
    made = await _made(system)
    faults.expire()
    reading = system.contacts.GetContact(GetContactRequest(name=made.name))
    if system.renews:
        see((await reading).contact.name == made.name, "the wrong contact came")
    else:
        await refused(reading, Reason.UPSTREAM_UNAVAILABLE)


async def lost_answer_is_in_doubt_and_no_repeat_acts_twice(system: System) -> None:
    """When the answer to a change is lost, a repeat with its id does not act twice."""
    faults = _faults(system)
    request = CreateContactRequest(contact=_contact(), request_id=uuid.uuid4().hex)
    faults.lose_next_answer()
    for _ in range(2):
        try:
            await system.contacts.CreateContact(request)
        except grpc.aio.AioRpcError as error:
            see(reason_from(error) == Reason.UPSTREAM_IN_DOUBT, f"it ended with {reason_from(error)}")
    see(await _count(system, request.contact.email) == 1, "it was not created once")


CHECKS: Final[tuple[Check, ...]] = (
    created_is_read_again,
    update_changes_what_is_named,
    deleted_is_not_found,
    unknown_is_not_found,
    pages_hold_everything_once,
    page_of_another_list_is_refused,
    stale_state_is_a_conflict,
    repeat_creates_nothing_twice,
    wrong_request_names_its_field,
    refusal_says_when,
    worn_out_login_is_renewed,
    lost_answer_is_in_doubt_and_no_repeat_acts_twice,
)


async def refused(call: Awaitable[Any], reason: Reason) -> None:
    """See that the call ends with that reason.

    Raises:
        Failed: it does not.
    """
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if reason_from(error) == reason:
            return
        raise Failed(f"it ended with {reason_from(error)}, not with {reason}") from error
    raise Failed(f"it was done, and should have ended with {reason}")


def needs(system: System, *methods: str) -> None:
    """See that the system has these methods.

    Raises:
        LeftOut: it lacks one.
    """
    for method in methods:
        if method not in system.methods:
            raise LeftOut(f"it has no {method}")


def see(fact: bool, otherwise: str) -> None:  # noqa: FBT001 - reads like an assertion
    """See that something is so.

    Raises:
        Failed: it is not, which `otherwise` says.
    """
    if not fact:
        raise Failed(otherwise)


def _contact() -> Contact:
    return Contact(display_name="Ada Lovelace", email=f"pilote-{uuid.uuid4().hex}@example.org")


async def _made(system: System) -> Contact:
    needs(system, "CreateContact", "GetContact")
    return (await system.contacts.CreateContact(CreateContactRequest(contact=_contact()))).contact


async def _names(system: System, *, size: int) -> AsyncIterator[str]:
    token = ""
    for _ in range(PAGES_AT_MOST):
        page = await system.contacts.ListContacts(ListContactsRequest(page_size=size, page_token=token))
        see(len(page.contacts) <= size, "a page has more than it may")
        for contact in page.contacts:
            yield contact.name
        token = page.next_page_token
        if not token:
            return
    raise LeftOut(f"there are more than {PAGES_AT_MOST} pages of contacts")


async def _count(system: System, email: str) -> int:
    token, count = "", 0
    for _ in range(PAGES_AT_MOST):
        page = await system.contacts.ListContacts(ListContactsRequest(page_size=100, page_token=token))
        count += sum(contact.email == email for contact in page.contacts)
        token = page.next_page_token
        if not token:
            return count
    raise LeftOut(f"there are more than {PAGES_AT_MOST} pages of contacts")


def _faults(system: System) -> Faults:
    needs(system, "CreateContact", "GetContact", "ListContacts")
    if system.faults is None:
        raise LeftOut("nothing can be made to go wrong here")
    return system.faults
