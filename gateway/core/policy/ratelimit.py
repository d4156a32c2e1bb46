"""What Envoy's filter `ratelimit` asks about: which descriptor counts as whose call, and so against which limits."""

from typing import Annotated, Literal

import msgspec

from gateway.core.policy.rest import Source
from gateway.core.policy.vocabulary import Name, Part, Text

Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_$@:-]{1,100}\Z")]


class DescriptorEntry(Part, frozen=True, kw_only=True):
    """One entry of a descriptor, as Envoy's `actions` make it."""

    key: Key
    value: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    """Only with just this value; empty: with any."""


class CountedDescriptor(Part, frozen=True, kw_only=True):
    """Descriptors that count as one method: rules and limits name it `ratelimit/<domain's name>/<name>`."""

    name: Name
    entries: tuple[DescriptorEntry, ...]
    """All entries of the descriptor, in Envoy's order."""
    agent: Source
    """Whose call it is: the name of an agent, or where it stands, "{entries.agent}". Envoy vouches for it."""
    operation: Literal["READ", "WRITE", "CONTACT", "DELETE"] = "READ"
    subject: Source = ""
    """Such as "contacts/{entries.customer}"."""
    channel: Source = ""
    category: Source = ""
    brand: Source = ""
    campaign: Source = ""
    purpose: Source = ""
    contact_point: Source = ""
    session: Source = ""


class RateLimitDomain(Part, frozen=True, kw_only=True):
    """A `domain` of Envoy's. A descriptor that nobody describes is over its limit."""

    name: Name
    domain: Text | None = None
    """As Envoy's configuration writes it; null: the same as `name`."""
    descriptors: tuple[CountedDescriptor, ...]
