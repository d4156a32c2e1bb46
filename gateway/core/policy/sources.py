"""Systems that tell us of customers: customer data platforms, web sites, shops, messaging providers."""

from typing import Annotated

import msgspec

from gateway.core.policy.callers import ApiKey
from gateway.core.policy.vocabulary import Name, Part, Text


class Source(Part, frozen=True, kw_only=True):
    """A system whose events `pilote intake` takes. What is not listed in `facts` is never kept."""

    name: Name
    tenant: Name
    keys: tuple[ApiKey, ...] = ()
    """Its write keys: only the SHA-256 of each. `pilote keys new` makes one."""
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "contacts/{userId}"
    """The customer that an event is about, as agents name them; `{userId}` is filled in."""
    facts: dict[Text, Text] = {}
    """From a place in an event, such as "traits.plan" or "context.locale", to the fact that is kept of it, such as
    "traits.plan", "scores.churn", "segments.vip", "time_zone" or "language". See `gateway.core.sources`."""
