"""Systems that tell us of customers: customer data platforms, web sites, shops, messaging providers."""

from typing import Annotated, Literal

import msgspec

from gateway.core.outcomes import WORD, OutcomeType
from gateway.core.policy.callers import ApiKey
from gateway.core.policy.vocabulary import Duration, Name, Part, Text


class ConsentTold(Part, frozen=True, kw_only=True):
    """What in an event says that a customer may be contacted, or not: a value at `place`, or that `event` happened."""

    place: Text | None = None
    """Such as "context.consent.categoryPreferences.Marketing"."""
    event: Text | None = None
    """Name of a track event, such as "Unsubscribed", by which the customer withdraws what they agreed to."""
    reads: Literal["truth", "tcf", "gpp", "gpc"] = "truth"
    """What stands there. "truth": true lets the customer be contacted, false refuses. "tcf": a TC string of the IAB,
    version 2. "gpp": a GPP string of the IAB: who has opted out in the USA refuses, and its TC string counts where
    `purposes` are given. "gpc": Global Privacy Control, true refuses and nothing else says anything; so does the header
    `Sec-GPC: 1` of the request."""
    purposes: tuple[Annotated[int, msgspec.Meta(ge=1, le=24)], ...] = ()
    """Of a TC string, on its own or within a GPP string: all of these must be consented to."""
    vendor: Annotated[int, msgspec.Meta(ge=1, le=65_535)] | None = None
    """Of a TC string: this vendor must be too."""
    channels: tuple[Name, ...]
    purpose: Name | None = None
    """What contacts are for, as `consents` name it; every purpose where it is not said."""


class OutcomeTold(Part, frozen=True, kw_only=True):
    """A track event that tells what a customer did after a contact, such as "Email Delivered" or "Order Completed"."""

    event: Text
    type: OutcomeType
    decision: Text = "properties.decision_id"
    """Where the id of the contact's decision stands, as the trailer `pilote-decision-id` gave it to the agent."""
    channel: Name | None = None
    """Where no decision is named: the channel of the contact that is meant; any channel where this is not said."""
    revenue: Text | None = None
    """Where the revenue stands, in whole units of its currency with decimals, such as "properties.revenue"."""
    currency: Text = "properties.currency"
    consent: Text | None = None
    """Kept only of customers whose last word on this is yes: a channel, or channel/purpose, such as
    "email/tracking"."""
    question: Name | None = None
    """Of an answer to a survey: what was asked, such as "nps" or "pressure". A survey with several questions has an
    entry for each."""
    answer: Text | None = None
    """Where the answer stands, such as "properties.score"."""
    answers: dict[Text, Annotated[str, msgspec.Meta(pattern=WORD)]] = {}
    """From what may stand there, such as "Beaucoup trop", to the word that is kept of it. Empty: words and whole
    numbers are kept as they are."""


class UnomiTold(Part, frozen=True, kw_only=True):
    """How events of Apache Unomi are understood, which are sent to `/cxs/eventcollector`.

    Each is a track event, named by its `eventType`, whose source, target and scope stand in `context`. A consent that
    it modifies stands in `context.consents.NAME` as true or false, by its type.
    """

    user: Text = "profileId"
    """Where the customer's name stands: "profileId", or a place in the event such as "properties.customerNumber" or
    "source.properties.id"."""
    identify: tuple[Text, ...] = ()
    """Types of events that are an identify instead: their properties are the customer's traits."""


class Source(Part, frozen=True, kw_only=True):
    """A system whose events `pilote intake` takes. What is not listed in `facts` is never kept."""

    name: Name
    tenant: Name
    keys: tuple[ApiKey, ...] = ()
    """Its write keys: only the SHA-256 of each. `pilote keys new` makes one."""
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "contacts/{userId}"
    """The customer that an event is about, as agents name them; `{userId}` is filled in."""
    consents: tuple[ConsentTold, ...] = ()
    outcomes: tuple[OutcomeTold, ...] = ()
    audiences: tuple[Name, ...] = ()
    """Segments whose members it may say, all of them or one by one."""
    window: Duration = "7d"
    """How long after a contact an outcome that names no decision may still be its outcome."""
    unomi: UnomiTold | None = None
    """null: it sends no events of Apache Unomi."""
    aliases: bool = False
    """Whether an `alias` merges what events have told of the customer `previousId` into the one of `userId`."""
    facts: dict[Text, Text] = {}
    """From a place in an event, such as "traits.plan" or "context.locale", to the fact that is kept of it, such as
    "traits.plan", "scores.churn", "segments.vip", "time_zone" or "language". See `gateway.core.sources`."""
