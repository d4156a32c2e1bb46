"""When, and with whose consent, customers may be contacted."""

from typing import Literal

import msgspec

from gateway.core.consents import Basis
from gateway.core.policy.vocabulary import Citation, ClockTime, Day, Duration, Message, Mode, Name, Part, Text


class OpenHours(Part, frozen=True, kw_only=True):
    """Hours in which a customer may be reached, as the clock on the wall shows them."""

    days: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    start: ClockTime = msgspec.field(name="from")
    end: ClockTime = msgspec.field(name="to")


class QuietHours(Part, frozen=True, kw_only=True):
    """When contacts are open; at all other times it is quiet, and the refusal says when it is worth coming back."""

    name: Name
    channels: tuple[Name, ...] = ()
    """Channels that are covered; empty: all."""
    categories: tuple[Name, ...] = ()
    """Categories that are covered; empty: all."""
    zone: Text = "subject"
    """An IANA time zone such as "Europe/Paris"; "subject" is the customer's own."""
    fallback_zone: str = ""
    """Used where the customer's own is unknown; empty: then it is always quiet."""
    open: tuple[OpenHours, ...]
    holidays: str = ""
    """ISO 3166 code of the country whose public holidays are quiet all day, such as "FR"."""
    on_hit: Literal["deny", "defer"] = "deny"
    """"defer": the gateway keeps the call, and makes it once the hours have opened."""
    max_defer: Duration | None = None
    """Longest time that a call is kept, by default 3d; one that would have to wait longer is refused."""
    mode: Mode = "enforce"
    message: Message | None = None
    citation: Citation = ()


class ConsentRequirement(Part, frozen=True, kw_only=True):
    """What a customer must have said before a contact: a consent on an accepted basis, and no refusal since."""

    name: Name
    channels: tuple[Name, ...] = ()
    """Channels that are covered; empty: all."""
    categories: tuple[Name, ...] = ()
    """Categories that are covered; empty: all."""
    purposes: tuple[Name, ...] = ()
    """Purposes that are covered; empty: all. A contact that names none has its category for a purpose."""
    bases: tuple[Basis, ...] = ("consent",)
    """Legal bases on which the contact may rest."""
    by: Literal["contact_point", "subject"] = "contact_point"
    """"contact_point": what was said of another contact point does not count, nor, where a call names none, what was
    said of any single one. "subject": all that the customer has said counts, the last word of all."""
    max_age: Duration | None = None
    """How long a consent counts; null: until it is withdrawn."""
    silence_after_refusal: Duration | None = None
    """After a refusal or withdrawal nothing is sent for so long, on no basis, and not after a new consent either."""
    mode: Mode = "enforce"
    message: Message | None = None
    """May use {channel}, {purpose}, {status}, {since} and {until}."""
    citation: Citation = ()
