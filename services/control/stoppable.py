"""What of a policy can be stopped, for people to choose from. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from gateway.core.policy.document import Document
from gateway.core.stops import ALL

Kind = Literal["all", "tenant", "agent", "version", "channel", "route"]
KINDS: Final[tuple[Kind, ...]] = ("agent", "version", "channel", "route", "tenant")
"""As they are shown; "all" stands apart."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be stopped."""

    kind: Kind
    what: str
    """As stops are named: "agent=sales-bot", "version=lead-score/2"; a tenant is "all" of its own."""
    name: str
    """What people call it: "sales-bot", "lead-score/2"."""
    tenant: str = ""
    """The one tenant that it belongs to; empty: it may be stopped for any."""


def target_of(what: str, tenant: str = "") -> Target:
    """What is meant by a stop's name and tenant, whether or not the policy has it (any more)."""
    kind, _, name = what.partition("=")
    if what == ALL:
        one = tenant not in ("", "*")
        return Target(
            kind="tenant" if one else "all", what=ALL, name=tenant if one else "", tenant=tenant if one else ""
        )
    found: Kind = next((each for each in KINDS if each == kind), "agent")
    return Target(kind=found, what=what, name=name, tenant="" if tenant == "*" else tenant)


def targets(document: Document | None, tenants: Sequence[str], *, channels: Iterable[str] = ()) -> tuple[Target, ...]:
    """All that can be stopped for these tenants, kind by kind and by name; `channels` are those that calls used."""
    if document is None:
        return ()
    seen = {each.what + " " + each.tenant: each for each in _targets(document, tenants, channels)}
    return tuple(sorted(seen.values(), key=lambda each: (KINDS.index(each.kind), each.name, each.tenant)))


def _targets(document: Document, tenants: Sequence[str], channels: Iterable[str]) -> Iterator[Target]:
    for agent in document.agents:
        if agent.tenant in tenants:
            yield Target(kind="agent", what=f"agent={agent.name}", name=agent.name, tenant=agent.tenant)
            if agent.version:
                name = f"{agent.name}/{agent.version}"
                yield Target(kind="version", what=f"version={name}", name=name, tenant=agent.tenant)
    for model in document.models:
        for version in model.versions:
            name = f"{model.name}/{version.version}"
            yield Target(kind="version", what=f"version={name}", name=name)
    for route in document.routes:
        yield Target(kind="route", what=f"route={route.name}", name=route.name)
    for channel in {*channels, *_channels(document)} - {""}:
        yield Target(kind="channel", what=f"channel={channel}", name=channel)
    for tenant in tenants:
        yield Target(kind="tenant", what=ALL, name=tenant, tenant=tenant)


def _channels(document: Document) -> Iterator[str]:
    for parts in (document.quiet_hours, document.consents, document.caps, document.holdouts):
        for part in parts:
            yield from part.channels
    if document.pressure is not None:
        yield from document.pressure.channels
